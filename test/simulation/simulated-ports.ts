import type {
  KlarnaAnswer,
  KlarnaCredentials,
  PaymentRequestStore,
  QuarantinedDelivery,
} from '../../functions/application/ports.ts';
import type {
  Account,
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import type { instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import type { FaultKind, PortCall, Task } from './engine.ts';
import { unanswered } from './simulated-klarna.ts';
import type { SimulatedTable } from './simulated-table.ts';
import { shortOf } from './words.ts';
import type { World } from './world.ts';

const plainFaults = [
  'throw-before',
  'throw-after',
  'crash-before',
  'crash-during',
  'crash-after',
  'slow',
] as const;
const readFaults: readonly FaultKind[] = ['throw-before', 'crash-before', 'crash-after', 'slow'];
const writeFaults: readonly FaultKind[] = [...plainFaults, 'repeat'];
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

/** Everything from outside that one invocation gets. */
export type Ports = ReturnType<typeof portsOf>;

/** The world's side of every port, for one invocation. */
export function portsOf(world: World, task: Task) {
  const { engine, table, klarna, timers, judge } = world;
  const call = <Result>(port: PortCall<Result>) => engine.call(task, port);
  const write = <Result>(act: () => Result): Result => {
    world.writer = task.name;
    return act();
  };
  const store: PaymentRequestStore = {
    read: (key) => call({ site: 'store.read', faults: readFaults, perform: () => table.read(key) }),
    observe: (key, observation) =>
      call({
        site: 'store.observe',
        faults: writeFaults,
        perform: () => write(() => table.observe(key, observation)),
      }),
    save: (current, next) =>
      call({
        site: 'store.save',
        faults: writeFaults,
        perform: () => write(() => table.save(current, next)),
      }),
  };
  return {
    store,
    sessions: {
      ofSession: (account: Account, sessionId: SessionId) =>
        keysFrom(world, task, 'sessions.ofSession', () => table.sessionKeys(account, sessionId)),
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
      due: (now: ReturnType<typeof instantFromMillis>, limit: number) =>
        keysFrom(world, task, 'due.due', () => table.dueKeys(now, limit)),
    },
    klarna: {
      read: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) =>
        askKlarna(world, task, 'read', keyOf(credentials, id), timeoutMillis, (key, fault) =>
          klarna.read(key, fault),
        ),
      cancel: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) => {
        const key = keyOf(credentials, id);
        // Leave is what the record had when the DELETE went out.
        const withLeave = table.records.get(nameOf(key))?.cancellation?.allowCompleted ?? false;
        return askKlarna(world, task, 'cancel', key, timeoutMillis, (asked, fault) =>
          klarna.cancel(asked, withLeave, fault),
        );
      },
    },
    timer: {
      arm: (key: PaymentRequestKey, deadlineAt: ReturnType<typeof instantFromMillis>) =>
        call({ site: 'timer.arm', faults: plainFaults, perform: () => timers.arm(key, deadlineAt) }),
      remove: (key: PaymentRequestKey) =>
        call({ site: 'timer.remove', faults: plainFaults, perform: () => timers.remove(key) }),
    },
    accounts: {
      find: (account: Account) =>
        call({ site: 'accounts.find', faults: readFaults, perform: () => world.settings.get(account) }),
    },
    signingKeys: {
      find: (id: string) =>
        call({ site: 'signing-keys.find', faults: readFaults, perform: () => world.signingKeys.get(id) }),
    },
    quarantine: {
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
          faults: [...plainFaults, 'refuse-some'],
          perform: (fault) => publish(world, events, fault),
        }),
    },
    clock: {
      now: () => engine.now,
      wait: (millis: number) =>
        call({ site: 'clock.wait', faults: ['crash-before'], perform: () => undefined, takes: millis }),
    },
    ids: { next: () => world.nextId() },
    chance: () => 0.5,
    onTimerFault: () => undefined,
    syncExpiry: (record: PaymentRequest) => Promise.resolve(record),
    onFault: (key: PaymentRequestKey, error: unknown) => judge.failed(task, shortOf(key), error),
  };
}

async function* keysFrom(
  { engine }: World,
  task: Task,
  site: string,
  keys: () => PaymentRequestKey[],
): AsyncGenerator<PaymentRequestKey> {
  yield* await engine.call(task, {
    site,
    faults: [...readFaults, 'overlook'],
    perform: (fault) => (fault === 'overlook' ? keys().slice(1) : keys()),
  });
}

function askKlarna(
  { engine, klarna, judge }: World,
  task: Task,
  what: 'read' | 'cancel',
  key: PaymentRequestKey,
  timeoutMillis: number,
  ask: (key: PaymentRequestKey, fault: FaultKind | undefined) => KlarnaAnswer,
): Promise<KlarnaAnswer> {
  if (task.dead) return new Promise(() => undefined);
  judge.klarnaIsAsked(task, what, key);
  const expiresAt = klarna.of(key)?.expiresAt ?? 0;
  const faults = what === 'read' ? klarnaReadFaults : klarnaCancelFaults;
  return engine
    .call(task, {
      site: `klarna.${what}`,
      // After the expiry a 404 is an answer, and a false one would be a lie.
      faults: expiresAt - engine.now > minute ? faults : faults.filter((fault) => fault !== 'klarna-404'),
      perform: (fault) => ask(key, fault),
      patience: { millis: timeoutMillis, result: unanswered },
    })
    .then((answer) => {
      engine.note(
        task.name,
        () => `   Klarna's answer: ${answer.kind} ${answer.kind === 'payment-request' ? answer.state : ''}`,
      );
      if (what === 'read' && answer.kind === 'payment-request') judge.klarnaHasShown(task, key, answer.state);
      return answer;
    });
}

function publish(
  { judge }: World,
  events: readonly StateChangeEvent[],
  fault: FaultKind | undefined,
): readonly StateChangeEvent[] {
  const refused = fault === 'refuse-some' ? events.filter((_, index) => index % 2 === 0) : [];
  for (const event of events) if (!refused.includes(event)) judge.hasPublished(event);
  return refused;
}

/** Which request a call to Klarna is about: the credentials say whose. */
const keyOf = (
  { partnerAccountId }: KlarnaCredentials,
  paymentRequestId: PaymentRequestId,
): PaymentRequestKey => ({
  account: (partnerAccountId === 'partner-1' ? 'shop-no' : 'shop-se') as Account,
  paymentRequestId,
});
