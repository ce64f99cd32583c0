import { describe, expect, it } from 'vitest';
import { changeRecord } from '../../functions/application/change-record.ts';
import type { PaymentRequestStore } from '../../functions/application/ports.ts';
import { recordObservation } from '../../functions/application/record-observation.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { parseEventId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { TransientError } from '../../functions/domain/transient-error.ts';
import { Draws } from '../simulation/draws.ts';
import { key, noon, observed, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { CountingIds, retries, SharedClock, VirtualClock } from '../support/virtual-clock.ts';

/** A webhook's fact, so many milliseconds after noon. The two open states take turns. */
const toggle = (millis: number): Observation =>
  observed(millis % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS', instantFromMillis(millisOf(noon) + millis), {
    eventId: parseEventId(`toggle-${millis}`),
    observedAt: noon,
  } as Partial<Observation>);

/** The store with a table's latency: each call takes between 2 and 8 milliseconds, half of them before it takes effect. */
function distant(store: PaymentRequestStore, clock: SharedClock, draws: Draws): PaymentRequestStore {
  const later = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    const half = draws.between(1, 4);
    await clock.wait(half);
    const result = await act();
    await clock.wait(half);
    return result;
  };
  return {
    read: (...asked) => later(() => store.read(...asked)),
    readAll: (...asked) => later(() => store.readAll(...asked)),
    observe: (...asked) => later(() => store.observe(...asked)),
    noteStale: (...asked) => later(() => store.noteStale(...asked)),
    register: (...asked) => later(() => store.register(...asked)),
    authorize: (...asked) => later(() => store.authorize(...asked)),
    save: (...asked) => later(() => store.save(...asked)),
  };
}

describe('many writers of one record', () => {
  it.each([1, 2, 3])(
    'two hundred simultaneous writers all succeed, or fail as transient within their budget (seed %i)',
    async (seed) => {
      const clock = new SharedClock();
      const draws = new Draws(seed, 'writers');
      const store = new InMemoryPaymentRequestStore();
      await store.save(undefined, recordWith());
      const versions: PaymentRequest[] = [];
      const save = store.save.bind(store);
      store.save = async (current, next) => {
        const result = await save(current, next);
        if (result.written) versions.push(next);
        return result;
      };
      const dependencies = {
        store: distant(store, clock, draws),
        clock,
        ids: new CountingIds(),
        chance: () => draws.next(),
        conflictBudget: retries.conflictBudget,
      };
      const begin = clock.now();
      const writers = Array.from({ length: 200 }, async (_, index) => {
        const eventId = parseEventId(`writer-${index}`);
        if (!eventId) throw new Error('no event id');
        const entry = {
          eventId,
          kind: 'register',
          recordedAt: noon,
          effect: 'accepted',
          detail: {},
        } as const;
        await changeRecord(dependencies, key, undefined, (stored) => ({
          next: { ...withEntry(stored ?? recordWith(), entry), attempts: (stored?.attempts ?? 0) + 1 },
          outcome: undefined,
        }));
      });
      const results = await Promise.allSettled(writers);
      const failures = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      expect(failures.filter((failure) => !(failure instanceof TransientError))).toEqual([]);
      const stored = await store.read(key);
      const done = 200 - failures.length;
      expect(stored).toMatchObject({ attempts: done, version: 1 + done, sequence: done });
      expect((stored?.history.length ?? 0) + (stored?.dropped?.count ?? 0)).toBe(done);
      // Each version has the next sequence and the event of its own writer, whatever the history keeps.
      expect(versions.map(({ sequence }) => sequence)).toEqual(Array.from({ length: done }, (_, n) => n + 1));
      const told = versions.flatMap(({ changes }) => changes.map(({ eventId }) => eventId));
      expect(told).toHaveLength(done);
      expect(new Set(told).size).toBe(done);
      // One round trip to read and one to write are all that a change takes after its last pause.
      expect(clock.now() - begin).toBeLessThan(retries.conflictBudget + 32);
      // Most succeed, so that the retries of the callers end it.
      expect(failures.length).toBeLessThan(20);
    },
  );

  it('a webhook that is older than the newest does not wait for senders of newer ones', async () => {
    const store = new InMemoryPaymentRequestStore();
    const clock = new VirtualClock();
    let newest = 1_000;
    const others: PaymentRequestStore = {
      read: (...asked) => store.read(...asked),
      readAll: (keys) => store.readAll(keys),
      observe: (...asked) => store.observe(...asked),
      register: (...asked) => store.register(...asked),
      authorize: (...asked) => store.authorize(...asked),
      // Two senders of newer webhooks write before each of its writes arrives.
      noteStale: async (...asked) => {
        await newerOnes();
        return store.noteStale(...asked);
      },
      save: async (...asked) => {
        await newerOnes();
        return store.save(...asked);
      },
    };
    const newerOnes = async (): Promise<void> => {
      for (let sender = 0; sender < 2; sender += 1) {
        newest += 1;
        expect(await store.observe(key, toggle(newest))).toEqual({ written: true });
      }
    };
    await store.observe(key, toggle(newest));
    const dependencies = { ...retries, store: others, clock, ids: new CountingIds(), conflictBudget: 500 };
    const verdict = await recordObservation(dependencies)(key, toggle(500));
    expect(verdict).toBe('stale');
    expect(clock.waits).toEqual([]);
    const stored = await store.read(key);
    expect(stored).toMatchObject({ version: 4, state: 'SUBMITTED' });
    expect(stored?.history.find(({ eventId }) => eventId === 'toggle-500')).toMatchObject({
      effect: 'stale',
      state: 'SUBMITTED',
    });
    expect(await recordObservation(dependencies)(key, toggle(500))).toBe('duplicate');
  });

  it('a tie of two webhooks, which needs the record, ends within its budget', async () => {
    const store = new InMemoryPaymentRequestStore();
    const clock = new VirtualClock();
    await store.observe(key, toggle(2));
    const tie = { ...toggle(2), state: 'IN_PROGRESS', eventId: parseEventId('0-tie') } as Observation;
    store.save = async () => Promise.resolve({ written: false, stored: await store.read(key) });
    const begin = clock.now();
    const dependencies = { ...retries, store, clock, ids: new CountingIds(), conflictBudget: 500 };
    const recording = recordObservation(dependencies)(key, tie);
    await expect(recording).rejects.toThrow(TransientError);
    expect(clock.now() - begin).toBeLessThan(500);
  });
});
