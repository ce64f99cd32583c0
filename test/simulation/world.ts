import { instantFromMillis } from '../../functions/domain/instant.ts';
import { changedAttributes } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import type {
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
  ReferenceKey,
} from '../../functions/domain/identifiers.ts';
import { InMemoryAccounts } from '../support/credentials.ts';
import { InMemoryKeptAuthorizations } from '../support/in-memory-kept-authorizations.ts';
import { InMemoryAwaitedReferences, referenceNameOf } from '../support/in-memory-awaited-references.ts';
import { InMemoryQuarantine } from '../support/in-memory-payment-request-store.ts';
import { signingKeyWith } from '../support/klarna-deliveries.ts';
import { Draws } from './draws.ts';
import { Engine, type Fate, type Trace } from './engine.ts';
import { timerOf } from './queue-bodies.ts';
import { Judge, type Scene } from './judge.ts';
import { beginning, kindOfCheckout, type Plan, type SwitchName } from './plan.ts';
import { SimulatedJobs } from './simulated-jobs.ts';
import { type Said, type SaidAuthorization, SimulatedKlarna } from './simulated-klarna.ts';
import { SimulatedLease } from './simulated-lease.ts';
import { SimulatedQueue } from './simulated-queue.ts';
import { type Changes, SimulatedTable, type WrittenChange } from './simulated-table.ts';
import { SimulatedTimers, type TimerEvents } from './simulated-timers.ts';
import { type CodeVersion, currentVersion } from './code-version.ts';
import { signingKeyIdOf, subjectOf } from './webhook-bodies.ts';
import { shortOf } from './describe-step.ts';

/** Callbacks for what happens without a call. */
export interface Hearing extends TimerEvents {
  readonly onWrite: (write: WrittenChange) => void;
  readonly onSaid: (said: Said | SaidAuthorization) => void;
  readonly onJob: () => void;
  /** The stream asks for a comparison of the attempts of a session. */
  readonly onHandOver: (key: PaymentRequestKey, at: number) => void;
  /** The stream has seen a request for which something may wait. */
  readonly onAwaitedSeen: (key: ReferenceKey, seen: PaymentRequestId, at: number) => void;
  readonly onAwaited: (item: AwaitedReference) => void;
}

/** Everything outside of the functions, shared in one history, and the judge of that history. */
export class World implements Scene {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly table: SimulatedTable;
  readonly klarna: SimulatedKlarna;
  readonly timers: SimulatedTimers;
  readonly quarantine = new InMemoryQuarantine();
  readonly accounts = new InMemoryAccounts();
  readonly jobs = new SimulatedJobs();
  readonly authorizations = new InMemoryKeptAuthorizations();
  readonly awaited = new InMemoryAwaitedReferences();
  readonly sweepLease = new SimulatedLease();
  /** Timer messages in the dead-letter queue. */
  readonly deadTimers = new SimulatedQueue();
  /** Events, writes and batches of the stream that could not be published. */
  readonly unpublished = new SimulatedQueue();
  readonly #settings: ReadonlyMap<string, AccountSettings>;
  readonly judge: Judge;
  readonly hearing: Hearing;
  /** The invocation that is writing, and the version of its code. */
  writer: { readonly name: string; readonly version: CodeVersion } = {
    name: '',
    version: currentVersion,
  };
  readonly #signingKeys: ReadonlyMap<string, SigningKey>;
  readonly #unboundKeys: ReadonlyMap<string, SigningKey>;
  #lastId = 0;

  constructor(plan: Plan, fate: Fate, changes: Changes, hearing: Hearing, trace?: Trace) {
    this.plan = plan;
    this.hearing = hearing;
    const engine = new Engine(beginning, fate, trace);
    this.engine = engine;
    // A deployment and a mutant of the codec need items. So do a quarter of all histories.
    const isCoded = plan.rollout !== undefined || changes !== changedAttributes || plan.seed % 4 === 0;
    this.table = new SimulatedTable(changes, isCoded, (write) => {
      this.judge.written(this.writer.name, this.writer.version, write);
      hearing.onWrite(write);
    });
    this.klarna = new SimulatedKlarna(
      plan.manners,
      () => engine.now,
      (said) => {
        this.judge.owners.set(said.eventId, said.key);
        hearing.onSaid(said);
      },
      (request) =>
        engine.at(request.expiresAt, () => {
          const { key, expiresAt } = request;
          if (engine.now < expiresAt) return;
          engine.note('klarna', () => `the lifetime of ${shortOf(key)} is over`);
          if (this.klarna.expire(key)) this.judge.expired(request);
        }),
      (key, nth) => eventIdOf(plan.seed, key, nth),
      (said) => {
        this.judge.owners.set(said.eventId, said.key);
        hearing.onSaid(said);
      },
    );
    this.timers = new SimulatedTimers(() => engine.now, hearing);
    this.#settings = new Map(plan.accounts.map((settings) => [settings.account, settings]));
    const keysOf = (isBound: boolean) =>
      new Map(
        plan.accounts.map(({ account }) => [
          signingKeyIdOf(account),
          signingKeyWith({
            id: signingKeyIdOf(account),
            accounts: new Map(isBound ? [[subjectOf(account), account]] : []),
          }),
        ]),
      );
    this.#signingKeys = keysOf(true);
    this.#unboundKeys = keysOf(false);
    this.judge = new Judge(this);
  }

  /** The settings of an account as they are now. An operator may have turned a switch. */
  settingsOf(account: string): AccountSettings | undefined {
    const settings = this.#settings.get(account);
    const { switched } = this.plan;
    if (!settings || !switched || this.engine.now < beginning + switched.at) return settings;
    const armedFrom = instantFromMillis(beginning + switched.at);
    const turned = {
      stage: { stage: { ...settings.stage, observe: true } },
      armed_from: { armedFrom },
      kind: { kinds: { [kindOfCheckout]: 'observe' as const } },
      account: { observe: true },
    } satisfies Record<SwitchName, Partial<AccountSettings>>;
    return { ...settings, ...turned[switched.by] };
  }

  /** The signing keys in the secret. Until the secret is corrected, they belong to no account. */
  get signingKeys(): ReadonlyMap<string, SigningKey> {
    return this.engine.now < beginning + this.plan.keysMendedAt ? this.#unboundKeys : this.#signingKeys;
  }

  /** Stores what waits for a reference. The stream delivers a write that was done, once. */
  async saveAwaited(next: AwaitedReference): Promise<boolean> {
    const before = this.awaited.items.get(referenceNameOf(next));
    const isDone = await this.awaited.save(next);
    if (isDone && before?.version !== next.version) {
      this.judge.awaitedIsStored(next);
      this.hearing.onAwaited(next);
    }
    return isDone;
  }

  /** A timer's message that an operator sends again. */
  sendTimer(body: string): void {
    this.hearing.onMessage(timerOf(body), this.engine.now);
  }

  /** Ids in the order in which they are requested. */
  nextId(): string {
    this.#lastId += 1;
    return this.#lastId.toString(16).padStart(32, '0');
  }
}

/** Klarna's ids say nothing about the order, so ties in time are broken either way. */
const eventIdOf = (seed: number, key: PaymentRequestKey, nth: number): EventId => {
  const name = `${shortOf(key).replace('/', '-')}-${nth}`;
  return `${Math.floor(new Draws(seed, name).next() * 4096).toString(16)}-${name}` as EventId;
};
