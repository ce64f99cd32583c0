import { paceCalls } from '../../functions/application/pace-calls.ts';
import { endExpiredSession } from '../../functions/application/end-expired-session.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import type { KlarnaExpiry, KlarnaPaymentRequests } from '../../functions/application/ports.ts';
import type { AccountSettings, KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { settingsWith } from '../../test/support/fixtures.ts';
import { InMemoryRateBudgets } from '../../test/support/in-memory-rate-budgets.ts';
import { registered } from '../../test/support/sessions.ts';
import { SharedClock } from '../../test/support/virtual-clock.ts';
import { World } from '../../test/support/world.ts';
import { median, quantile } from '../statistics.ts';
import { requestId } from '../../test/support/cancel-jobs.ts';
import { FairQueue } from './fair-queue.ts';

/** Milliseconds of each response, as on AWS: Klarna, and the table. */
const klarnaMillis = 300;
const tableMillis = 5;

/** The queue's limits as the stack sets them: batches at once, and timers of a batch. */
const processes = 10;
const batchSize = 10;

const windowMillis = 60_000;
const share = 0.5;
/** Calls a minute that Klarna allows for the API key. */
const limit = 20_000;

/** What the ends of many sessions on one credential took. Times are milliseconds. */
export interface Ends {
  readonly sessions: number;
  readonly accounts: number;
  /** Until all had ended. */
  readonly seconds: number;
  /** Klarna's calls in the minute with the most, and those that it refused. */
  readonly mostCallsInWindow: number;
  readonly refused: number;
  /** Writes to the item that the processes share, for each session. */
  readonly writesPerSession: number;
}

/** How long sessions of a quiet account waited beside a noisy one. */
export interface Neighbours extends Ends {
  readonly quietSessions: number;
  readonly quiet: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** The same beside the sweep as the only timer, from when it began its run. */
  readonly noisy: { readonly p50: number; readonly p99: number };
}

/** The figures of one credential: its limit, and three situations. */
export interface OneCredential {
  readonly limit: number;
  readonly share: number;
  readonly klarnaMillis: number;
  readonly neighbours: Neighbours;
  readonly sweepAsTimer: Neighbours;
  readonly flashSale: Ends;
}

/** Klarna with a rate limit for one API key. Every request is SUBMITTED until it is canceled. */
class LimitedKlarna implements KlarnaPaymentRequests, KlarnaExpiry {
  readonly calls = new Map<number, number>();
  readonly endedAt = new Map<PaymentRequestId, number>();
  refused = 0;
  readonly #clock: SharedClock;

  constructor(clock: SharedClock) {
    this.#clock = clock;
  }

  read(_: KlarnaCredentials, id: PaymentRequestId): Promise<KlarnaResponse> {
    return this.#respond(() => (this.endedAt.has(id) ? 'CANCELED' : 'SUBMITTED'));
  }

  cancel(_: KlarnaCredentials, id: PaymentRequestId): Promise<KlarnaResponse> {
    return this.#respond(() => {
      this.endedAt.set(id, this.#clock.now());
      return 'CANCELED';
    });
  }

  moveExpiry(): Promise<KlarnaResponse> {
    throw new Error('No account here moves the expiry.');
  }

  async #respond(act: () => 'SUBMITTED' | 'CANCELED'): Promise<KlarnaResponse> {
    const now = this.#clock.now();
    const window = Math.floor(now / windowMillis);
    const made = (this.calls.get(window) ?? 0) + 1;
    this.calls.set(window, made);
    await this.#clock.wait(klarnaMillis);
    const resetMillis = Math.max(
      1_000,
      Math.ceil(((window + 1) * windowMillis - this.#clock.now()) / 1_000) * 1_000,
    );
    const rate = { limit, remaining: Math.max(0, limit - made), resetMillis };
    if (made <= limit) return { kind: 'payment_request', state: act(), proof: {}, rate };
    this.refused += 1;
    return { kind: 'rate_limited', retryAfterMillis: resetMillis, proof: {}, rate };
  }
}

/** The application's code on stand-ins in virtual time. Only waiting takes time. */
class Situation {
  readonly clock = new SharedClock();
  readonly klarna = new LimitedKlarna(this.clock);
  readonly budgets = new InMemoryRateBudgets();
  readonly world = new World();
  readonly deadlines = new Map<PaymentRequestKey, number>();
  #sessions = 0;

  settingsOf(account: Account): AccountSettings {
    const settings = settingsWith({ account });
    return { ...settings, klarna: { ...settings.klarna, credential: 'acquirer', rateShare: share } };
  }

  newPace() {
    return paceCalls({
      budgets: this.budgets,
      clock: this.clock,
      onFault: (error) => {
        throw error;
      },
    });
  }

  dependencies(pace: ReturnType<typeof paceCalls>) {
    const { world, clock, klarna } = this;
    return { ...world.dependencies, store: this.#waited(world.store), clock, klarna: pace.paced(klarna) };
  }

  /** Sessions of an account with this deadline. */
  async have(
    account: string,
    count: number,
    deadline: number,
    timer: 'armed' | 'sweep' = 'armed',
  ): Promise<readonly PaymentRequestKey[]> {
    const keys: PaymentRequestKey[] = [];
    for (let index = 0; index < count; index += 1) {
      const paymentRequestId = requestId((this.#sessions += 1));
      const key = { account: account as Account, paymentRequestId };
      const [deadlineAt, createdAt] = [instantFromMillis(deadline), instantFromMillis(deadline - 1_200_000)];
      await this.world.store.save(undefined, {
        ...registered({ ...key, deadlineAt, timer, dueAt: deadlineAt }),
        createdAt,
      });
      this.deadlines.set(key, deadline);
      keys.push(key);
    }
    return keys;
  }

  /** Milliseconds between the deadline and the cancel of each. */
  waitsOf(keys: readonly PaymentRequestKey[]): readonly number[] {
    return keys.map(
      (key) =>
        (this.klarna.endedAt.get(key.paymentRequestId) ?? Infinity) - (this.deadlines.get(key) ?? Infinity),
    );
  }

  endsSince(began: number): Ends {
    const { klarna, budgets, deadlines } = this;
    return {
      sessions: deadlines.size,
      accounts: new Set([...deadlines.keys()].map(({ account }) => account)).size,
      seconds: (Math.max(...klarna.endedAt.values()) - began) / 1_000,
      mostCallsInWindow: Math.max(...klarna.calls.values()),
      refused: klarna.refused,
      writesPerSession: budgets.writes / deadlines.size,
    };
  }

  /** The timer function: ten processes, each with a batch of ten, until the queue stays empty. */
  async runTimers(queue: FairQueue): Promise<void> {
    const one = async (): Promise<void> => {
      const pace = this.newPace();
      const end = endExpiredSession({
        ...this.dependencies(pace),
        turn: (settings) => pace.turn(settings, 'timer', this.clock.now() + 10_000),
      });
      while (!queue.isDone) {
        const batch = queue.receive(batchSize);
        if (batch.length === 0) await this.clock.wait(50);
        await Promise.all(
          batch.map(async (key) => {
            const { kind } = await end(key, this.settingsOf(key.account));
            if (kind === 'held') queue.giveBack(key);
            else queue.delete(key);
          }),
        );
      }
    };
    await Promise.all(Array.from({ length: processes }, one));
  }

  #waited<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        const method = member.bind(target) as (...args: unknown[]) => unknown;
        return async (...args: unknown[]) => {
          await this.clock.wait(tableMillis);
          return method(...args);
        };
      },
    });
  }
}

