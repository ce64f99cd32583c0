import type { AccountSettings, SigningKey } from '../../functions/application/ports.ts';
import type { WrittenChange } from '../../functions/application/publish-state-changes.ts';
import type { EventId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { InMemoryQuarantine } from '../support/in-memory-payment-request-store.ts';
import { signingKeyWith } from '../support/klarna-deliveries.ts';
import { Draws } from './draws.ts';
import { Engine, type Fate, type Trace } from './engine.ts';
import { Judge, type Scene } from './judge.ts';
import { beginning, type Plan } from './plan.ts';
import { type Said, SimulatedKlarna } from './simulated-klarna.ts';
import { SimulatedTable } from './simulated-table.ts';
import { SimulatedTimers, type TimerEvents } from './simulated-timers.ts';
import { signingKeyIdOf, subjectOf } from './webhook-bodies.ts';
import { shortOf } from './words.ts';

/** Who is told of what happens by itself. */
export interface Hearing extends TimerEvents {
  readonly onWrite: (write: WrittenChange) => void;
  readonly onSaid: (said: Said) => void;
}

/** Everything outside of our functions, as they all share it in one history, and the judge of it. */
export class World implements Scene {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly table: SimulatedTable;
  readonly klarna: SimulatedKlarna;
  readonly timers: SimulatedTimers;
  readonly quarantine = new InMemoryQuarantine();
  readonly settings: ReadonlyMap<string, AccountSettings>;
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  readonly judge: Judge;
  /** The invocation whose write is being done. */
  writer = '';
  #lastId = 0;

  constructor(plan: Plan, fate: Fate, hearing: Hearing, trace?: Trace) {
    this.plan = plan;
    const engine = new Engine(beginning, fate, trace);
    this.engine = engine;
    this.table = new SimulatedTable((write) => {
      this.judge.written(this.writer, write);
      hearing.onWrite(write);
    });
    this.klarna = new SimulatedKlarna(
      plan.manners,
      () => engine.now,
      (said) => {
        this.judge.owners.set(said.eventId, said.key);
        hearing.onSaid(said);
      },
      (key, nth) => eventIdOf(plan.seed, key, nth),
    );
    this.timers = new SimulatedTimers(() => engine.now, hearing);
    this.settings = new Map(plan.accounts.map((settings) => [settings.account, settings]));
    this.signingKeys = new Map(
      plan.accounts.map(({ account }) => [
        signingKeyIdOf(account),
        signingKeyWith({ id: signingKeyIdOf(account), accounts: new Map([[subjectOf(account), account]]) }),
      ]),
    );
    this.judge = new Judge(this);
  }

  /** Ids in the order in which they are asked for. */
  nextId(): string {
    this.#lastId += 1;
    return this.#lastId.toString(16).padStart(32, '0');
  }
}

/** Klarna's ids say nothing of the order, so that ties in time are broken either way. */
const eventIdOf = (seed: number, key: PaymentRequestKey, nth: number): EventId => {
  const name = `${shortOf(key).replace('/', '-')}-${nth}`;
  return `${Math.floor(new Draws(seed, name).next() * 4096).toString(16)}-${name}` as EventId;
};
