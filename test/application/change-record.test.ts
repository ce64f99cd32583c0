import { describe, expect, it } from 'vitest';
import { changeRecord } from '../../functions/application/change-record.ts';
import type { PaymentRequestStore, WriteResult } from '../../functions/application/ports.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { formatInstant, plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { TransientError } from '../../functions/domain/transient-error.ts';
import { key, noon, observed, recordWith, registrationWith, versioned } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { afterNoon, hour, minute } from '../support/sessions.ts';
import { CountingIds, retries, VirtualClock } from '../support/virtual-clock.ts';
import { World } from '../support/world.ts';

const another = ownEventId('register', 'another');

const withAnother = (record: PaymentRequest) =>
  withEntry(record, {
    eventId: another,
    kind: 'register',
    recordedAt: noon,
    effect: 'accepted',
    detail: {},
  });

const attempted = (record: PaymentRequest) => ({ ...record, attempts: record.attempts + 1 });

/** What changing a record of this store needs, by a clock that only waits move. */
const on = (store: PaymentRequestStore, clock = new VirtualClock()) => ({
  ...retries,
  store,
  clock,
  ids: new CountingIds(),
});

/** Makes the response to the next save get lost. The SDK sends it again after `meanwhile`. */
function loseNext(store: InMemoryPaymentRequestStore, meanwhile: () => Promise<unknown>): void {
  const save = store.save.bind(store);
  store.save = async (current, next): Promise<WriteResult> => {
    store.save = save;
    expect(await save(current, next)).toEqual({ written: true });
    await meanwhile();
    return save(current, next);
  };
}

describe('changeRecord', () => {
  it('the record is stored as decided', async () => {
    const store = new InMemoryPaymentRequestStore();
    const made = await changeRecord(on(store), key, undefined, (record) => ({
      next: withAnother(record ?? recordWith({ version: 0 })),
      outcome: record,
    }));
    expect(made.outcome).toBeUndefined();
    expect(made.record).toMatchObject({
      version: 1,
      sequence: 1,
      changes: [{ kind: 'registered', eventId: another }],
      writes: ['00000001'],
      updatedAt: noon,
    });
    expect(await store.read(key)).toEqual(made.record);
  });

  it('each change has an id of its own, and a record remembers the newest eight', async () => {
    const store = new InMemoryPaymentRequestStore();
    const dependencies = on(store);
    for (let change = 1; change <= 20; change += 1) {
      const known = await store.read(key);
      await changeRecord(dependencies, key, known, (record) => ({
        next: attempted(record ?? recordWith({ version: 0 })),
        outcome: undefined,
      }));
      const { writes = [] } = (await store.read(key)) ?? {};
      expect(writes).toHaveLength(Math.min(change, 8));
      expect(new Set(writes).size).toBe(writes.length);
      expect(Number.parseInt(writes.at(-1) ?? '', 16)).toBe(change);
    }
  });

  it('the decision is repeated on the stored record if another writer was faster', async () => {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    const theirs = recordWith({ attempts: 5, version: 2, writes: ['theirs'] });
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

  it.each<[string, number, (record: PaymentRequest) => PaymentRequest]>([
    ['with an entry, and the record is stored unchanged', 0, withAnother],
    ['with an entry, and another writer follows', 1, withAnother],
    ['with an entry, and seven other writers follow', 7, withAnother],
    ['without an entry, and the record is stored unchanged', 0, attempted],
    ['without an entry, and seven other writers follow', 7, attempted],
  ])('a write whose response was lost counts as done: %s', async (_, more, decide) => {
    const store = new InMemoryPaymentRequestStore();
    const dependencies = on(store);
    const known = recordWith();
    await store.save(undefined, known);
    loseNext(store, async () => {
      for (let time = 0; time < more; time += 1) {
        await changeRecord(dependencies, key, await store.read(key), (latest) => ({
          next: latest && { ...latest, reference: `order ${time}` },
          outcome: undefined,
        }));
      }
    });
    let decided = 0;
    const { record, outcome } = await changeRecord(dependencies, key, known, (latest) => {
      decided += 1;
      return { next: latest && decide(latest), outcome: decided };
    });
    expect([outcome, decided]).toEqual([1, 1]);
    expect(record).toMatchObject({ version: 2 + more, ...(decide === attempted && { attempts: 1 }) });
    expect(await store.read(key)).toEqual(record);
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
        await save(stored, versioned(stored, stored));
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
      await store.save(stored, versioned(stored ? attempted(stored) : recordWith(), stored));
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

describe('a write whose response was lost, and which the SDK sends again after many other facts', () => {
  /** A world, and as many webhooks, one a second, of a customer who opens and closes Klarna's window. */
  function toggled() {
    const world = new World();
    let toggles = 0;
    const toggle = async (count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent += 1) {
        toggles += 1;
        const state = toggles % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS';
        await world.webhook(observed(state, formatInstant(plusMillis(noon, toggles * 1_000))));
      }
    };
    return { world, toggle };
  }

  it('an extension counts once', async () => {
    const { world, toggle } = toggled();
    await world.register(registrationWith());
    await toggle(302);
    world.clock.advance(minute);
    loseNext(world.store, async () => {
      await toggle(302);
      world.clock.advance(1_000);
    });
    const { outcome, record } = await world.extend({ kind: 'session_timeout', millis: hour, given: 'PT1H' });
    expect(outcome.kind).toBe('changed');
    expect(record).toMatchObject({ deadlineAt: afterNoon(61), session: { extensions: 1 } });
    expect(world.record).toEqual(record);
    expect(world.timer.deadline).toBe(afterNoon(61));
  });

  it('a registration counts once and makes one event', async () => {
    const { world, toggle } = toggled();
    // Its deadline is past Klarna's expiry otherwise: a read has told of that, so the registration follows a read.
    await world.webhook(observed('IN_PROGRESS'));
    loseNext(world.store, () => toggle(302));
    expect((await world.register(registrationWith())).outcome.kind).toBe('registered');
    expect(world.record).toMatchObject({ timer: 'armed', session: { extensions: 0 }, sequence: 1 + 302 });
  });

  it('a cancel whose claim has no response sends its DELETE and is not pending', async () => {
    const { world, toggle } = toggled();
    await world.register(registrationWith());
    await toggle(302);
    loseNext(world.store, () => toggle(302));
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
  });

  it('a cancel whose last write has no response returns canceled, and its end is one event', async () => {
    const { world, toggle } = toggled();
    await world.register(registrationWith());
    await toggle(302);
    world.klarna.responses('cancel', (klarna) => {
      loseNext(world.store, () => toggle(302));
      klarna.state = 'CANCELED';
      return klarna.shown();
    });
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
    expect(world.record.history.filter(({ state }) => state === 'CANCELED')).toHaveLength(1);
    expect((await world.cancel()).outcome).toBe('already_canceled');
  });
});
