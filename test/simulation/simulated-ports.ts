import { messageOf } from '../../functions/adapters/queue/unpublished-queue.ts';
import type {
  CancelJobs,
  Clock,
  Ids,
  KeptAuthorizations,
  KlarnaExpiry,
  PaymentRequestStore,
  PublishResponse,
  SessionTimer,
  StoredAccounts,
  SweepLease,
} from '../../functions/application/ports.ts';
import type { AccountSettings, KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { DeliveryReplay, QuarantinedDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { syncKlarnaExpiry } from '../../functions/application/sync-klarna-expiry.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import type { CancelJobKey } from '../../functions/domain/cancel-job.ts';
import type {
  Account,
  PaymentRequestId,
  PaymentRequestKey,
  Reference,
  ReferenceKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import type { MessageQueue, QueuedMessage } from '../../operations/queue.ts';
import type { Unpublished } from '../../functions/domain/unpublished.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import { retries } from '../support/virtual-clock.ts';
import type { FaultKind, PortCall, Task } from './engine.ts';
import { beginning } from './plan.ts';
import { unresolved } from './simulated-klarna.ts';
import type { SimulatedQueue } from './simulated-queue.ts';
import type { SimulatedTable } from './simulated-table.ts';
import type { CodeVersion } from './code-version.ts';
import { shortOf } from './describe-step.ts';
import type { World } from './world.ts';

/** A call of the bus that fails as a whole is one that the bus refuses for now. */
const busFaults: readonly FaultKind[] = [
  'crash-before',
  'crash-during',
  'crash-after',
  'slow',
  'refuse-some',
  'refuse-for-good',
];

const plainFaults = [
  'throw-before',
  'throw-after',
  'crash-before',
  'crash-during',
  'crash-after',
  'slow',
] as const;
const readFaults: readonly FaultKind[] = ['throw-before', 'crash-before', 'crash-after', 'slow'];
const writeFaults: readonly FaultKind[] = [...plainFaults, 'repeat', 'repeat-late'];
const klarnaReadFaults: readonly FaultKind[] = [
  'crash-before',
  'crash-after',
  'slow',
  'klarna-500',
  'klarna-409',
  'klarna-404',
  'klarna-429',
  'klarna-401',
  'klarna-unknown-state',
  'klarna-hangs',
];
const klarnaCancelFaults: readonly FaultKind[] = [
  'crash-before',
  'crash-during',
  'crash-after',
  'slow',
  'klarna-500',
  'klarna-500-done',
  'klarna-409',
  'klarna-404',
  'klarna-429',
  'klarna-401',
  'klarna-unknown-state',
  'klarna-hangs',
  'klarna-hangs-done',
  'klarna-hangs-done-late',
];

/** Everything that one invocation gets from outside. */
export type Ports = ReturnType<typeof portsOf>;

/** The outside of every port, for one invocation. */
export function portsOf(world: World, task: Task, version: CodeVersion) {
  const { engine, table, klarna, judge } = world;
  const records = table.seenBy(version.codec);
  const call = <Result>(port: PortCall<Result>) => engine.call(task, port);
  const retrying = { ...retries, ...(task.function === 'webhook' && { conflictBudget: 500 }) };
  const write = <Result>(act: () => Result): Result => {
    world.writer = { name: task.name, version };
    return act();
  };
  /** Every other third of a minute the account is over its share of Klarna's limit. The other account on the credential goes on. */
  const turn = ({ account }: AccountSettings): Promise<boolean> => {
    const { overShare, quietAfter } = world.plan;
    const isOver = account === overShare && world.engine.now < beginning + quietAfter;
    return Promise.resolve(!isOver || Math.floor(world.engine.now / 20_000) % 2 === 1);
  };
  const inHand = async (key: PaymentRequestKey, reading: Promise<PaymentRequest | undefined>) => {
    const record = await reading;
    judge.hasInHand(task, key, record);
    return record;
  };
  const store: PaymentRequestStore = {
    read: (key) =>
      inHand(key, call({ site: 'store.read', faults: readFaults, perform: () => records.read(key) })),
    observe: (key, observation) =>
      call({
        site: 'store.observe',
        faults: writeFaults,
        perform: () => write(() => records.observe(key, observation)),
      }),
    noteStale: (...noted) =>
      call({
        site: 'store.note-stale',
        faults: writeFaults,
        perform: () => write(() => records.noteStale(...noted)),
      }),
    readAll: (keys) =>
      call({ site: 'store.read-all', faults: readFaults, perform: () => records.readAll(keys) }),
    register: async (made) => {
      const result = await call({
        site: 'store.register',
        faults: writeFaults,
        perform: () => write(() => records.register(made)),
      });
      judge.hasInHand(task, made, result.written ? result.record : result.stored);
      return result;
    },
    authorize: (key, report) =>
      call({
        site: 'store.authorize',
        faults: writeFaults,
        perform: () => write(() => records.authorize(key, report)),
      }),
    save: async (current, next) => {
      const result = await call({
        site: 'store.save',
        faults: writeFaults,
        perform: () => write(() => records.save(current, next)),
      });
      judge.hasInHand(task, next, result.written ? next : result.stored);
      return result;
    },
  };
  const clock: Clock = {
    now: () => engine.now,
    instant: () => instantFromMillis(engine.now),
    wait: (millis) =>
      call({ site: 'clock.wait', faults: ['crash-before'], perform: () => undefined, takes: millis }),
  };
  const ids: Ids = { next: () => world.nextId() };
  const klarnaExpiry: KlarnaExpiry = {
    moveExpiry: (credentials, id, expiresAt, { timeoutMillis }) =>
      call({
        site: 'klarna.move-expiry',
        faults: klarnaCancelFaults,
        perform: (fault) => klarna.moveExpiry(keyOf(credentials, id), expiresAt, fault),
        waitLimit: { millis: timeoutMillis, result: unresolved },
      }),
  };
  const onExpiryFault = (error: unknown) => judge.failed(task, "Klarna's expiry", error);
  const paymentRequests = {
    read: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) =>
      askKlarna(world, task, 'read', keyOf(credentials, id), timeoutMillis, (key, fault) =>
        klarna.read(key, fault),
      ),
    cancel: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) => {
      const key = keyOf(credentials, id);
      // Whether the cancel was allowed depends on the record at the time of the DELETE.
      const withLeave = table.records.get(nameOf(key))?.cancellation?.allowCompleted ?? false;
      return askKlarna(world, task, 'cancel', key, timeoutMillis, (asked, fault) =>
        klarna.cancel(asked, withLeave, fault),
      );
    },
  };
  return {
    store,
    sessions: {
      ofSession: (account: Account, sessionId: SessionId) =>
        keysFrom(world, task, 'sessions.ofSession', () => table.sessionKeys(account, sessionId)),
    },
    handOver: {
      compare: (key: PaymentRequestKey) =>
        call({
          site: 'hand-over.compare',
          faults: plainFaults,
          perform: () => world.hearing.onHandOver(key, engine.now + 1_000),
        }),
      settle: (key: ReferenceKey, seen: PaymentRequestId) =>
        call({
          site: 'hand-over.settle',
          faults: plainFaults,
          perform: () => world.hearing.onAwaitedSeen(key, seen, engine.now + 1_000),
        }),
    },
    references: {
      ofReference: (account: Account, reference: Reference) =>
        keysFrom(world, task, 'references.ofReference', () => table.referenceKeys(account, reference)),
    },
    awaited: {
      read: (key: ReferenceKey) =>
        call({ site: 'awaited.read', faults: readFaults, perform: () => world.awaited.read(key) }),
      save: (next: AwaitedReference) =>
        call({
          site: 'awaited.save',
          faults: writeFaults,
          perform: () => world.saveAwaited(next),
        }),
      due: (now: Instant) => keysFrom(world, task, 'awaited.due', () => world.awaited.dueKeys(now)),
    },
    list: {
      listed: (...asked: Parameters<SimulatedTable['listed']>) =>
        call({
          site: 'list.listed',
          faults: readFaults,
          perform: () => table.listed(...asked),
        }),
    },
    due: {
      due: (now: Instant) => keysFrom(world, task, 'due.due', () => table.dueKeys(now)),
    },
    sweepLease: leaseFor(world, task),
    klarna: paymentRequests,
    klarnaExpiry,
    timer: timerFor(world, task),
    accounts: {
      find: (account: Account) =>
        call({ site: 'accounts.find', faults: readFaults, perform: () => world.settingsOf(account) }),
    },
    signingKeys: {
      find: (id: string) =>
        call({ site: 'signing-keys.find', faults: readFaults, perform: () => world.signingKeys.get(id) }),
    },
    erasure: erasureFor(world, task, write),
    jobs: jobsFor(world, task),
    authorizations: authorizationsFor(world, task),
    records: {
      changedSince: (since: Instant) =>
        listedBy(world, task, 'records.changed-since', readFaults, () =>
          [...table.records.values()].filter(({ updatedAt }) => updatedAt >= since),
        ),
    },
    queues: {
      deadTimers: queueFor(world, task, world.deadTimers),
      unpublished: queueFor(world, task, world.unpublished),
      timers: {
        send: (body: string) =>
          call({ site: 'queue.send', faults: plainFaults, perform: () => world.sendTimer(body) }),
      },
    },
    stored: {
      read: (account: Account) =>
        call({ site: 'accounts.read', faults: readFaults, perform: () => world.accounts.read(account) }),
      onboard: (...given: Parameters<StoredAccounts['onboard']>) =>
        call({
          site: 'accounts.onboard',
          faults: plainFaults,
          perform: () => world.accounts.onboard(...given),
        }),
    },
    quarantine: {
      all: () =>
        listedBy(world, task, 'quarantine.all', readFaults, () => world.quarantine.deliveries.toReversed()),
      read: (id: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>) =>
        call({ site: 'quarantine.read', faults: readFaults, perform: () => world.quarantine.read(id) }),
      noteReplay: (delivery: QuarantinedDelivery, replay: DeliveryReplay) =>
        call({
          site: 'quarantine.note-replay',
          faults: plainFaults,
          perform: () => {
            judge.hasReplayed(delivery);
            return world.quarantine.noteReplay(delivery, replay);
          },
        }),
      keep: (delivery: QuarantinedDelivery) =>
        call({
          site: 'quarantine.keep',
          faults: plainFaults,
          perform: () => world.quarantine.keep(delivery),
        }),
    },
    publisher: {
      publish: (events: readonly StateChangeEvent[]) =>
        call({
          site: 'publisher.publish',
          faults: busFaults,
          perform: (fault) => publish(world, task, events, fault),
        }),
    },
    unpublished: {
      keep: (unpublished: Unpublished) =>
        call({
          site: 'unpublished.keep',
          faults: plainFaults,
          perform: () => world.unpublished.send(messageOf(unpublished)),
        }),
    },
    clock,
    ids,
    ...retrying,
    turn,
    pace: { turn },
    onTimerFault: () => undefined,
    onUnreadable: () => undefined,
    onFollowFault: (key: PaymentRequestKey | ReferenceKey, error: unknown) =>
      judge.followFailed(task, 'reference' in key ? key.reference : shortOf(key), error),
    syncExpiry: syncKlarnaExpiry({
      store,
      klarna: paymentRequests,
      klarnaExpiry,
      clock,
      ids,
      onFault: onExpiryFault,
      ...retrying,
    }),
    onExpiryFault,
    onTimeout: () => undefined,
    onWaiting: () => undefined,
    onFault: (key: PaymentRequestKey, error: unknown) => judge.followFailed(task, shortOf(key), error),
    onJoinFault: (account: Account, error: unknown) => judge.failed(task, `reports of ${account}`, error),
    onReferenceFault: ({ reference }: ReferenceKey, error: unknown) => judge.failed(task, reference, error),
    onJobFault: ({ jobId }: CancelJobKey, error: unknown) => judge.failed(task, jobId, error),
  };
}

/** The contents of an index, which may not include the first record yet. */
const keysFrom = <Key>(world: World, task: Task, site: string, keys: () => readonly Key[]) =>
  listedBy(world, task, site, [...readFaults, 'overlook'], keys);

async function* listedBy<Item>(
  { engine }: World,
  task: Task,
  site: string,
  faults: readonly FaultKind[],
  items: () => readonly Item[],
): AsyncGenerator<Item, void> {
  yield* await engine.call(task, {
    site,
    faults,
    perform: (fault) => (fault === 'overlook' ? items().slice(1) : items()),
  });
}

function timerFor({ engine, timers }: World, task: Task): SessionTimer {
  const call = (site: string, perform: () => boolean) =>
    engine.call(task, { site, faults: plainFaults, perform });
  return {
    arm: (key, deadlineAt) => call('timer.arm', () => timers.arm(key, deadlineAt)),
    remove: async (key) => {
      await call('timer.remove', () => timers.remove(key));
    },
  };
}

function jobsFor(world: World, task: Task): CancelJobs {
  const { engine, jobs, judge } = world;
  const read = <Result>(site: string, perform: () => Promise<Result>) =>
    engine.call(task, { site, faults: readFaults, perform });
  const write = <Result>(site: string, perform: () => Promise<Result>) =>
    engine.call(task, { site, faults: writeFaults, perform });
  return {
    read: (key) => read('jobs.read', () => jobs.read(key)),
    start: (job, ids) =>
      write('jobs.start', () => {
        const started = jobs.start(job, ids);
        world.hearing.onJob();
        return started;
      }),
    save: (current, next) =>
      write('jobs.save', () => {
        const stored = jobs.fileOf(next)?.job;
        const saved = jobs.save(current, next);
        if (stored) judge.jobSaved(task.name, stored, next);
        world.hearing.onJob();
        return saved;
      }),
    idsOf: (job) => read('jobs.ids-of', () => jobs.idsOf(job)),
    writePage: (job, page, entries) => write('jobs.write-page', () => jobs.writePage(job, page, entries)),
    readPage: (key, page) => read('jobs.read-page', () => jobs.readPage(key, page)),
    due: (now) => keysFrom(world, task, 'jobs.due', () => jobs.dueKeys(now)),
    ofAccount: (account, limit) => read('jobs.of-account', () => jobs.ofAccount(account, limit)),
  };
}

/** The lease of the sweep, for one run. */
function leaseFor(world: World, task: Task): SweepLease {
  const { engine, sweepLease } = world;
  let holder = '';
  const call = <Result>(site: string, perform: () => Result) =>
    engine.call(task, { site, faults: writeFaults, perform });
  return {
    take: (now, until) => {
      holder = world.nextId();
      return call('lease.take', () => sweepLease.take(holder, now, until));
    },
    release: (memory) => call('lease.release', () => sweepLease.release(holder, memory)),
  };
}

/** A queue as the operator sees it. */
function queueFor({ engine }: World, task: Task, queue: SimulatedQueue): MessageQueue {
  const call = <Result>(site: string, faults: readonly FaultKind[], perform: () => Result) =>
    engine.call(task, { site, faults, perform });
  return {
    async *messages() {
      const seen = new Map<string, QueuedMessage>();
      for (;;) {
        const messages = await call('queue.receive', readFaults, () => queue.receive(engine.now));
        const fresh = messages.filter(({ id }) => !seen.has(id));
        if (fresh.length === 0) break;
        for (const message of fresh) seen.set(message.id, message);
        yield* fresh;
      }
      for (const id of seen.keys()) await call('queue.give-back', plainFaults, () => queue.giveBack(id));
    },
    send: (body) => call('queue.send', plainFaults, () => queue.send(body)),
    remove: ({ id }) => call('queue.remove', plainFaults, () => queue.remove(id)),
  };
}

function askKlarna(
  { engine, klarna, judge }: World,
  task: Task,
  what: 'read' | 'cancel',
  key: PaymentRequestKey,
  timeoutMillis: number,
  ask: (key: PaymentRequestKey, fault: FaultKind | undefined) => KlarnaResponse,
): Promise<KlarnaResponse> {
  if (task.dead) return new Promise(() => undefined);
  judge.klarnaIsAsked(task, what, key);
  const expiresAt = klarna.of(key)?.expiresAt ?? 0;
  const faults = what === 'read' ? klarnaReadFaults : klarnaCancelFaults;
  return engine
    .call(task, {
      site: `klarna.${what}`,
      // After the expiry, a 404 is a true response, so an injected one would be false.
      faults: expiresAt - engine.now > minute ? faults : faults.filter((fault) => fault !== 'klarna-404'),
      perform: (fault) => ask(key, fault),
      waitLimit: { millis: timeoutMillis, result: unresolved },
    })
    .then((response) => {
      engine.note(
        task.name,
        () =>
          `   Klarna's response: ${response.kind} ${response.kind === 'payment_request' ? response.state : ''}`,
      );
      if (what === 'read' && response.kind === 'payment_request')
        judge.klarnaHasShown(task, key, response.state);
      return response;
    });
}

function publish(
  { engine, plan, judge }: World,
  task: Task,
  events: readonly StateChangeEvent[],
  fault: FaultKind | undefined,
): PublishResponse {
  const { from, until } = plan.busDown ?? { from: 0, until: 0 };
  const isDown = engine.now >= beginning + from && engine.now < beginning + until;
  const isRefused = (event: StateChangeEvent, index: number): boolean =>
    isDown ||
    (fault === 'refuse-some' && index % 2 === 0) ||
    (fault === 'refuse-for-good' && event.type === events[0]?.type);
  const isPermanent = !isDown && fault === 'refuse-for-good';
  const refused = events.filter(isRefused);
  if (refused.length > 0 && !isPermanent) judge.busRefusesForNow(task);
  for (const event of events)
    if (!refused.includes(event)) judge.hasPublished(event, task.function === 'operator');
  return { refused: refused.map((event) => ({ event, reason: 'refused', isPermanent })), unsent: [] };
}

/** The request that a call to Klarna concerns. The credentials identify the account. */
const keyOf = (
  { partnerAccountId }: KlarnaCredentials,
  paymentRequestId: PaymentRequestId,
): PaymentRequestKey => ({
  account: (partnerAccountId === 'partner-1' ? 'shop-no' : 'shop-se') as Account,
  paymentRequestId,
});

/** The reports of authorizations that wait for a record with their reference. */
function authorizationsFor(world: World, task: Task): KeptAuthorizations {
  const { engine, authorizations } = world;
  const call = <Result>(port: PortCall<Result>) => engine.call(task, port);
  const heard = <Result>(result: Result): Result => {
    world.hearing.onJob();
    return result;
  };
  return {
    keep: (...kept) =>
      call({
        site: 'authorizations.keep',
        faults: plainFaults,
        perform: () => heard(authorizations.keep(...kept)),
      }),
    read: (...asked) =>
      call({ site: 'authorizations.read', faults: readFaults, perform: () => authorizations.read(...asked) }),
    save: (...saved) =>
      call({
        site: 'authorizations.save',
        faults: plainFaults,
        perform: () => heard(authorizations.save(...saved)),
      }),
    due: (now) => listedBy(world, task, 'authorizations.due', readFaults, () => authorizations.dueKeys(now)),
  };
}

/** What an operator erases with. Only a mutant removes an item. */
function erasureFor(world: World, task: Task, write: <Result>(act: () => Result) => Result) {
  const { engine, table, judge } = world;
  const erasing = (site: string, current: PaymentRequest, act: () => boolean): Promise<boolean> =>
    engine.call(task, {
      site,
      faults: writeFaults,
      perform: () => {
        const isDone = write(act);
        if (isDone) judge.erased.add(nameOf(current));
        return isDone;
      },
    });
  return {
    replace: (current: PaymentRequest, tombstone: PaymentRequest) =>
      erasing('erasure.replace', current, () => table.replace(current, tombstone)),
    remove: (current: PaymentRequest) => erasing('erasure.remove', current, () => table.remove(current)),
  };
}
