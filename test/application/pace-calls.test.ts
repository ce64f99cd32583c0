import { beforeEach, describe, expect, it } from 'vitest';
import type { Urgency } from '../../functions/application/credential-pace.ts';
import { type Pace, paceCalls } from '../../functions/application/pace-calls.ts';
import type { KlarnaExpiry, KlarnaPaymentRequests } from '../../functions/application/ports.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { key, settingsWith } from '../support/fixtures.ts';
import { InMemoryRateBudgets } from '../support/in-memory-rate-budgets.ts';
import { denied } from '../support/scripted-klarna.ts';
import { SharedClock } from '../support/virtual-clock.ts';

const id = key.paymentRequestId;
const windowMillis = 60_000;

/** Klarna with a rate limit for the one credential, in virtual time. */
class LimitedKlarna implements KlarnaPaymentRequests, KlarnaExpiry {
  readonly clock: SharedClock;
  limit: number;
  /** The calls of each window, and those that were refused. */
  readonly calls = new Map<number, number>();
  refused = 0;

  constructor(clock: SharedClock, limit: number) {
    this.clock = clock;
    this.limit = limit;
  }

  /** A call of the acquirer itself. */
  call(): KlarnaResponse {
    const now = this.clock.now();
    const window = Math.floor(now / windowMillis);
    const made = (this.calls.get(window) ?? 0) + 1;
    this.calls.set(window, made);
    const resetMillis = Math.ceil(((window + 1) * windowMillis - now) / 1_000) * 1_000;
    const rate = { limit: this.limit, remaining: Math.max(0, this.limit - made), resetMillis };
    if (made <= this.limit) return { kind: 'payment_request', state: 'SUBMITTED', proof: {}, rate };
    this.refused += 1;
    return { kind: 'rate_limited', retryAfterMillis: resetMillis, proof: {}, rate };
  }

  async read(): Promise<KlarnaResponse> {
    await this.clock.wait(300);
    return this.call();
  }

  cancel(): Promise<KlarnaResponse> {
    return this.read();
  }

  moveExpiry(): Promise<KlarnaResponse> {
    return this.read();
  }
}

let clock: SharedClock;
let budgets: InMemoryRateBudgets;
let klarna: LimitedKlarna;

beforeEach(() => {
  clock = new SharedClock();
  budgets = new InMemoryRateBudgets();
  klarna = new LimitedKlarna(clock, 600);
});

const settingsOf = (account: string, rateShare = 0.5): AccountSettings => {
  const settings = settingsWith({ account: account as Account });
  return { ...settings, klarna: { ...settings.klarna, credential: 'acquirer', rateShare } };
};

const newProcess = (): Pace =>
  paceCalls({
    budgets,
    clock,
    onFault: (error) => {
      throw error;
    },
  });

/** One attempt when its turn comes: a read and a DELETE. Returns when it began, or undefined where there was no turn. */
async function attempt(pace: Pace, account: string, urgency: Urgency = 'timer', within = 10 * windowMillis) {
  const settings = settingsOf(account);
  if (!(await pace.turn(settings, urgency, clock.now() + within))) return undefined;
  const began = clock.now();
  const calls = pace.paced(klarna);
  await calls.read(settings.klarna, id, 4_000);
  await calls.cancel(settings.klarna, id, 4_000);
  return began;
}

