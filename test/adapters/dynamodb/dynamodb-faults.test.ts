import {
  ConditionalCheckFailedException,
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  InternalServerError,
  ProvisionedThroughputExceededException,
  QueryCommand,
  RequestLimitExceeded,
  ResourceNotFoundException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbQuarantine } from '../../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import { partitionKeyOf } from '../../../functions/adapters/dynamodb/record-keys.ts';
import { toItem } from '../../../functions/adapters/dynamodb/stored-payment-request.ts';
import type {
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../../functions/domain/identifiers.ts';
import { UnreadableRecordError } from '../../../functions/domain/unreadable-record-error.ts';
import { TransientError } from '../../../functions/domain/transient-error.ts';
import { key, noon, observed, recordWith } from '../../support/fixtures.ts';

const client = new DynamoDBClient({ region: 'eu-north-1' });
const dynamodb = mockClient(client);
const table = { client, tableName: 'lapse', retentionDays: 30 };
const store = new DynamoDbPaymentRequestStore(table);
const metadata = { $metadata: {}, message: 'no' };

beforeEach(() => {
  dynamodb.reset();
});

describe.each<[string, Error]>([
  ['throttles', new ProvisionedThroughputExceededException(metadata)],
  ['is over its limit', new RequestLimitExceeded(metadata)],
  ['fails', new InternalServerError(metadata)],
  ['does not know the table', new ResourceNotFoundException(metadata)],
  [
    'runs a transaction on the item',
    Object.assign(new Error('no'), { name: 'TransactionConflictException' }),
  ],
  ['does not respond in time', Object.assign(new Error('no'), { name: 'TimeoutError' })],
])('when DynamoDB %s', (_, fault) => {
  const acts: Readonly<Record<string, () => Promise<unknown>>> = {
    read: () => store.read(key),
    observe: () => store.observe(key, observed('SUBMITTED')),
    save: () => store.save(undefined, recordWith()),
    due: async () => {
      for await (const each of store.due(noon)) expect(each).toBeDefined();
    },
    ofSession: async () => {
      for await (const each of store.ofSession(key.account, 's' as SessionId)) expect(each).toBeDefined();
    },
    readAll: () => store.readAll([key]),
    noteStale: () => store.noteStale(key, observed('SUBMITTED'), { against: undefined, at: noon }),
    listed: () => store.listed({ by: 'open', account: key.account }, undefined, 10),
    quarantine: () =>
      new DynamoDbQuarantine(table).keep({
        signingKeyId: 'k',
        deliveryId: 'd',
        reason: 'malformed',
        receivedAt: noon,
        bodySha256: 'ab',
        facts: {},
      }),
  };

  it.each(Object.keys(acts))('%s throws the error of DynamoDB', async (act) => {
    dynamodb.rejects(fault);
    await expect(acts[act]?.()).rejects.toBe(fault);
  });
});

describe('a write to DynamoDB', () => {
  it('a write is one conditional call that asks for the stored item', async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    await store.observe(key, observed('SUBMITTED'));
    await store.save(undefined, recordWith());
    expect(dynamodb.calls()).toHaveLength(2);
    for (const call of dynamodb.commandCalls(UpdateItemCommand)) {
      expect(call.args[0].input).toMatchObject({
        TableName: 'lapse',
        Key: { PK: { S: `A#shop-se#P#${key.paymentRequestId}` } },
        ConditionExpression: expect.stringContaining('attribute_not_exists') as string,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    }
  });

  it('a refused write returns the stored item without a second call', async () => {
    const stored = recordWith({ reference: 'order 17' });
    const older = { against: undefined, at: noon };
    const Item = marshall(toItem(stored, 30), { removeUndefinedValues: true });
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ ...metadata, Item }));
    expect(await store.save(stored, recordWith({ version: 2 }))).toEqual({ written: false, stored });
    expect(await store.observe(key, observed('SUBMITTED'))).toEqual({ written: false, stored });
    expect(await store.noteStale(key, observed('SUBMITTED'), older)).toEqual({ written: false, stored });
    expect(dynamodb.calls()).toHaveLength(3);
  });

  it('a refused write returns no item when the item is gone', async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException(metadata));
    expect(await store.save(recordWith(), recordWith({ version: 2 }))).toEqual({
      written: false,
      stored: undefined,
    });
  });

  it('a write passes names and values by reference', async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    const nasty = 'x = :y, #0 REMOVE state';
    await store.save(undefined, recordWith({ reference: nasty }));
    const { input } = dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0] ?? {};
    expect(input?.UpdateExpression).toMatch(/^SET #\d+ = :\d+(, #\d+ = :\d+)*( REMOVE #\d+(, #\d+)*)?$/);
    expect(Object.values(input?.ExpressionAttributeValues ?? {})).toContainEqual({ S: `shop-se#${nasty}` });
  });
});

it('a save lets earlier requests of the same tick go out first', async () => {
  const sent: string[] = [];
  dynamodb.on(UpdateItemCommand).callsFake(() => sent.push('save'));
  // Node's HTTP client writes a request to an open connection on the next tick.
  process.nextTick(() => sent.push('earlier request'));
  await store.save(undefined, recordWith());
  expect(sent).toEqual(['earlier request', 'save']);
});

it('a read is strongly consistent', async () => {
  dynamodb.on(GetItemCommand).resolves({});
  await store.read(key);
  expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input.ConsistentRead).toBe(true);
});

