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

const looked = (record: PaymentRequest) => asNextVersion({ ...record, attempts: record.attempts + 1 }, noon);

describe('a record that is changed', () => {
  it('is stored as was decided', async () => {
    const store = new InMemoryPaymentRequestStore();
    const made = await changeRecord(store, key, undefined, (record) => ({
      next: record ?? recordWith(),
      outcome: record,
    }));
    expect(made).toEqual({ record: recordWith(), outcome: undefined });
    expect(await store.read(key)).toEqual(recordWith());
  });

  it('is decided on again, as somebody else has stored it meanwhile', async () => {
    const store = new InMemoryPaymentRequestStore();
    const known = recordWith();
    const theirs = recordWith({ attempts: 5, version: 2 });
    await store.save(undefined, known);
    await store.save(known, theirs);
    const seen: (number | undefined)[] = [];
    const { record, outcome } = await changeRecord(store, key, known, (latest) => {
      seen.push(latest?.attempts);
      return { next: latest && looked(latest), outcome: latest?.attempts };
    });
    expect(seen).toEqual([0, 5]);
    expect(outcome).toBe(5);
    expect(record).toMatchObject({ attempts: 6, version: 3 });
    expect(await store.read(key)).toEqual(record);
  });

  it.each([
    ['as it was written', 0],
    ['with what somebody else has written since', 1],
  ])(
    'counts as changed where the write was done and only its answer lost, and is there %s',
    async (_, more) => {
      const store = new InMemoryPaymentRequestStore();
      const known = recordWith();
      await store.save(undefined, known);
      const save = store.save.bind(store);
      store.save = async (current, next) => {
        await save(current, next);
        for (let time = 0; time < more; time += 1) await save(next, looked(next));
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
    },
  );

  it('is decided on again where what was lost left nothing in its history', async () => {
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
      return { next: latest?.attempts === 0 ? looked(latest) : undefined, outcome: undefined };
    });
    expect(seen).toEqual([0, 1]);
    expect(record).toMatchObject({ attempts: 1, version: 3 });
  });

  it.each<[string, (record: PaymentRequest | undefined) => PaymentRequest | undefined]>([
    ['nothing is decided', () => undefined],
    ['it is to stay as it is', (record) => record],
  ])('is not written where %s', async (_, decide) => {
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

  it('is given up after others were faster forty times', async () => {
    let tries = 0;
    const store = new InMemoryPaymentRequestStore();
    store.save = () => {
      tries += 1;
      return Promise.resolve({ written: false, stored: recordWith({ version: tries }) });
    };
    const changing = changeRecord(store, key, undefined, (record) => ({
      next: looked(record ?? recordWith()),
      outcome: undefined,
    }));
    await expect(changing).rejects.toThrow(`shop-se/${key.paymentRequestId}: 40 write conflicts in a row`);
    expect(tries).toBe(40);
  });
});
