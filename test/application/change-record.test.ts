import { describe, expect, it } from 'vitest';
import { changeRecord } from '../../functions/application/change-record.ts';
import type { PaymentRequestStore } from '../../functions/application/ports.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { asNextVersion, type PaymentRequest, withEntry } from '../../functions/domain/payment-request.ts';
import { TransientError } from '../../functions/domain/transient-error.ts';
import { key, noon, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { retries, VirtualClock } from '../support/virtual-clock.ts';

const another = ownEventId('register', 'another');

const withAnother = (record: PaymentRequest) =>
  asNextVersion(
    withEntry(record, {
      eventId: another,
      kind: 'register',
      recordedAt: noon,
      effect: 'accepted',
      detail: {},
    }),
    noon,
  );

const attempted = (record: PaymentRequest) =>
  asNextVersion({ ...record, attempts: record.attempts + 1 }, noon);

/** What changing a record of this store needs, by a clock that only waits move. */
const on = (store: PaymentRequestStore, clock = new VirtualClock()) => ({ ...retries, store, clock });

describe('changeRecord', () => {
  it('the record is stored as decided', async () => {
    const store = new InMemoryPaymentRequestStore();
    const made = await changeRecord(on(store), key, undefined, (record) => ({
      next: record ?? recordWith(),
      outcome: record,
    }));
    expect(made).toEqual({ record: recordWith(), outcome: undefined });
    expect(await store.read(key)).toEqual(recordWith());
  });

  it('the decision is repeated on the stored record if another writer was faster', async () => {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    const theirs = recordWith({ attempts: 5, version: 2 });
    await store.save(undefined, known);
    await store.save(known, theirs);
    const seen: (number | undefined)[] = [];
    const { record, outcome } = await changeRecord(on(store), key, known, (latest) => {
      seen.push(latest?.attempts);
      return { next: latest && attempted(latest), outcome: latest?.attempts };
    });
    expect(seen).toEqual([0, 5]);
    expect(outcome).toBe(5);
    expect(record).toMatchObject({ attempts: 6, version: 3 });
    expect(await store.read(key)).toEqual(record);
  });

  it.each([
    ['unchanged', 0],
    ['with a later write of another writer', 1],
  ])('a write whose response was lost counts as done, and the record is stored %s', async (_, more) => {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    await store.save(undefined, known);
    const save = store.save.bind(store);
    store.save = async (current, next) => {
      await save(current, next);
      for (let time = 0; time < more; time += 1) await save(next, attempted(next));
      return save(current, next);
    };
    let decided = 0;
    const { record, outcome } = await changeRecord(on(store), key, known, (latest) => {
      decided += 1;
      return { next: latest && withAnother(latest), outcome: decided };
    });
    expect([outcome, decided]).toEqual([1, 1]);
    expect(record).toMatchObject({ attempts: more, version: 2 + more, history: [{ eventId: another }] });
    expect(await store.read(key)).toEqual(record);
  });

  it('the decision is repeated if a lost write left no entry in the history', async () => {
    const store = new InMemoryPaymentRequestStore();
    const known = withAnother(recordWith());
    await store.save(undefined, known);
    const save = store.save.bind(store);
    store.save = async (current, next) => {
      store.save = save;
      await save(current, next);
      return save(current, next);
    };
    const seen: (number | undefined)[] = [];
    const { record } = await changeRecord(on(store), key, known, (latest) => {
      seen.push(latest?.attempts);
      return { next: latest?.attempts === 0 ? attempted(latest) : undefined, outcome: undefined };
    });
    expect(seen).toEqual([0, 1]);
    expect(record).toMatchObject({ attempts: 1, version: 3 });
  });

  it.each<[string, (record: PaymentRequest | undefined) => PaymentRequest | undefined]>([
    ['the decision returns no record', () => undefined],
    ['the decision returns the same record', (record) => record],
  ])('nothing is written if %s', async (_, decide) => {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    await store.save(undefined, known);
    const { writes } = store;
    const { record } = await changeRecord(on(store), key, known, (latest) => ({
      next: decide(latest),
      outcome: undefined,
    }));
    expect(record).toBe(known);
    expect(store.writes).toBe(writes);
  });

  /** A store in which another writer is faster each time, so many times. */
  async function contended(times: number) {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    await store.save(undefined, known);
    const save = store.save.bind(store);
    let left = times;
    store.save = async (current, next) => {
      const stored = await store.read(key);
      if (stored && left > 0) {
        left -= 1;
        await save(stored, asNextVersion(stored, noon));
      }
      return save(current, next);
    };
    return { store, known };
  }

  const oneMore = (latest: PaymentRequest | undefined) => ({
    next: attempted(latest ?? recordWith()),
    outcome: undefined,
  });

  it('the first conflict is retried at once, and each further one after a longer pause with jitter', async () => {
    const { store, known } = await contended(6);
    const clock = new VirtualClock();
    const { record } = await changeRecord({ ...on(store), clock, chance: () => 0.25 }, key, known, oneMore);
    expect(record).toMatchObject({ attempts: 1, version: 8 });
    expect(clock.waits).toEqual([5, 10, 20, 40, 80]);
  });

  it('no pause is longer than 800 ms', async () => {
    const { store, known } = await contended(12);
    const clock = new VirtualClock();
    const dependencies = { ...on(store), clock, chance: () => 1, conflictBudget: 60_000 };
    await changeRecord(dependencies, key, known, oneMore);
    expect(clock.waits).toEqual([20, 40, 80, 160, 320, 640, 800, 800, 800, 800, 800]);
  });

  it('the record is read again after a pause', async () => {
    const { store, known } = await contended(2);
    const clock = new VirtualClock();
    const wait = clock.wait.bind(clock);
    clock.wait = async (millis) => {
      const stored = await store.read(key);
      await store.save(stored, stored ? attempted(stored) : recordWith());
      return wait(millis);
    };
    const { writes } = store;
    const { record } = await changeRecord({ ...on(store), clock }, key, known, oneMore);
    expect(record).toMatchObject({ attempts: 2 });
    // Two conflicts, what the other writers wrote, and one write that found the version as it was read.
    expect(store.writes - writes).toBe(2 + 2 + 1 + 1);
  });

  it('changeRecord fails with a transient error when its budget is used up', async () => {
    const { store, known } = await contended(Infinity);
    const clock = new VirtualClock();
    const begin = clock.now();
    const changing = changeRecord(on(store, clock), key, known, oneMore);
    await expect(changing).rejects.toThrow(TransientError);
    expect(clock.now() - begin).toBeLessThan(retries.conflictBudget);
    expect(clock.waits.length).toBeGreaterThan(5);
  });
});