describe('the query for due records', () => {
  const page = (...ids: readonly string[]) => ({
    Items: ids.map((id) => ({ PK: { S: `A#shop-se#P#krn:payment:eu1:request:${id}` } })),
  });

  it('due reads the index page by page, only as far as the caller asks', async () => {
    const next = { PK: { S: 'next' } };
    dynamodb.on(QueryCommand).resolves({});
    dynamodb
      .on(QueryCommand, { ExpressionAttributeValues: { ':shard': { S: 'DUE#0' }, ':now': { S: noon } } })
      .resolvesOnce({ ...page('1', '2'), LastEvaluatedKey: next })
      .resolvesOnce({ ...page('3'), LastEvaluatedKey: next })
      .resolves(page('4'));
    const found: string[] = [];
    for await (const each of store.due(noon)) {
      found.push(each.paymentRequestId.slice(-1));
      if (found.length === 3) break;
    }
    expect(found).toEqual(['1', '2', '3']);
    expect(dynamodb.commandCalls(QueryCommand)).toHaveLength(8 + 1);
  });

  it('due takes from the shards in turn', async () => {
    dynamodb
      .on(QueryCommand)
      .callsFake((input: { ExpressionAttributeValues: Record<string, { S: string }> }) => {
        const shard = input.ExpressionAttributeValues[':shard']?.S.slice(-1) ?? '';
        return page(`${shard}a`, `${shard}b`);
      });
    const found: string[] = [];
    for await (const each of store.due(noon)) found.push(each.paymentRequestId.slice(-2));
    expect(found.slice(0, 8).toSorted()).toEqual(['0a', '1a', '2a', '3a', '4a', '5a', '6a', '7a']);
    expect(found).toHaveLength(16);
  });

  it('due leaves out items that are not Payment Requests', async () => {
    dynamodb.on(QueryCommand).resolves({ Items: [{ PK: { S: 'Q#key#event' } }, {}] });
    const found: unknown[] = [];
    for await (const each of store.due(noon)) found.push(each);
    expect(found).toEqual([]);
  });
});

describe('a read of many records', () => {
  const keys = Array.from({ length: 3 }, (_, id) => ({
    ...key,
    paymentRequestId: `krn:payment:eu1:request:${id}` as PaymentRequestId,
  }));
  const itemsOf = (...of: readonly PaymentRequestKey[]) =>
    of.map((each) => marshall(toItem(recordWith(each), 30), { removeUndefinedValues: true }));
  const undone = (...of: readonly PaymentRequestKey[]) => ({
    lapse: { Keys: of.map((each) => ({ PK: { S: partitionKeyOf(each) } })) },
  });
  const asked = () =>
    dynamodb
      .commandCalls(BatchGetItemCommand)
      .map((call) => call.args[0].input.RequestItems?.['lapse']?.Keys?.length);

  it('readAll asks once, strongly consistent, and sorts what comes in any order', async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: itemsOf(...keys.toReversed()) } });
    const found = await store.readAll(keys);
    expect(found.map(({ paymentRequestId }) => paymentRequestId)).toEqual(
      keys.map(({ paymentRequestId }) => paymentRequestId),
    );
    const [call] = dynamodb.commandCalls(BatchGetItemCommand);
    expect(call?.args[0].input.RequestItems?.['lapse']?.ConsistentRead).toBe(true);
  });

  it('readAll asks again for what DynamoDB leaves undone', async () => {
    const [first, ...others] = keys;
    dynamodb
      .on(BatchGetItemCommand)
      .resolvesOnce({ Responses: { lapse: first ? itemsOf(first) : [] }, UnprocessedKeys: undone(...others) })
      .resolves({ Responses: { lapse: itemsOf(...others) } });
    expect(await store.readAll(keys)).toHaveLength(3);
    expect(asked()).toEqual([3, 2]);
  });

  it('readAll fails as transient when DynamoDB does nothing for five rounds', async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ UnprocessedKeys: undone(...keys) });
    await expect(store.readAll(keys)).rejects.toThrow(new TransientError('DynamoDB left 3 reads undone'));
    expect(asked()).toEqual([3, 3, 3, 3, 3]);
  });
});

describe('a record that cannot be trusted', () => {
  const Item = marshall({ ...toItem(recordWith(), 30), v: 'secret-value' }, { removeUndefinedValues: true });

  it.each<[string, () => Promise<unknown>]>([
    ['a read', () => store.read(key)],
    ['a read of many', () => store.readAll([key])],
    ['a refused write', () => store.observe(key, observed('SUBMITTED'))],
  ])('%s of it throws, and tells the record and the attribute without its value', async (_, act) => {
    dynamodb.on(GetItemCommand).resolves({ Item });
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: [Item] } });
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ ...metadata, Item }));
    await expect(act()).rejects.toThrow(new UnreadableRecordError(key, ['v']));
    await expect(act()).rejects.not.toThrow('secret-value');
  });

  it('a read of many reports it and returns the others', async () => {
    const other = { ...key, paymentRequestId: 'krn:payment:eu1:request:2' as PaymentRequestId };
    const good = marshall(toItem(recordWith(other), 30), { removeUndefinedValues: true });
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: [Item, good] } });
    const reported: unknown[] = [];
    const found = await store.readAll([key, other], (error) => reported.push(error));
    expect(found.map(({ paymentRequestId }) => paymentRequestId)).toEqual([other.paymentRequestId]);
    expect(reported).toEqual([new UnreadableRecordError(key, ['v'])]);
  });

  it('a read of many throws a fault that is not of the record', async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: [{ PK: { X: 1 } as never }] } });
    const reported: unknown[] = [];
    await expect(store.readAll([key], (error) => reported.push(error))).rejects.toThrow();
    expect(reported).toEqual([]);
  });
});
