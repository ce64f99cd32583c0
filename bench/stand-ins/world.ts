import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import type { EventId, PaymentRequestId, SessionId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { account, at, recordWith } from '../../test/support/fixtures.ts';
import { signingKeyId, subject } from '../../test/support/klarna-deliveries.ts';
import { itemOf } from '../../test/support/lambda-events.ts';
import { planted } from '../../test/support/planted-secrets.ts';
import { anyKey, type Entry, type World } from './responses.ts';

export const requestId = (digit: string, end = ''): PaymentRequestId =>
  `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-${end.padStart(12, digit)}` as PaymentRequestId;
export const open = requestId('1');
/** The delivery was seen before, so every condition fails. */
export const repeated = requestId('2');

/** A webhook has told of it, and no caller has registered it. */
export const announced = requestId('6');
/** The customer has paid. */
export const paid = requestId('4');

/** A table of Powertools' idempotency in which everything is done already. */
export const seenTable = 'idempotency-seen';

/** The records of one page of a list. */
export const pageSize = 25;

/** A session that is open and registered. */
export const registered = (paymentRequestId: PaymentRequestId): PaymentRequest => ({
  ...recordWith({
    sessionId: 'cart-1' as SessionId,
    reference: 'order-1',
    state: 'SUBMITTED',
    occurredAt: at('2026-03-01T12:00:00Z'),
    session: {
      registeredAt: at('2026-03-01T12:00:00Z'),
      requested: 'PT30M',
      onTimeout: 'cancel',
      extensions: 0,
    },
    deadlineAt: at('2026-03-01T12:30:00Z'),
    timer: 'armed',
    history: [
      {
        eventId: 'register:1' as EventId,
        kind: 'register',
        effect: 'accepted',
        recordedAt: at('2026-03-01T12:00:00Z'),
        detail: {},
      },
    ],
  }),
  paymentRequestId,
});

/** The same session, as the write of its registration leaves it: with the event of that write. */
export const justRegistered = (paymentRequestId: PaymentRequestId): PaymentRequest => ({
  ...registered(paymentRequestId),
  sequence: 2,
  changes: [
    {
      kind: 'registered',
      eventId: 'register:1' as EventId,
      state: 'SUBMITTED',
      previousState: undefined,
      occurredAt: undefined,
      recordedAt: at('2026-03-01T12:00:00Z'),
    },
  ],
});

/** The id of the delivery with this number. */
export const uuid = (call: number): string => `62bb5d9f-33d3-43d0-9d84-${String(call).padStart(12, '0')}`;

/** The delivery that arrives a second time. */
const seen: PaymentRequest['history'][number] = {
  eventId: uuid(0) as EventId,
  kind: 'webhook',
  effect: 'applied',
  recordedAt: at('2026-03-01T12:01:00Z'),
  detail: {},
};

/** The index that a list of open requests queries. */
const listIndex = tableSchema.openIndex;

/** What an index of keys holds of an item. */
const entryOf = (item: Readonly<Record<string, AttributeValue>>): Entry =>
  Object.fromEntries(
    [tableSchema.partitionKey, listIndex.partitionKey, listIndex.sortKey].map((name) => [
      name,
      { S: item[name]?.S ?? '' },
    ]),
  );

/** The records of Lapse. */
function ourItems(): readonly Item[] {
  const opened = { ...recordWith({ state: 'SUBMITTED', occurredAt: at('2026-03-01T12:00:00Z') }) };
  const records = [
    registered(open),
    { ...registered(repeated), history: [seen] },
    { ...opened, paymentRequestId: announced },
    ...listedIds.map(registered),
  ];
  return records.map(itemOf);
}

type Item = Readonly<Record<string, AttributeValue>>;

const listedIds = Array.from({ length: pageSize }, (_, index) => requestId('5', String(index)));

const partitionOf = (item: Item): string => item[tableSchema.partitionKey]?.S ?? '';

const typicalItem = (id: string): Item => ({
  PK: { S: `${account}#${id}` },
  state: { S: 'SUBMITTED' },
  session_id: { S: 'cart-1' },
  occurred_at: { S: '2026-03-01T12:00:00Z' },
});

const leanItem = (id: string): Item => ({
  ...typicalItem(id),
  reference: { S: 'order-1' },
  deadline_at: { S: '2026-03-01T12:30:00Z' },
  ...(id === paid && { state: { S: 'COMPLETED' } }),
});

/** Powertools' record of a delivery that came before. */
const seenItem: Item = {
  id: { S: 'typical-webhook#seen' },
  status: { S: 'COMPLETED' },
  expiration: { N: '4070908800' },
  data: { M: { statusCode: { N: '200' }, body: { S: '{"received":true}' } } },
};

const byPartition = (items: readonly Item[]): Readonly<Record<string, Item>> =>
  Object.fromEntries(items.map((item) => [partitionOf(item), item]));

/** The data of the stand-ins, under the names that the functions use. */
export function worldOf(
  cancel: Readonly<Record<string, string>>,
  webhook: Readonly<Record<string, string>>,
): World {
  const accounts = {
    [account]: { environment: 'test', api_key: planted.apiKey, partner_account_id: subject },
  };
  const signingKeys = { [signingKeyId]: { key: planted.signingKey, accounts: { [subject]: account } } };
  const items = ourItems();
  const isOf = (id: PaymentRequestId, key: string): boolean => key.endsWith(`#${id}`);
  return {
    tables: {
      [cancel['TABLE_NAME'] ?? '']: byPartition(items),
      typical: byPartition([open, repeated].map(typicalItem)),
      lean: byPartition([open, repeated, paid].map(leanItem)),
      [seenTable]: { [anyKey]: seenItem },
    },
    secrets: {
      [cancel['ACCOUNTS_SECRET_ID'] ?? '']: accounts,
      [webhook['SIGNING_KEYS_SECRET_ID'] ?? '']: signingKeys,
      'typical/accounts': accounts,
      'typical/signing-keys': signingKeys,
    },
    indexes: {
      [listIndex.name]: items
        .filter((item) => listedIds.some((id) => isOf(id, partitionOf(item))))
        .map(entryOf),
    },
    seen: (table, key, condition) =>
      table === seenTable ||
      (table !== 'typical' && isOf(repeated, key)) ||
      // A write that only a new record takes fails.
      (isOf(announced, key) && /^attribute_not_exists\([^()]*\)$/.test(condition)),
  };
}
