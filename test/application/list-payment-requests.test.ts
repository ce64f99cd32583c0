import { beforeEach, describe, expect, it } from 'vitest';
import { type ListFilter, listPaymentRequests } from '../../functions/application/list-payment-requests.ts';
import type { Account, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { ListCursor } from '../../functions/domain/list-cursor.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { account, noon, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { afterNoon } from '../support/sessions.ts';

let store: InMemoryPaymentRequestStore;
let reads: number;

beforeEach(() => {
  store = new InMemoryPaymentRequestStore();
  reads = 0;
});

const states = [
  undefined,
  'SUBMITTED',
  'IN_PROGRESS',
  'COMPLETED',
  'CANCELED',
  'EXPIRED',
  'DECLINED',
] as const;

async function records(count: number, fields: (index: number) => Partial<PaymentRequest> = () => ({})) {
  for (let index = 0; index < count; index += 1) {
    const paymentRequestId = `krn:payment:eu1:request:${String(index).padStart(4, '0')}` as PaymentRequestId;
    const state: PaymentRequestState | undefined = states[index % states.length];
    await store.save(
      undefined,
      recordWith({ paymentRequestId, createdAt: plusMillis(noon, index), state, ...fields(index) }),
    );
  }
}

const list = (filter: ListFilter = {}, limit = 25, before?: ListCursor, of: Account = account) =>
  listPaymentRequests({
    list: store,
    store: {
      read: (key) => {
        reads += 1;
        return store.read(key);
      },
      save: (current, next) => store.save(current, next),
      observe: (key, observation) => store.observe(key, observation),
      noteStale: (...noted) => store.noteStale(...noted),
    },
  })(of, filter, before, limit);

async function everything(filter: ListFilter, limit: number) {
  const found: PaymentRequest[] = [];
  let before: ListCursor | undefined;
  for (let pages = 0; pages < 200; pages += 1) {
    const page = await list(filter, limit, before);
    found.push(...page.records);
    if (!page.next) return { found, pages: pages + 1 };
    before = page.next;
  }
  throw new Error('the list has no end');
}

describe('listPaymentRequests', () => {
  it('a list has the newest requests first and no next page after the last', async () => {
    await records(3);
    const { records: found, next } = await list();
    expect(found.map(({ paymentRequestId }) => paymentRequestId.slice(-4))).toEqual(['0002', '0001', '0000']);
    expect(next).toBeUndefined();
    expect(await list({}, 25, undefined, 'shop-no' as Account)).toEqual({ records: [], next: undefined });
  });

  it.each([1, 2, 7, 20, 21, 22, 100])(
    'a list of 21 requests in pages of %i contains each request once',
    async (limit) => {
      await records(21);
      const { found, pages } = await everything({}, limit);
      expect(new Set(found).size).toBe(21);
      expect(found).toEqual(found.toSorted((a, b) => (a.createdAt > b.createdAt ? -1 : 1)));
      expect(pages).toBe(Math.ceil(21 / limit));
      expect(reads).toBe(21);
    },
  );

  it.each<[ListFilter, readonly (PaymentRequestState | undefined)[]]>([
    [{ state: 'CANCELED' }, ['CANCELED']],
    [{ open: true }, [undefined, 'SUBMITTED', 'IN_PROGRESS']],
    [{ open: false }, ['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED']],
    [{ open: true, state: 'SUBMITTED' }, ['SUBMITTED']],
    [{ open: true, state: 'EXPIRED' }, []],
  ])('the filter %j lists exactly the states %j', async (filter, expected) => {
    await records(28);
    const { found } = await everything(filter, 3);
    expect(found).toHaveLength(expected.length * 4);
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(expected));
  });

  it('the filter by deadline lists only requests with an earlier deadline', async () => {
    await records(40, (index) => (index % 4 === 0 ? {} : { deadlineAt: afterNoon(index) }));
    const { found } = await everything({ dueBefore: afterNoon(10) }, 5);
    expect(found.map(({ deadlineAt }) => deadlineAt)).toEqual([9, 7, 6, 5, 3, 2, 1].map(afterNoon));
  });

  it('the filter by attention lists only requests with that attention', async () => {
    await records(20, (index) => (index % 5 === 0 ? { attention: 'contradiction' } : {}));
    await records(4, (index) => ({
      paymentRequestId: `krn:payment:eu1:request:x${index}` as PaymentRequestId,
    }));
    const { found } = await everything({ attention: 'contradiction' }, 3);
    expect(found.map(({ attention }) => attention)).toEqual(Array.from({ length: 4 }, () => 'contradiction'));
    expect((await everything({ attention: 'klarna_denied' }, 3)).found).toEqual([]);
    expect((await everything({}, 3)).found).toHaveLength(24);
  });

  it('a page that reads the last record has no next page, even if the filter removes some records', async () => {
    await records(25, (index) => (index === 0 ? {} : { deadlineAt: afterNoon(index) }));
    let asked = 0;
    const counted = {
      listed: (...question: Parameters<typeof store.listed>) => {
        asked += 1;
        return store.listed(...question);
      },
    };
    const page = await listPaymentRequests({ list: counted, store })(
      account,
      { dueBefore: afterNoon(60) },
      undefined,
      25,
    );
    expect([page.records.length, page.next, asked]).toEqual([24, undefined, 1]);
  });

  it('a page that finds no match in 300 records is returned empty, with a cursor to continue', async () => {
    await records(1000, (index) => ({ deadlineAt: afterNoon(index) }));
    const first = await list({ dueBefore: afterNoon(1) }, 25);
    expect(first.records).toEqual([]);
    expect(first.next).toBeDefined();
    expect(reads).toBe(300);
    expect((await everything({ dueBefore: afterNoon(1) }, 25)).found).toHaveLength(1);
  });

  it('a request that has left the listed state since the index was written is not shown', async () => {
    await records(1, () => ({ state: 'SUBMITTED' }));
    const listed = await store.listed(account, ['SUBMITTED'], undefined, 10);
    const [record] = store.records.values();
    if (!record) throw new Error('there is no record');
    await store.save(record, { ...record, state: 'CANCELED', version: 2 });
    const stale = { listed: () => Promise.resolve(listed) };
    const page = await listPaymentRequests({ list: stale, store })(
      account,
      { state: 'SUBMITTED' },
      undefined,
      10,
    );
    expect(page).toEqual({ records: [], next: undefined });
  });
});
