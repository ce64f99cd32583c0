import { delayAfterFailure } from '../../functions/adapters/queue/timer-message-delay.ts';
import { cancelPaymentRequest, rehearseCancel } from '../../functions/application/cancel-payment-request.ts';
import { endExpiredSession, type ExpiryOutcome } from '../../functions/application/end-expired-session.ts';
import type {
  AccountSettings,
  KlarnaAnswer,
  KlarnaCredentials,
  PaymentRequestStore,
  QuarantinedDelivery,
  SigningKey,
} from '../../functions/application/ports.ts';
import {
  publishStateChanges,
  type WrittenChange,
} from '../../functions/application/publish-state-changes.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import { reconcilePaymentRequests, repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import { extendSession, registerSession } from '../../functions/application/register-session.ts';
import { listPaymentRequests } from '../../functions/application/list-payment-requests.ts';
import { readSession } from '../../functions/application/read-session.ts';
import type { CancelCommand } from '../../functions/domain/cancellation.ts';
import type {
  Account,
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { isFinal, type PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { readDelivery } from '../../functions/runtime/klarna-delivery.ts';
import { sign, verify } from '../../functions/runtime/klarna-signature.ts';
import { InMemoryQuarantine, nameOf } from '../support/in-memory-payment-request-store.ts';
import { bytesOf, completedDelivery, deliveryWith, signingKeyWith } from '../support/klarna-deliveries.ts';
import { hour, minute } from '../support/sessions.ts';
import { Draws } from './draws.ts';
import {
  Engine,
  type Ending,
  type Fate,
  type FaultKind,
  InjectedFault,
  type PortCall,
  type Task,
  type Trace,
} from './engine.ts';
import {
  type Evidence,
  type InvariantName,
  lateInvariants,
  type Outcome,
  safetyInvariants,
  soonInvariants,
  type Step,
} from './invariants.ts';
import type { Action, Plan } from './plan.ts';
import { type Said, SimulatedKlarna, unanswered, wasCanceledAfterPaid } from './simulated-klarna.ts';
import { SimulatedTable } from './simulated-table.ts';
import { SimulatedTimers } from './simulated-timers.ts';

/** When every run begins. */
export const beginning = Date.parse('2026-03-01T12:00:00Z');

/** A run is over by then, whatever the seed. */
const longest = 120 * hour;

/** The use cases that a run is made of, and the check of a webhook. A mutant of the protocol takes the place of some. */
export interface UseCases {
  readonly register: typeof registerSession;
  readonly extend: typeof extendSession;
  readonly cancel: typeof cancelPaymentRequest;
  readonly rehearse: typeof rehearseCancel;
  readonly refresh: typeof refreshPaymentRequest;
  readonly readSession: typeof readSession;
  readonly list: typeof listPaymentRequests;
  readonly receive: typeof receiveWebhook;
  readonly endExpired: typeof endExpiredSession;
  readonly reconcile: typeof reconcilePaymentRequests;
  readonly publish: typeof publishStateChanges;
  readonly verify: typeof verify;
  readonly readDelivery: typeof readDelivery;
}

export const useCases: UseCases = {
  register: registerSession,
  extend: extendSession,
  cancel: cancelPaymentRequest,
  rehearse: rehearseCancel,
  refresh: refreshPaymentRequest,
  readSession,
  list: listPaymentRequests,
  receive: receiveWebhook,
  endExpired: endExpiredSession,
  reconcile: reconcilePaymentRequests,
  publish: publishStateChanges,
  verify,
  readDelivery,
};

/** Everything from outside that one invocation gets. */
export type Ports = ReturnType<Simulation['portsOf']>;

/** What is run: the use cases as they are, unless a mutant of the protocol is to be found out. */
export interface Protocol {
  readonly useCases: UseCases;
  /** Bends what an invocation gets from outside. */
  readonly bend: (ports: Ports, task: Task) => Ports;
}

export const realProtocol: Protocol = { useCases, bend: (ports) => ports };

export interface Violation {
  readonly invariant: InvariantName;
  readonly what: string;
  readonly at: number;
}

/** What a run came to. */
export interface Report {
  readonly plan: Plan;
  readonly violation: Violation | undefined;
  readonly course: number;
  readonly steps: number;
  readonly sites: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** How often each event met a record in each state, by `state × event`. */
  readonly meetings: ReadonlyMap<string, number>;
  /** Milliseconds from the deadline until the record said `canceled`, of every session that a timer or the sweep ended. */
  readonly lateness: readonly number[];
  readonly sweepRepairs: number;
  readonly events: number;
  readonly published: number;
  readonly requests: number;
  readonly paid: number;
  /** Ended by a DELETE of ours without leave to cancel what is paid; and how many of them after the customer had approved. */
  readonly canceled: number;
  readonly canceledAfterPaid: number;
  readonly mostDeletes: number;
  readonly mostCalls: number;
}

/** The functions' time limits and the queue's settings, as the stack has them. */
const limits = {
  register: 10_000,
  extend: 10_000,
  cancel: 28_000,
  rehearse: 28_000,
  refresh: 15_000,
  list: 15_000,
  webhook: 10_000,
  timer: 30_000,
  sweep: 55_000,
  publish: 30_000,
} as const;
const sweepReserve = 20_000;
const visibilityMillis = 180_000;
const mostReceives = 12;

/** How long Klarna waits before it sends a delivery again, at most six times. */
const redeliveryPauses = [10_000, 2 * minute, 15 * minute, 3 * hour, 6 * hour, 12 * hour] as const;

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

/** One history: a plan, played out. */
export class Simulation {
  readonly engine: Engine;
  readonly table: SimulatedTable;
  readonly klarna: SimulatedKlarna;
  readonly timers: SimulatedTimers;
  readonly quarantine = new InMemoryQuarantine();
  readonly plan: Plan;
  readonly #protocol: Protocol;
  readonly #settings: ReadonlyMap<string, AccountSettings>;
  readonly #signingKeys: ReadonlyMap<string, SigningKey>;
  readonly #evidence: Evidence;
  readonly #owners = new Map<string, PaymentRequestKey>();
  readonly #forged = new Set<string>();
  readonly #claims = new Map<string, string>();
  readonly #acknowledged = new Set<string>();
  readonly #deadLetters = new Set<string>();
  readonly #published: StateChangeEvent[] = [];
  readonly #calls = new Map<string, { reads: number; cancels: number }>();
  readonly #totals = new Map<string, number>();
  readonly #lastReads = new Map<string, PaymentRequestState>();
  readonly #meetings = new Map<string, number>();
  readonly #lateness: number[] = [];
  readonly #ids = { last: 0 };
  #writer = '';
  #violation: Violation | undefined;
  #sweepRepairs = 0;
  #sweepAt: number | undefined;
  #isSweeping = false;
  #isRelaying = false;
  #relayed = 0;
  #relays = 0;
  #messages = 0;

  constructor(plan: Plan, fate: Fate, protocol: Protocol = realProtocol, trace?: Trace) {
    this.plan = plan;
    this.#protocol = protocol;
    const engine = new Engine(beginning, fate, trace);
    this.engine = engine;
    this.table = new SimulatedTable((write) => this.#onWrite(write));
    this.klarna = new SimulatedKlarna(
      plan.manners,
      () => engine.now,
      (said) => this.#onSaid(said),
      (key, nth) => eventIdOf(plan.seed, key, nth),
    );
    this.timers = new SimulatedTimers(() => engine.now, {
      onScheduled: (key, at, generation) => this.#onScheduled(key, at, generation),
      onMessage: (key, at) => this.#enqueue(key, at),
    });
    this.#settings = new Map(plan.accounts.map((settings) => [settings.account, settings]));
    this.#signingKeys = new Map(
      plan.accounts.map(({ account }) => [
        signingKeyIdOf(account),
        signingKeyWith({ id: signingKeyIdOf(account), accounts: new Map([[subjectOf(account), account]]) }),
      ]),
    );
    this.#evidence = {
      get now() {
        return engine.now;
      },
      trueRequest: (key) => this.klarna.of(key),
      ownerOf: (eventId) => this.#owners.get(eventId),
      forged: this.#forged,
      claims: this.#claims,
    };
  }

  /** Plays the plan to its end and checks everything on the way. */
  async run(): Promise<Report> {
    const { engine, plan } = this;
    for (const { key, isUnknown, lifetimeMillis } of plan.requests) {
      if (isUnknown) continue;
      this.klarna.create(key, lifetimeMillis);
      engine.at(beginning + lifetimeMillis, () => {
        engine.note('klarna', () => `the lifetime of ${shortOf(key)} is over`);
        this.klarna.expire(key);
      });
    }
    for (const action of plan.actions) engine.at(beginning + action.at, () => this.#act(action));
    engine.at(beginning + plan.quietAfter, () => {
      engine.note('—', () => 'faults stop');
      this.#checkSoon();
    });
    await engine.run(beginning + longest);
    if (!this.#violation) this.#checkLate();
    return this.#report();
  }

  // ---- the world's side of each port

  portsOf(task: Task) {
    const { engine, table, klarna, timers } = this;
    const call = <Result>(port: PortCall<Result>) => engine.call(task, port);
    const write = <Result>(act: () => Result): Result => {
      this.#writer = task.name;
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
          this.#keysFrom(task, 'sessions.ofSession', () => table.sessionKeys(account, sessionId)),
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
          this.#keysFrom(task, 'due.due', () => table.dueKeys(now, limit)),
      },
      klarna: {
        read: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) =>
          this.#askKlarna(task, 'read', keyOf(credentials, id), timeoutMillis, (key, fault) =>
            klarna.read(key, fault),
          ),
        cancel: (credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number) => {
          const key = keyOf(credentials, id);
          // Leave is what the record had when the DELETE went out.
          const withLeave = table.records.get(nameOf(key))?.cancellation?.allowCompleted ?? false;
          return this.#askKlarna(task, 'cancel', key, timeoutMillis, (asked, fault) =>
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
          call({ site: 'accounts.find', faults: readFaults, perform: () => this.#settings.get(account) }),
      },
      signingKeys: {
        find: (id: string) =>
          call({ site: 'signing-keys.find', faults: readFaults, perform: () => this.#signingKeys.get(id) }),
      },
      quarantine: {
        keep: (delivery: QuarantinedDelivery) =>
          call({
            site: 'quarantine.keep',
            faults: plainFaults,
            perform: () => this.quarantine.keep(delivery),
          }),
      },
      publisher: {
        publish: (events: readonly StateChangeEvent[]) =>
          call({
            site: 'publisher.publish',
            faults: [...plainFaults, 'refuse-some'],
            perform: (fault) => this.#publish(events, fault),
          }),
      },
      clock: {
        now: () => engine.now,
        wait: (millis: number) =>
          call({ site: 'clock.wait', faults: ['crash-before'], perform: () => undefined, takes: millis }),
      },
      ids: {
        next: () => {
          this.#ids.last += 1;
          return this.#ids.last.toString(16).padStart(32, '0');
        },
      },
      chance: () => 0.5,
      onTimerFault: () => undefined,
      syncExpiry: (record: PaymentRequest) => Promise.resolve(record),
      onFault: (key: PaymentRequestKey, error: unknown) => this.#onFault(task, key, error),
    };
  }

  async *#keysFrom(
    task: Task,
    site: string,
    keys: () => PaymentRequestKey[],
  ): AsyncGenerator<PaymentRequestKey> {
    yield* await this.engine.call(task, {
      site,
      faults: [...readFaults, 'overlook'],
      perform: (fault) => (fault === 'overlook' ? keys().slice(1) : keys()),
    });
  }

  #askKlarna(
    task: Task,
    what: 'read' | 'cancel',
    key: PaymentRequestKey,
    timeoutMillis: number,
    ask: (key: PaymentRequestKey, fault: FaultKind | undefined) => KlarnaAnswer,
  ): Promise<KlarnaAnswer> {
    if (task.dead) return new Promise(() => undefined);
    const name = `${task.name} ${nameOf(key)}`;
    const calls = this.#calls.get(name) ?? { reads: 0, cancels: 0 };
    this.#calls.set(name, calls);
    if (what === 'read') calls.reads += 1;
    else calls.cancels += 1;
    const total = (this.#totals.get(nameOf(key)) ?? 0) + 1;
    this.#totals.set(nameOf(key), total);
    this.#check({ kind: 'klarna-called', by: task.name, key, ...calls, total });
    if (what === 'cancel') {
      const stored = this.table.records.get(nameOf(key));
      this.#check({ kind: 'delete-sent', by: task.name, key, lastRead: this.#lastReads.get(name), stored });
    }
    this.#lastReads.delete(name);
    const expiresAt = this.klarna.of(key)?.expiresAt ?? 0;
    const faults = what === 'read' ? klarnaReadFaults : klarnaCancelFaults;
    return this.engine
      .call(task, {
        site: `klarna.${what}`,
        // After the expiry a 404 is an answer, and a false one would be a lie.
        faults:
          expiresAt - this.engine.now > minute ? faults : faults.filter((fault) => fault !== 'klarna-404'),
        perform: (fault) => ask(key, fault),
        patience: { millis: timeoutMillis, result: unanswered },
      })
      .then((answer) => {
        this.engine.note(
          task.name,
          () => `   Klarna's answer: ${answer.kind} ${answer.kind === 'payment-request' ? answer.state : ''}`,
        );
        if (what === 'read' && answer.kind === 'payment-request') this.#lastReads.set(name, answer.state);
        return answer;
      });
  }

  #publish(events: readonly StateChangeEvent[], fault: FaultKind | undefined): readonly StateChangeEvent[] {
    const refused = fault === 'refuse-some' ? events.filter((_, index) => index % 2 === 0) : [];
    for (const event of events) {
      if (refused.includes(event)) continue;
      const { account, payment_request_id, version } = event.detail;
      const written = this.table.stream.find(
        ({ after }) =>
          after.version === version &&
          after.paymentRequestId === payment_request_id &&
          after.account === account,
      );
      this.#check({ kind: 'published', event, written });
      this.#published.push(event);
      this.engine.note('bus', () => `${event.type}: ${event.detail.state ?? ''} v${version}`);
    }
    return refused;
  }

  // ---- what the world does by itself

  #onWrite({ before, after }: WrittenChange): void {
    const by = this.#writer;
    const lease = after.cancellation?.lease;
    if (lease && !this.#claims.has(lease.id)) this.#claims.set(lease.id, by);
    this.engine.note(by, () => `   written: ${wordsOf(before)} → ${wordsOf(after)}`);
    const { deadlineAt } = after;
    const isEndOfSession =
      after.cancellation?.cause === 'timeout' && after.cancellation.outcome === 'canceled';
    if (deadlineAt && isEndOfSession && before?.cancellation?.outcome !== 'canceled')
      this.#lateness.push(this.engine.now - millisOf(deadlineAt));
    const hasAsked = (this.#calls.get(`${by} ${nameOf(after)}`)?.reads ?? 0) > 0;
    this.#check({ kind: 'written', by, before, after, hasAsked });
    this.#relaySoon();
    this.#sweepWhenDue();
  }

  #onSaid(said: Said): void {
    this.#owners.set(said.eventId, said.key);
    const { engine, plan } = this;
    engine.note('klarna', () => `${shortOf(said.key)} is ${said.state} (${said.eventId})`);
    const draws = new Draws(plan.seed, said.eventId);
    const isEarlyDays = engine.now < beginning + plan.quietAfter;
    const isLost = draws.chance(plan.lossRate) && isEarlyDays;
    const isDoubled = draws.chance(plan.doubleRate);
    const isLate = draws.chance(plan.lateRate);
    const soon = draws.between(20, 900);
    const late =
      plan.mode === 'full' ? draws.pick([2 * minute, 30 * minute, 21 * hour]) : draws.between(1_000, 20_000);
    const secondLate = draws.pick([1, 500, 3_000, 10 * minute, 21 * hour]);
    if (isLost) {
      engine.note('klarna', () => `   ** ${said.eventId} is lost for good **`);
      return;
    }
    const { meetAt } = plan;
    const arrivesAt =
      meetAt === undefined ? engine.now + (isLate ? late : soon) : momentOfMeeting(engine.now, meetAt);
    const bytes = bytesOf(bodyOf(said));
    const keyId = signingKeyIdOf(said.key.account);
    const signature = signatureOf(bytes, this.#signingKeys.get(keyId)?.key);
    const delivery = { said, bytes, keyId, signature };
    engine.at(arrivesAt, () => this.#deliver(delivery, 0, ''));
    if (isDoubled) engine.after(soon + secondLate, () => this.#deliver(delivery, 0, ' again'));
  }

  #deliver(delivery: Delivery, attempt: number, which: string): void {
    const { engine } = this;
    const { said, keyId, signature, bytes } = delivery;
    engine.invoke(
      `${said.eventId}${which} #${attempt}`,
      'webhook',
      limits.webhook,
      async (task) => {
        const ports = this.#bent(task);
        const key = await ports.signingKeys.find(keyId);
        const { verify: holds, readDelivery: parse, receive } = this.#protocol.useCases;
        if (!key || !holds(bytes, key.key, signature)) return 400;
        const verified = parse(bytes, key, instantFromMillis(engine.now));
        this.#meets(said.key, `webhook ${said.state}`);
        await receive(ports)(verified);
        return 200;
      },
      (ending) => {
        this.#ended(`${said.eventId}${which} #${attempt}`, ending);
        if (ending.kind === 'returned' && ending.result === 200) {
          this.#acknowledged.add(said.eventId);
          const stored = this.table.records.get(nameOf(said.key));
          const quarantined = this.quarantine.deliveries.some(
            ({ deliveryId }) => deliveryId === said.eventId,
          );
          this.#check({
            kind: 'webhook-acknowledged',
            key: said.key,
            eventId: said.eventId,
            stored,
            quarantined,
          });
          return;
        }
        const pause = redeliveryPauses[attempt];
        if (pause !== undefined) engine.after(pause, () => this.#deliver(delivery, attempt + 1, which));
      },
    );
  }

  #onScheduled(key: PaymentRequestKey, at: number, generation: number): void {
    const { engine, plan } = this;
    const draws = new Draws(plan.seed, `schedule ${nameOf(key)} ${generation}`);
    const isLost = draws.chance(plan.lossRate) && engine.now < beginning + plan.quietAfter;
    const isLate = draws.chance(plan.lateRate);
    const late =
      plan.mode === 'full' ? draws.pick([-4_000, 59_000, 10 * minute]) : draws.between(1_000, 20_000);
    const times = draws.chance(plan.doubleRate) ? draws.between(2, 3) : 1;
    const lateness = isLate ? late : draws.between(0, 800);
    engine.at(at + (plan.meetAt === undefined ? lateness : 0), () => {
      if (!this.timers.complete(key, generation)) return;
      engine.note(
        'scheduler',
        () =>
          `${shortOf(key)} goes off${isLost ? ', ** and is lost **' : times > 1 ? `, ${times} times` : ''}`,
      );
      if (isLost) return;
      for (let time = 0; time < times; time += 1)
        this.#enqueue(key, engine.now + (plan.meetAt === undefined ? draws.between(5, 400) : 0));
    });
  }

  #enqueue(key: PaymentRequestKey, at: number): void {
    this.#messages += 1;
    const name = `message ${this.#messages}`;
    this.engine.at(at, () => this.#receiveTimer(key, name, 1));
  }

  #receiveTimer(key: PaymentRequestKey, message: string, receive: number): void {
    const { engine } = this;
    const name = `${message} ${shortOf(key)} #${receive}`;
    engine.invoke(
      name,
      'timer',
      limits.timer,
      async (task) => {
        const ports = this.#bent(task);
        const settings = await ports.accounts.find(key.account);
        if (!settings) throw new Error(`no account ${key.account}`);
        this.#meets(key, 'timer');
        return this.#protocol.useCases.endExpired(ports)(key, settings);
      },
      (ending) => {
        this.#ended(name, ending);
        if (ending.kind === 'returned' && isSettled(ending.result)) return;
        if (receive >= mostReceives) {
          engine.note('queue', () => `${message} goes to the dead letters`);
          this.#deadLetters.add(nameOf(key));
          return;
        }
        const pause = ending.kind === 'died' ? visibilityMillis : delayAfterFailure(receive) * 1000;
        engine.after(pause, () => this.#receiveTimer(key, message, receive + 1));
      },
    );
  }

  /** A sweep that has nothing to look at does nothing: only those are played that have. */
  #sweepWhenDue(): void {
    if (this.plan.mode === 'unswept') return;
    const due = this.table.firstDue();
    if (due === undefined) return;
    const { engine } = this;
    const at = Math.max(
      Math.ceil(millisOf(due) / minute) * minute,
      Math.floor(engine.now / minute) * minute + minute,
    );
    if (this.#sweepAt !== undefined && this.#sweepAt <= at) return;
    this.#sweepAt = at;
    engine.at(at, () => {
      if (this.#sweepAt !== at) return;
      this.#sweepAt = undefined;
      this.#sweep();
    });
  }

  #sweep(): void {
    const { engine } = this;
    if (this.#isSweeping) {
      this.#sweepWhenDue();
      return;
    }
    this.#isSweeping = true;
    const name = `sweep ${clockOf(engine.now)}`;
    engine.invoke(
      name,
      'sweep',
      limits.sweep,
      (task) => this.#protocol.useCases.reconcile(this.#bent(task))(engine.now + limits.sweep - sweepReserve),
      (ending) => {
        this.#ended(name, ending);
        this.#isSweeping = false;
        if (ending.kind === 'returned') {
          const repaired = repairs(ending.result);
          this.#sweepRepairs += repaired;
          engine.note(name, () => `   report: ${JSON.stringify(ending.result)}`);
          if (repaired > 0 && this.plan.mode === 'lossless') {
            this.#violate('sweep-repairs-nothing', `it repaired ${JSON.stringify(ending.result)}`);
          }
        }
        this.#sweepWhenDue();
      },
    );
  }

  #relaySoon(): void {
    if (this.#isRelaying) return;
    this.#isRelaying = true;
    this.engine.after(this.plan.relayPauseMillis, () => this.#relay(0));
  }

  #relay(failures: number): void {
    const { engine, table } = this;
    this.#relays += 1;
    const name = `relay ${this.#relays}`;
    const draws = new Draws(this.plan.seed, name);
    const batch = table.stream.slice(this.#relayed, this.#relayed + draws.pick([1, 3, 100]));
    const isAgain = draws.chance(this.plan.doubleRate / 3);
    engine.invoke(
      name,
      'publish',
      limits.publish,
      (task) => this.#protocol.useCases.publish(this.#bent(task))(batch),
      (ending) => {
        this.#ended(name, ending);
        if (ending.kind === 'returned') {
          const { retryFrom } = ending.result;
          // Delivered at least once: a checkpoint may be lost as well.
          if (retryFrom !== undefined) this.#relayed = Number(retryFrom);
          else if (!isAgain) this.#relayed += batch.length;
        }
        const isWell = ending.kind === 'returned' && ending.result.retryFrom === undefined;
        if (this.#relayed < table.stream.length) {
          engine.after(isWell ? 100 : Math.min(minute, 1_000 * 2 ** failures), () =>
            this.#relay(isWell ? 0 : failures + 1),
          );
        } else this.#isRelaying = false;
      },
    );
  }

  // ---- what people do

  #act({ id, request, act }: Action): void {
    const { engine, klarna } = this;
    const planned = this.plan.requests[request];
    if (!planned) return;
    const { key } = planned;
    const settings = this.#settings.get(key.account);
    if (!settings) return;
    const name = `a${id}`;
    switch (act.kind) {
      case 'enter':
        klarna.move(key, ['SUBMITTED'], 'IN_PROGRESS', 'shopper');
        return;
      case 'step-back':
        klarna.move(key, ['IN_PROGRESS'], 'SUBMITTED', 'shopper', 'PURCHASE_FLOW_ABORTED');
        return;
      case 'approve':
        klarna.move(key, ['IN_PROGRESS'], 'COMPLETED', 'shopper');
        return;
      case 'decline':
        klarna.move(key, ['IN_PROGRESS'], 'DECLINED', 'klarna');
        return;
      case 'decline-authorization':
        klarna.move(key, ['COMPLETED'], 'DECLINED', 'klarna');
        return;
      case 'second-end': {
        const truth = klarna.of(key);
        if (isFinal(truth?.state) && truth)
          klarna.tell(truth, truth.state === 'EXPIRED' ? 'CANCELED' : 'EXPIRED', truth.state, undefined);
        return;
      }
      case 'register':
        this.#meets(key, 'register');
        this.#callApi(name, 'register', (ports) =>
          this.#protocol.useCases.register(ports)(
            key,
            {
              deadline: {
                kind: 'session_timeout',
                millis: act.timeoutMillis,
                given: `PT${act.timeoutMillis / 1000}S`,
              },
              sessionId: cart,
              onTimeout: act.onTimeout,
              inProgressGrace: act.graceMillis,
              requestedBy: 'arn:aws:iam::000000000000:user/test',
            },
            settings,
          ),
        );
        return;
      case 'extend':
        this.#meets(key, 'extend');
        this.#callApi(name, 'extend', (ports) =>
          this.#protocol.useCases.extend(ports)(
            key,
            { kind: 'session_timeout', millis: act.timeoutMillis, given: `PT${act.timeoutMillis / 1000}S` },
            settings,
            'arn:aws:iam::000000000000:user/test',
          ),
        );
        return;
      case 'cancel':
        this.#meets(key, 'cancel');
        this.#callApi(name, 'cancel', (ports) =>
          this.#protocol.useCases.cancel(ports)(key, commandOf(act.allowCompleted), settings),
        );
        return;
      case 'rehearse':
        this.#meets(key, 'rehearse');
        this.#callApi(name, 'rehearse', (ports) =>
          this.#protocol.useCases.rehearse(ports)(key, commandOf(false), settings),
        );
        return;
      case 'refresh':
        this.#meets(key, 'refresh');
        this.#callApi(name, 'refresh', async (ports) => {
          const known = await ports.store.read(key);
          return known && this.#protocol.useCases.refresh(ports)(known, settings);
        });
        return;
      case 'look':
        this.#callApi(name, 'list', async (ports) => {
          const versions = new Map([...this.table.records].map(([of, { version }]) => [of, version]));
          const { readSession: read, list } = this.#protocol.useCases;
          const members = await read(ports)(key.account, cart);
          const { records } = await list(ports)(key.account, {}, undefined, 2);
          for (const record of [...members, ...records])
            this.#check({
              kind: 'shown',
              to: key.account,
              record,
              least: versions.get(nameOf(record)) ?? 1,
              stored: this.table.records.get(nameOf(record)),
            });
        });
        return;
      case 'stray-timer':
        this.#enqueue(key, engine.now);
        return;
      case 'forge':
        this.#forge(name, key, act.how);
    }
  }

  /** A caller who sees a fault that may pass, or no answer, calls again, up to twice. */
  #callApi<Result>(
    name: string,
    kind: 'register' | 'extend' | 'cancel' | 'rehearse' | 'refresh' | 'list',
    act: (ports: Ports) => Promise<Result>,
    attempt = 1,
  ): void {
    const { engine } = this;
    engine.invoke(
      `${name} #${attempt}`,
      kind,
      limits[kind],
      async (task) => {
        const ports = this.#bent(task);
        await ports.accounts.find(this.plan.accounts[0]?.account ?? ('' as Account));
        return act(ports);
      },
      (ending) => {
        this.#ended(`${name} #${attempt}`, ending);
        const isHopeless =
          ending.kind === 'threw' && ending.error instanceof InjectedFault && !ending.error.retryable;
        if (ending.kind === 'returned' || isHopeless || attempt > 2) return;
        engine.after(1_500 * attempt, () => this.#callApi(name, kind, act, attempt + 1));
      },
    );
  }

  #forge(
    name: string,
    key: PaymentRequestKey,
    how: 'wrong-key' | 'unknown-key' | 'other-account' | 'unknown-type',
  ): void {
    const isUnknownType = how === 'unknown-type';
    const said: Said = {
      key,
      eventId: `forged-${name}` as EventId,
      state: 'CANCELED',
      previousState: 'SUBMITTED',
      reason: undefined,
      occurredAt: instantFromMillis(this.engine.now),
    };
    this.#forged.add(said.eventId);
    const { metadata, ...rest } = bodyOf(said) as { metadata: Record<string, unknown> };
    const bytes = bytesOf({
      ...rest,
      metadata: {
        ...metadata,
        ...(how === 'other-account' && { subject_account_id: 'krn:partner:global:account:test:SOMEBODY' }),
        ...(isUnknownType && { event_type: 'payment.request.risk-assessed' }),
      },
    });
    const keyId = how === 'unknown-key' ? 'nobody-gave-us-this-key' : signingKeyIdOf(key.account);
    const secret =
      how === 'wrong-key' || how === 'unknown-key' ? 'not-the-key' : this.#signingKeys.get(keyId)?.key;
    this.#deliver({ said, bytes, keyId, signature: signatureOf(bytes, secret) }, redeliveryPauses.length, '');
  }

  // ---- checks

  #bent(task: Task): Ports {
    return this.#protocol.bend(this.portsOf(task), task);
  }

  #ended(name: string, ending: Ending<unknown>): void {
    this.engine.note(name, () => `ends: ${wordsOfEnding(ending)}`);
    if (ending.kind === 'threw' && !(ending.error instanceof InjectedFault)) {
      this.#violate('nothing-fails', String(ending.error));
    }
  }

  #onFault(task: Task, key: PaymentRequestKey, error: unknown): void {
    this.engine.note(task.name, () => `   fault at ${shortOf(key)}: ${String(error)}`);
    if (!(error instanceof InjectedFault)) this.#violate('nothing-fails', String(error));
  }

  #meets(key: PaymentRequestKey, event: string): void {
    const record = this.table.records.get(nameOf(key));
    const meeting = `${record ? (record.state ?? 'unheard') : 'no record'} × ${event}`;
    this.#meetings.set(meeting, (this.#meetings.get(meeting) ?? 0) + 1);
  }

  #violate(invariant: InvariantName, what: string): void {
    this.#violation ??= { invariant, what, at: this.engine.now };
    this.engine.stop();
  }

  #check(step: Step): void {
    for (const { name, violation } of safety) {
      const what = violation(step, this.#evidence);
      if (what !== undefined) this.#violate(name, what);
    }
  }

  /** An hour and a bit after faults have stopped; later if a deadline still lies ahead. */
  #checkSoon(): void {
    const { engine } = this;
    engine.after(75 * minute, () => {
      const deadlines = [...this.table.records.values()].map(({ deadlineAt }) =>
        deadlineAt ? millisOf(deadlineAt) : 0,
      );
      const last = Math.max(0, ...deadlines);
      if (last > engine.now - 75 * minute) {
        engine.at(last, () => this.#checkSoon());
        return;
      }
      for (const outcome of this.#outcomes()) {
        for (const name of soonNames) {
          const what = soonInvariants[name](outcome);
          if (what !== undefined) this.#violate(name, `${shortOf(outcome.record)}: ${what}`);
        }
      }
    });
  }

  #checkLate(): void {
    for (const outcome of this.#outcomes()) {
      for (const name of lateNames) {
        const what = lateInvariants[name](outcome);
        if (what !== undefined) this.#violate(name, `${shortOf(outcome.record)}: ${what}`);
      }
    }
  }

  #outcomes(): readonly Outcome[] {
    return [...this.table.records.values()].map((record) => ({
      now: this.engine.now,
      record,
      truth: this.klarna.of(record),
      isInDeadLetters: this.#deadLetters.has(nameOf(record)),
      acknowledged: this.#acknowledged,
      hasSchedule: this.timers.schedules.has(nameOf(record)),
      published: this.#published.filter(
        ({ detail }) =>
          detail.account === record.account && detail.payment_request_id === record.paymentRequestId,
      ),
      isSwept: this.plan.mode !== 'unswept',
    }));
  }

  #report(): Report {
    const truths = [...this.klarna.requests.values()];
    return {
      plan: this.plan,
      violation: this.#violation,
      course: this.engine.course,
      steps: this.engine.steps,
      sites: this.engine.sites,
      faults: this.engine.injected,
      meetings: this.#meetings,
      lateness: this.#lateness,
      sweepRepairs: this.#sweepRepairs,
      events: new Set(this.#published.map(({ detail }) => detail.event_key)).size,
      published: this.#published.length,
      requests: truths.length,
      paid: truths.filter(({ life }) => life.some(({ state }) => state === 'COMPLETED')).length,
      canceled: truths.filter(({ life }) => life.some(({ by }) => by === 'cancel')).length,
      canceledAfterPaid: truths.filter(wasCanceledAfterPaid).length,
      mostDeletes: Math.max(0, ...truths.map(({ cancels }) => cancels)),
      mostCalls: Math.max(0, ...this.#totals.values()),
    };
  }
}

