import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbAwaitedReferences } from '../../../functions/adapters/dynamodb/dynamodb-awaited-references.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import type { AwaitedReference } from '../../../functions/domain/awaited-reference.ts';
import type { Account, Reference, SessionId } from '../../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../../functions/domain/payment-request.ts';
import { storedRoutes } from '../../../local/dynamodb/stored-routes.ts';
import { StoredReferences } from '../../../local/dynamodb/stored-references.ts';
import { type SessionSelection, StoredSessions } from '../../../local/dynamodb/stored-sessions.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { account, at, recordWith, versioned } from '../../support/fixtures.ts';

const idOf = (number: number) => `krn:payment:eu1:request:${number}` as PaymentRequest['paymentRequestId'];

const awaitedWith = (reference: string, change: Partial<AwaitedReference>): AwaitedReference => ({
  account,
  reference: reference as Reference,
  status: 'waiting',
  since: at('2026-03-01T12:00:00Z'),
  cancel: { requestedBy: 'shop', requestedAt: at('2026-03-01T12:00:00Z') },
  attempts: 0,
  version: 1,
  updatedAt: at('2026-03-01T12:00:00Z'),
  ...change,
});

describe('the sessions of a table', () => {
  let table: Awaited<ReturnType<typeof openEmbeddedTable>>;

  beforeAll(async () => {
    table = await openEmbeddedTable();
    const store = new DynamoDbPaymentRequestStore({ ...table, retentionDays: 30 });
    const records: readonly Partial<PaymentRequest>[] = [
      { state: 'CANCELED', sessionId: 'cart-1' as SessionId, reference: 'Order-1' },
      { state: 'COMPLETED', sessionId: 'cart-1' as SessionId, reference: 'Order-1' },
      { state: 'SUBMITTED', reference: 'order-2' },
      { state: 'EXPIRED', reference: 'order-3' },
      { state: 'SUBMITTED', reference: 'order-4', account: 'other' as PaymentRequest['account'] },
    ];
    for (const [number, fields] of records.entries()) {
      const createdAt = at(`2026-03-01T12:0${number}:00Z`);
      await store.save(
        undefined,
        versioned(recordWith({ ...fields, paymentRequestId: idOf(number), createdAt })),
      );
    }
  });
  afterAll(() => table.close());

  async function listed(selection: Partial<SessionSelection> = {}) {
    const sessions = new StoredSessions(table.client, table.tableName);
    const { records, more } = await sessions.newest({
      ...{ account, status: undefined, search: '', limit: 50 },
      ...selection,
    });
    return { ids: records.map(({ paymentRequestId }) => paymentRequestId), more };
  }

  it.each([
    ['every session of the account, newest first', {}, [3, 2, 1, 0]],
    ['open sessions', { status: 'open' }, [2]],
    ['a paid session with all its requests', { status: 'paid' }, [1, 0]],
    ['ended sessions', { status: 'ended' }, [3]],
    ['a session by a part of its reference, in any case', { search: 'ORDER-1' }, [1, 0]],
    ['a session by its own id', { search: 'cart-1' }, [1, 0]],
    ['a session by the id of one of its requests', { search: 'request:0' }, [1, 0]],
    ['no session of another account', { search: 'order-4' }, []],
  ] as const)('a list shows %s', async (_, selection, expected) => {
    expect(await listed(selection)).toEqual({ ids: expected.map(idOf), more: false });
  });

  it('references that wait are found by a part of their name, and others by all of it', async () => {
    const awaited = new DynamoDbAwaitedReferences({ ...table, retentionDays: 30 });
    await awaited.save(awaitedWith('Order-10', { dueAt: at('2026-03-01T12:20:00Z') }));
    await awaited.save(awaitedWith('Order-11', { status: 'never_seen' }));
    const stored = new StoredReferences(table.client, table.tableName);
    const found = async (search: string, of = account) =>
      (await stored.matching(of, search)).map(({ reference, status }) => `${reference} ${status}`);
    expect(await found('')).toEqual(['Order-10 waiting']);
    expect(await found('ORDER-1')).toEqual(['Order-10 waiting']);
    expect(await found('Order-11')).toEqual(['Order-11 never_seen']);
    expect(await found('Order-10', 'other' as Account)).toEqual([]);
  });

  it('a list ends after its limit of sessions, and says that there are more', async () => {
    expect(await listed({ limit: 1 })).toEqual({ ids: [idOf(3)], more: true });
    expect(await listed({ limit: 3 })).toMatchObject({ more: false });
  });
});

it('GET /references without an account is refused', async () => {
  using routes = storedRoutes('http://127.0.0.1:1', 'lapse');
  expect(await routes('/references', new URLSearchParams())).toMatchObject({ status: 400 });
});

it.each([
  ['', 'account is null; allowed: 1 to 32 of a-z, 0-9 and -.'],
  ['account=A_B', 'account is "A_B"; allowed: 1 to 32 of a-z, 0-9 and -.'],
  ['account=demo&status=late', 'status is "late"; allowed: open, paid, ended.'],
])('GET /sessions?%s is refused with what is allowed', async (query, error) => {
  using routes = storedRoutes('http://127.0.0.1:1', 'lapse');
  const response = await routes('/sessions', new URLSearchParams(query));
  expect(response).toEqual({ status: 400, body: { error } });
});
