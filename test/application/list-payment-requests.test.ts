import { beforeEach, describe, expect, it } from 'vitest';
import {
  type ListFilter,
  listPaymentRequests,
  selectionOf,
} from '../../functions/application/list-payment-requests.ts';
import type { OnUnreadable } from '../../functions/application/ports.ts';
import type {
  Account,
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { ListCursor } from '../../functions/domain/list-cursor.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { UnreadableRecordError } from '../../functions/domain/unreadable-record-error.ts';
import { account, noon, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { afterNoon } from '../support/sessions.ts';

let store: InMemoryPaymentRequestStore;
/** How many records each read of many asked for. */
let batches: number[];
let queries: number;

const readsOf = (): number => batches.reduce((sum, batch) => sum + batch, 0);

beforeEach(() => {
  store = new InMemoryPaymentRequestStore();
  batches = [];
  queries = 0;
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

let unreadable: UnreadableRecordError[] = [];
const onUnreadable = (error: UnreadableRecordError): void => void unreadable.push(error);

const list = (filter: ListFilter = {}, limit = 25, before?: ListCursor, of: Account = account) =>
  listPaymentRequests({
    list: {
      listed: (...asked) => {
        queries += 1;
        return store.listed(...asked);
      },
    },
    store: {
      readAll: (keys) => {
        batches.push(keys.length);
        return store.readAll(keys);
      },
    },
    onUnreadable,
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

const cart = 'cart-1' as SessionId;

describe('listPaymentRequests', () => {
  it('a page is one query and one read of its records', async () => {
    await records(60, () => ({ state: 'SUBMITTED' }));
    const { records: found, next } = await list({}, 25);
    expect([found.length, queries, batches]).toEqual([25, 1, [25]]);
    expect(next).toBeDefined();
  });

  it.each<[ListFilter, ReturnType<typeof selectionOf>]>([
    [{}, { by: 'open', account }],
    [
      { open: true, state: 'SUBMITTED', dueBefore: noon },
      { by: 'open', account },
    ],
    [{ attention: 'contradiction' }, { by: 'attention', account }],
    [
      { reference: 'order 17', attention: 'contradiction' },
      { by: 'reference', account, reference: 'order 17' },
    ],
    [
      { sessionId: cart, reference: 'order 17', attention: 'contradiction' },
      { by: 'session', account, sessionId: cart },
    ],
  ])('the filter %j reads the index %j', (filter, selection) => {
    expect(selectionOf(account, filter)).toEqual(selection);
  });

  it('a list has the newest requests first and no next page after the last', async () => {
    await records(3, () => ({ state: 'SUBMITTED' }));
    const { records: found, next } = await list();
    expect(found.map(({ paymentRequestId }) => paymentRequestId.slice(-4))).toEqual(['0002', '0001', '0000']);
    expect(next).toBeUndefined();
    expect(await list({}, 25, undefined, 'shop-no' as Account)).toEqual({ records: [], next: undefined });
  });

  it.each([1, 2, 7, 20, 21, 22, 100])(
    'a list of 21 requests in pages of %i contains each request once',
    async (limit) => {
      await records(21, () => ({ state: 'IN_PROGRESS' }));
      const { found, pages } = await everything({}, limit);
      expect(new Set(found).size).toBe(21);
      expect(found).toEqual(found.toSorted((a, b) => (a.createdAt > b.createdAt ? -1 : 1)));
      expect(pages).toBe(Math.ceil(21 / limit));
      expect(readsOf()).toBe(21);
      expect([queries, batches.length]).toEqual([pages, pages]);
    },
  );

  it.each<[ListFilter, readonly (PaymentRequestState | undefined)[]]>([
    [{}, [undefined, 'SUBMITTED', 'IN_PROGRESS']],
    [{ open: true }, [undefined, 'SUBMITTED', 'IN_PROGRESS']],
    [{ open: true, state: 'SUBMITTED' }, ['SUBMITTED']],
    [{ open: true, state: 'EXPIRED' }, []],
    [{ sessionId: cart }, states],
    [{ reference: 'order 17' }, states],
    [{ attention: 'contradiction' }, states],
    [{ sessionId: cart, state: 'CANCELED' }, ['CANCELED']],
    [{ reference: 'order 17', open: false }, ['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED']],
    [{ attention: 'contradiction', open: true }, [undefined, 'SUBMITTED', 'IN_PROGRESS']],
  ])('the filter %j lists exactly the states %j', async (filter, expected) => {
    await records(28, () => ({ sessionId: cart, reference: 'order 17', attention: 'contradiction' }));
    const { found } = await everything(filter, 3);
    expect(found).toHaveLength(expected.length * 4);
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(expected));
  });

  it('the filter by deadline lists only requests with an earlier deadline', async () => {
    const state = 'SUBMITTED';
    await records(40, (index) => (index % 4 === 0 ? { state } : { state, deadlineAt: afterNoon(index) }));
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
    expect((await everything({ sessionId: cart }, 3)).found).toEqual([]);
  });

  it('filters of which only one has an index are all applied', async () => {
    await records(40, (index) => ({
      sessionId: index % 2 === 0 ? cart : ('cart-2' as SessionId),
      reference: index % 3 === 0 ? 'order 17' : 'order 18',
      attention: index % 5 === 0 ? 'contradiction' : 'not_found',
    }));
    const all = { sessionId: cart, reference: 'order 17', attention: 'contradiction' } as const;
    const { found } = await everything(all, 3);
    expect(found.map(({ paymentRequestId }) => Number(paymentRequestId.slice(-2)))).toEqual([30, 0]);
  });

  it('a page that reads the last record has no next page, even if the filter removes some records', async () => {
    const state = 'SUBMITTED';
    await records(25, (index) => (index === 0 ? { state } : { state, deadlineAt: afterNoon(index) }));
    const page = await list({ dueBefore: afterNoon(60) }, 25);
    expect([page.records.length, page.next, queries]).toEqual([24, undefined, 1]);
  });

  it('a page that finds no match in 300 records is returned empty, with a cursor to continue', async () => {
    await records(1000, (index) => ({ state: 'SUBMITTED', deadlineAt: afterNoon(index) }));
    const first = await list({ dueBefore: afterNoon(1) }, 25);
    expect(first.records).toEqual([]);
    expect(first.next).toBeDefined();
    expect(readsOf()).toBe(300);
    expect((await everything({ dueBefore: afterNoon(1) }, 25)).found).toHaveLength(1);
  });

  it.each<[string, ListFilter, Partial<PaymentRequest>]>([
    ['ended', {}, { state: 'CANCELED' }],
    ['joined another session', { sessionId: cart }, { sessionId: 'cart-2' as SessionId }],
    ['got another reference', { reference: 'order 17' }, { reference: 'order 18' }],
    ['needs no person any more', { attention: 'not_found' }, { attention: undefined }],
  ])('a request that has %s since the index was written is not shown', async (_, filter, change) => {
    const before = {
      state: 'SUBMITTED',
      sessionId: cart,
      reference: 'order 17',
      attention: 'not_found',
    } as const;
    await records(1, () => before);
    const listed = await store.listed(selectionOf(account, filter), undefined, 10);
    expect(listed).toHaveLength(1);
    const [record] = store.records.values();
    if (!record) throw new Error('there is no record');
    await store.save(record, { ...record, ...change, version: 2 });
    const stale = { listed: () => Promise.resolve(listed) };
    const page = await listPaymentRequests({ list: stale, store, onUnreadable })(
      account,
      filter,
      undefined,
      10,
    );
    expect(page).toEqual({ records: [], next: undefined });
  });

  it('a request that was deleted since the index was written is not shown, and the page goes on after it', async () => {
    await records(5, () => ({ state: 'SUBMITTED' }));
    const listed = await store.listed({ by: 'open', account }, undefined, 10);
    const [, second] = [...store.records.keys()];
    store.records.delete(second ?? '');
    const stale = { listed: () => Promise.resolve(listed) };
    const page = await listPaymentRequests({ list: stale, store, onUnreadable })(account, {}, undefined, 10);
    expect([page.records.length, page.next]).toEqual([4, undefined]);
  });

  it('a record that cannot be read is reported and not shown, and the page goes on after it', async () => {
    await records(5, () => ({ state: 'SUBMITTED' }));
    unreadable = [];
    const [poisoned] = await store.listed({ by: 'open', account }, undefined, 1);
    if (!poisoned) throw new Error('there is no record');
    const reading = {
      readAll: async (keys: readonly PaymentRequestKey[], report?: OnUnreadable) => {
        report?.(new UnreadableRecordError(poisoned, ['v']));
        const read = await store.readAll(keys);
        return read.filter(({ paymentRequestId }) => paymentRequestId !== poisoned.paymentRequestId);
      },
    };
    const page = await listPaymentRequests({ list: store, store: reading, onUnreadable })(
      account,
      {},
      undefined,
      10,
    );
    expect([page.records.length, page.next, unreadable.length]).toEqual([4, undefined, 1]);
  });

  it('requests that need a person are listed by the time since when they do', async () => {
    await records(3, (index) => ({ attention: 'contradiction', attentionSince: afterNoon(10 - index) }));
    const { found } = await everything({ attention: 'contradiction' }, 1);
    expect(found.map(({ attentionSince }) => attentionSince)).toEqual([10, 9, 8].map(afterNoon));
  });
});