interface Delivery {
  readonly said: Said;
  readonly bytes: Uint8Array;
  readonly keyId: string;
  readonly signature: string;
}

const safety = (Object.keys(safetyInvariants) as (keyof typeof safetyInvariants)[]).map((name) => ({
  name,
  violation: safetyInvariants[name],
}));
const soonNames = Object.keys(soonInvariants) as (keyof typeof soonInvariants)[];
const lateNames = Object.keys(lateInvariants) as (keyof typeof lateInvariants)[];

/** Klarna's ids say nothing of the order, so that ties in time are broken either way. */
const eventIdOf = (seed: number, key: PaymentRequestKey, nth: number): EventId => {
  const name = `${shortOf(key).replace('/', '-')}-${nth}`;
  return `${Math.floor(new Draws(seed, name).next() * 4096).toString(16)}-${name}` as EventId;
};

/** What is said shortly before the meeting comes to it; all else comes at once. */
const momentOfMeeting = (now: number, meetAt: number): number =>
  now > beginning + meetAt - 1_000 ? Math.max(now, beginning + meetAt) : now + 20;

/** The session that every registered request belongs to. */
const cart = 'cart-1' as SessionId;

const commandOf = (allowCompleted: boolean): CancelCommand => ({
  cause: 'api',
  reason: 'out of stock',
  requestedBy: 'arn:aws:iam::000000000000:user/test',
  allowCompleted,
});