const numbersOf = (waits: readonly number[]) => ({
  p50: median([...waits]),
  p99: quantile([...waits], 0.99),
});

/** One partner has so many sessions due at once, and another one session every second. */
async function neighbours(noisy: number, quiet: number): Promise<Neighbours> {
  const situation = new Situation();
  const { clock } = situation;
  const began = clock.now();
  const queue = new FairQueue();
  const many = await situation.have('noisy', noisy, began);
  for (const key of many) queue.send(key);
  const few: PaymentRequestKey[] = [];
  const arriving = (async () => {
    for (let second = 0; second < quiet; second += 1) {
      await clock.wait(1_000);
      const keys = await situation.have('quiet', 1, clock.now());
      few.push(...keys);
      for (const key of keys) queue.send(key);
    }
    queue.close();
  })();
  await Promise.all([situation.runTimers(queue), arriving]);
  const waits = situation.waitsOf(few);
  return {
    ...situation.endsSince(began),
    quietSessions: quiet,
    quiet: { ...numbersOf(waits), longest: Math.max(...waits) },
    noisy: numbersOf(situation.waitsOf(many)),
  };
}

/** The same with the sweep as the only timer: one run begins when all are due, the quiet ones last. */
async function sweepBesideNoisy(noisy: number, quiet: number): Promise<Neighbours> {
  const situation = new Situation();
  const { clock, world } = situation;
  const began = clock.now();
  const many = await situation.have('noisy', noisy, began - 1_000, 'sweep');
  const few = await situation.have('quiet', quiet, began, 'sweep');
  const pace = situation.newPace();
  while (situation.klarna.endedAt.size < noisy + quiet) {
    const run = clock.now();
    await reconcilePaymentRequests({
      ...situation.dependencies(pace),
      due: world.store,
      pace,
      accounts: { find: (account) => Promise.resolve(situation.settingsOf(account)) },
      onFault: (_, error) => {
        throw error;
      },
    })(run + 35_000);
    await clock.wait(Math.max(0, run + 60_000 - clock.now()));
  }
  const waits = situation.waitsOf(few);
  return {
    ...situation.endsSince(began),
    quietSessions: quiet,
    quiet: { ...numbersOf(waits), longest: Math.max(...waits) },
    noisy: numbersOf(situation.waitsOf(many)),
  };
}

/** So many sessions of many accounts that end at the same moment. */
async function saleOf(sessions: number, accounts: number): Promise<Ends> {
  const situation = new Situation();
  const began = situation.clock.now();
  const queue = new FairQueue();
  for (let account = 0; account < accounts; account += 1) {
    const keys = await situation.have(`m${account}`, sessions / accounts, began);
    for (const key of keys) queue.send(key);
  }
  queue.close();
  await situation.runTimers(queue);
  return situation.endsSince(began);
}

/** Measures one credential that many accounts share. */
export async function oneCredential(
  { noisy, sale, accounts }: { readonly noisy: number; readonly sale: number; readonly accounts: number },
  onProgress: (done: number, what: string) => void,
): Promise<OneCredential> {
  onProgress(0, 'a noisy neighbour');
  const beside = await neighbours(noisy, 60);
  onProgress(1, 'a noisy neighbour in the sweep');
  const sweepAsTimer = await sweepBesideNoisy(noisy, 20);
  onProgress(2, 'a flash sale');
  const flashSale = await saleOf(sale, accounts);
  onProgress(3, 'measured');
  return { limit, share, klarnaMillis, neighbours: beside, sweepAsTimer, flashSale };
}
