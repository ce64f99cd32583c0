import { describe, expect, it } from 'vitest';
import { changeRecord } from '../../functions/application/change-record.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { asNextVersion, type PaymentRequest, withEntry } from '../../functions/domain/payment-request.ts';
import { key, noon, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';

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

describe('changeRecord', () => {
  it('the record is stored as decided', async () => {
    const store = new InMemoryPaymentRequestStore();
    const made = await changeRecord(store, key, undefined, (record) => ({
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
    const { record, outcome } = await changeRecord(store, key, known, (latest) => {
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
    const { record, outcome } = await changeRecord(store, key, known, (latest) => {
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
    const { record } = await changeRecord(store, key, known, (latest) => {
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
    const { record } = await changeRecord(store, key, known, (latest) => ({
      next: decide(latest),
      outcome: undefined,
    }));
    expect(record).toBe(known);
    expect(store.writes).toBe(writes);
  });

  it('changeRecord fails after forty write conflicts in a row', async () => {
    let tries = 0;
    const store = new InMemoryPaymentRequestStore();
    store.save = () => {
      tries += 1;
      return Promise.resolve({ written: false, stored: recordWith({ version: tries }) });
    };
    const changing = changeRecord(store, key, undefined, (record) => ({
      next: attempted(record ?? recordWith()),
      outcome: undefined,
    }));
    await expect(changing).rejects.toThrow(`shop-se/${key.paymentRequestId}: 40 write conflicts in a row`);
    expect(tries).toBe(40);
  });
});
