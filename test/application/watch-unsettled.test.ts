import { describe, expect, it } from 'vitest';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import {
  type SeenRecord,
  type SweepView,
  watchUnsettled,
} from '../../functions/application/watch-unsettled.ts';
import { parsePaymentRequestId, type PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { mostRemembered, noMemory, type WaitingSince } from '../../functions/domain/sweep-memory.ts';
import { key, observed, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type FaultInjector, World } from '../support/world.ts';

const minute = 60_000;

/** A world that is swept once a minute, each run with what the last one left. */
class SweptWorld extends World {
  last: SweepView | undefined;
  readonly views: SweepView[] = [];

  async run(): Promise<SweepView> {
    const { store, clock, onFault } = this.dependencies;
    const watch = watchUnsettled({ store, clock, onFault }, this.last?.memory);
    await reconcilePaymentRequests(this.dependencies)(this.clock.now() + 40_000, watch.see);
    this.last = await watch.view();
    this.views.push(this.last);
    return this.last;
  }

  async minutes(count: number): Promise<readonly SweepView[]> {
    const before = this.views.length;
    for (let each = 0; each < count; each += 1) {
      this.clock.advance(minute);
      await this.run();
    }
    return this.views.slice(before);
  }
}

/** A Klarna that gives no clear response to anything for a long time. */
const down = () => {
  const klarna = new ScriptedKlarna('SUBMITTED');
  for (let each = 0; each < 200; each += 1) klarna.responses('read', unclear).responses('cancel', unclear);
  return klarna;
};

describe('watchUnsettled', () => {
  it('a pending cancel counts in every minute, also in those whose sweep does not read it', async () => {
    const world = new SweptWorld(down());
    await world.webhook(observed('SUBMITTED'));
    await world.cancel();
    const ages = (await world.minutes(150)).map(({ pendingCancelAge }) => pendingCancelAge);
    // The sweep of the second minute makes the second attempt.
    expect(ages.slice(2).every((age, index) => age >= (index + 2) * minute)).toBe(true);
    expect(world.record.attempts).toBeLessThan(10);
  });

  it('a pending cancel that is settled between two attempts counts for nothing in the next minute', async () => {
    const world = new SweptWorld(down());
    await world.webhook(observed('SUBMITTED'));
    await world.cancel();
    await world.minutes(10);
    expect(world.last?.pendingCancelAge).toBeGreaterThan(5 * minute);
    const { record } = world;
    const settled = {
      state: 'CANCELED',
      cancellation: undefined,
      attempts: 0,
      version: record.version + 1,
    } as const;
    await world.store.save(record, { ...record, ...settled });
    const [after] = await world.minutes(1);
    expect(after).toMatchObject({ pendingCancelAge: 0, memory: noMemory });
  });

  it('an overdue session counts in every minute until it has its end', async () => {
    const world = new SweptWorld(down());
    await world.register(registrationWith());
    await world.minutes(90);
    const ages = world.views.map(({ overdueSessionAge }) => overdueSessionAge);
    const first = ages.findIndex((age) => age > 0);
    expect(first).toBeGreaterThan(0);
    expect(ages.slice(first).every((age, index) => index === 0 || age > (ages[first + index - 1] ?? 0))).toBe(
      true,
    );
    expect(ages.at(-1)).toBeGreaterThan(50 * minute);
  });

  it('a session that the first attempt ends never counts', async () => {
    const world = new SweptWorld();
    await world.register(registrationWith());
    await world.minutes(35);
    expect(world.record.state).toBe('CANCELED');
    expect(world.views.every(({ overdueSessionAge }) => overdueSessionAge === 0)).toBe(true);
  });

  it('a record that a fault keeps the sweep from is failing until an attempt succeeds', async () => {
    let broken = true;
    const world = new SweptWorld(new ScriptedKlarna('SUBMITTED'), {}, ((call, moment) => {
      if (broken && call === 'timer.arm' && moment === 'before') throw new Error('no scheduler');
    }) satisfies FaultInjector);
    await world.register(registrationWith());
    await world.minutes(20);
    const failing = world.views.map((view) => view.failing);
    expect(failing.slice(2)).toEqual(failing.slice(2).map(() => 1));
    broken = false;
    await world.minutes(20);
    expect(world.last?.failing).toBe(0);
  });
});

describe('watchUnsettled, with more records than it remembers', () => {
  const clock = new VirtualClock();
  const keyOf = (index: number): PaymentRequestKey => {
    const paymentRequestId = parsePaymentRequestId(`krn:payment:eu1:request:${index}`);
    if (!paymentRequestId) throw new Error('malformed');
    return { ...key, paymentRequestId };
  };
  const waitingFor = (index: number): WaitingSince => ({
    pendingCancel: instantFromMillis(clock.now() - (index + 1) * minute),
    overdueSession: undefined,
  });

  /** A sweep that sees so many pending cancels, none of which it finds again. */
  const seeing = async (count: number, known = noMemory, isGone = true) => {
    const store = {
      read: () => (isGone ? Promise.resolve(undefined) : Promise.reject(new Error('no table'))),
    };
    const watch = watchUnsettled({ store, clock, onFault: () => undefined }, known);
    for (let index = 0; index < count; index += 1)
      watch.see({ key: keyOf(index), waiting: waitingFor(index), attempts: 1, result: 'tried' });
    return watch.view();
  };

  it('it remembers the oldest ones, and the others count for an hour', async () => {
    const { memory, pendingCancelAge } = await seeing(150, noMemory, false);
    expect(pendingCancelAge).toBe(150 * minute);
    expect(memory.unsettled).toHaveLength(mostRemembered);
    expect(memory.unsettled[0]?.key).toEqual(keyOf(149));
    // All that are remembered have an end: the oldest of the others still counts.
    clock.advance(59 * minute);
    const later = await seeing(0, memory);
    expect(later.pendingCancelAge).toBe((50 + 59) * minute);
    clock.advance(minute);
    expect((await seeing(0, later.memory)).pendingCancelAge).toBe(0);
  });

  it.each([
    ['that the run had no time for', 'left', 1],
    ['that cannot be read', 'failed', 1],
    ['whose turn has not come', 'held', 1],
  ] as const)('a record %s keeps what the last run knew of it', async (_, result, failing) => {
    const faulty = { read: () => Promise.reject(new Error('no table')) };
    const seenIn = async (waiting: WaitingSince | undefined, as: SeenRecord['result'], known = noMemory) => {
      const watch = watchUnsettled({ store: faulty, clock, onFault: () => undefined }, known);
      watch.see({ key, waiting, attempts: 1, result: as });
      return watch.view();
    };
    const first = await seenIn(waitingFor(6), 'failed');
    const second = await seenIn(undefined, result, first.memory);
    expect(second).toMatchObject({ pendingCancelAge: 7 * minute, failing });
    expect(second.memory).toEqual(first.memory);
  });

  it('records that the run had no calls for count, and are not read again', async () => {
    const watch = watchUnsettled({
      store: { read: () => Promise.reject(new Error('not expected')) },
      clock,
      onFault: (_, error) => {
        throw error;
      },
    });
    watch.see({ key, waiting: waitingFor(6), attempts: 0, result: 'held' });
    expect(await watch.view()).toMatchObject({ pendingCancelAge: 7 * minute, memory: noMemory });
  });
});