const subjectOf = (account: Account): string => `krn:partner:global:account:test:${account}`;
const signingKeyIdOf = (account: Account): string => `signing-key-of-${account}`;
const signatureOf = (bytes: Uint8Array, key = 'no-key'): string => sign(bytes, key);

/** Klarna's delivery of what it said; a completed one with everything of the customer's that comes with it. */
function bodyOf({ key, eventId, state, previousState, reason, occurredAt }: Said) {
  const metadata = {
    event_id: eventId,
    event_type: `payment.request.state-change.${state.toLowerCase().replace('_', '-')}`,
    occurred_at: occurredAt,
    subject_account_id: subjectOf(key.account),
  };
  const payload = {
    payment_request_id: key.paymentRequestId,
    state,
    previous_state: previousState,
    state_reason: reason,
  };
  if (state !== 'COMPLETED') return deliveryWith(metadata, payload);
  const completed = completedDelivery(metadata);
  return { ...completed, payload: { ...(completed['payload'] as object), ...payload } };
}

/** Which request a call to Klarna is about: the credentials say whose. */
const keyOf = (
  { partnerAccountId }: KlarnaCredentials,
  paymentRequestId: PaymentRequestId,
): PaymentRequestKey => ({
  account: (partnerAccountId === 'partner-1' ? 'shop-no' : 'shop-se') as Account,
  paymentRequestId,
});