const times = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('the pace of calls', () => {
  it('far from the limit nothing waits and nothing is written', async () => {
    klarna.limit = 100_000;
    const pace = newProcess();
    const began = clock.now();
    for (const _ of times(50)) expect(await attempt(pace, 'a')).toBeDefined();
    expect(clock.now() - began).toBe(50 * 600);
    expect(budgets.writes).toBe(0);
  });

  it('a Klarna that tells no limit is not paced', async () => {
    const pace = newProcess();
    klarna.read = () => Promise.resolve(denied());
    await pace.paced(klarna).read(settingsOf('a').klarna, id, 4_000);
    for (const _ of times(100)) expect(await pace.turn(settingsOf('a'), 'sweep', clock.now())).toBe(true);
  });

  it('the processes together keep to the share of Lapse, and use it', async () => {
    const processes = times(11).map(newProcess);
    await Promise.all(processes.flatMap((pace, index) => times(300).map(() => attempt(pace, `m${index}`))));
    expect(klarna.refused).toBe(0);
    // In the first window nothing is known: each process begins ten attempts before a response tells the limit.
    const [first = 0, ...whole] = [...klarna.calls.values()].slice(0, -1);
    expect(first).toBeLessThan(600);
    expect(whole.length).toBeGreaterThan(5);
    for (const calls of whole) {
      expect(calls).toBeGreaterThan(0.9 * 300);
      expect(calls).toBeLessThanOrEqual(300);
    }
  });

  it('calls of the acquirer itself leave Lapse its share', async () => {
    const pace = newProcess();
    const acquirer = (async () => {
      for (const _ of times(250 * 4)) {
        klarna.call();
        await clock.wait(windowMillis / 250);
      }
    })();
    const done = await Promise.all(times(400).map(() => attempt(pace, 'a', 'timer', 3 * windowMillis)));
    await acquirer;
    expect(klarna.refused).toBe(0);
    expect(done.filter((began) => began !== undefined).length).toBeGreaterThan(0.8 * 3 * 150);
  });

  it('after a 429 every process waits, also one that has not called before', async () => {
    klarna.limit = 10;
    for (const _ of times(11)) klarna.call();
    const [told, other] = [newProcess(), newProcess()];
    await told.paced(klarna).read(settingsOf('a').klarna, id, 4_000);
    expect(await told.turn(settingsOf('a'), 'timer', clock.now() + 10_000)).toBe(false);
    expect(await other.turn(settingsOf('b'), 'timer', clock.now() + 10_000)).toBe(false);
    const before = klarna.calls.get(Math.floor(clock.now() / windowMillis));
    const held = await told.paced(klarna).read(settingsOf('a').klarna, id, 4_000);
    expect(held).toMatchObject({ kind: 'rate_limited', proof: { held: 'rate_limit' } });
    expect(klarna.calls.get(Math.floor(clock.now() / windowMillis))).toBe(before);
    expect(await other.turn(settingsOf('b'), 'timer', clock.now() + 2 * windowMillis)).toBe(true);
    expect(Math.floor(clock.now() / windowMillis)).toBeGreaterThan(0);
  });

  it('a 429 for one credential does not hold another', async () => {
    klarna.limit = 0;
    const pace = newProcess();
    await pace.paced(klarna).read(settingsOf('a').klarna, id, 4_000);
    const other = settingsOf('b');
    const elsewhere = { ...other, klarna: { ...other.klarna, credential: 'another' } };
    expect(await pace.turn(elsewhere, 'timer', clock.now())).toBe(true);
  });

  it('timers go before jobs, and jobs before the rest of the sweep', async () => {
    const pace = newProcess();
    await attempt(pace, 'first');
    const order: Urgency[] = [];
    const begin = async (urgency: Urgency) => {
      if ((await attempt(pace, 'a', urgency)) !== undefined) order.push(urgency);
    };
    await Promise.all(
      (['sweep', 'job', 'timer'] as const).flatMap((urgency) => times(60).map(() => begin(urgency))),
    );
    const last = (urgency: Urgency) => order.lastIndexOf(urgency);
    expect(order).toHaveLength(180);
    expect(last('timer')).toBeLessThan(last('job'));
    expect(last('job')).toBeLessThan(last('sweep'));
    expect(order.indexOf('sweep')).toBeGreaterThan(100);
  });

  it('a quiet account does not wait behind the ten thousand attempts of another', async () => {
    klarna.limit = 6_000;
    const pace = newProcess();
    const noisy = times(10_000).map(() => attempt(pace, 'noisy'));
    await clock.wait(10_000);
    const waits: number[] = [];
    for (const _ of times(50)) {
      const asked = clock.now();
      waits.push(((await attempt(pace, 'quiet')) ?? Infinity) - asked);
      await clock.wait(500);
    }
    await Promise.all(noisy);
    expect(Math.max(...waits)).toBeLessThan(1_500);
    expect(klarna.refused).toBe(0);
  });

  it('a fault of the table holds attempts back and does not lose them', async () => {
    const pace = newProcess();
    let isDown = true;
    const take = budgets.take.bind(budgets);
    budgets.take = (...given) => (isDown ? Promise.reject(new Error('throttled')) : take(...given));
    const faulty = paceCalls({ budgets, clock, onFault: () => (isDown = false) });
    await attempt(pace, 'a');
    const done = await Promise.all(times(60).map(() => attempt(faulty, 'a')));
    expect(isDown).toBe(false);
    expect(done).not.toContain(undefined);
  });
});