/** As the timer's handler has it: Klarna's answer is not known, or Klarna refuses us, so the message comes back. */
const isSettled = (outcome: ExpiryOutcome): boolean =>
  outcome.kind !== 'ended' || (outcome.cancel.kind !== 'pending' && outcome.cancel.kind !== 'denied');

/** A time of day, with the day where it is not the first. */
export function clockOf(millis: number): string {
  const day = Math.floor((millis - Date.parse('2026-03-01T00:00:00Z')) / (24 * hour));
  return `${day > 0 ? `+${day}d ` : ''}${new Date(millis).toISOString().slice(11, 23)}`;
}

const shortOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `${account}/${paymentRequestId.slice(-2)}`;

function wordsOf(record: PaymentRequest | undefined): string {
  if (!record) return 'nothing';
  const { version, state, timer, cancellation, attention, reconcileAfter } = record;
  return [
    `v${version}`,
    state ?? '?',
    `timer ${timer}`,
    cancellation && `cancel ${cancellation.outcome}`,
    attention,
    reconcileAfter && `due ${reconcileAfter.slice(11, 19)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function wordsOfEnding(ending: Ending<unknown>): string {
  switch (ending.kind) {
    case 'returned': {
      const result = ending.result as
        { kind?: string; outcome?: { kind?: string }; cancel?: { kind?: string } } | undefined;
      return `returned ${result?.cancel?.kind ?? result?.outcome?.kind ?? result?.kind ?? ''}`;
    }
    case 'threw':
      return `threw ${String(ending.error)}`;
    case 'died':
      return 'died';
  }
}
