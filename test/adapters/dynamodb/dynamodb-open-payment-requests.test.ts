import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it } from 'vitest';
import {
  countedPerShard,
  DynamoDbOpenPaymentRequests,
} from '../../../functions/adapters/dynamodb/dynamodb-open-payment-requests.ts';
import { tableSchema } from '../../../functions/contract/table-schema.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const { partitionKey, dueIndex } = tableSchema;
const open = new DynamoDbOpenPaymentRequests(table);

/** Stores items that are due at the same time, in one partition of the index. */
const store = (shard: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      table.client.send(
        new PutItemCommand({
          TableName: table.tableName,
          Item: {
            [partitionKey]: { S: `${shard}-${index}` },
            [dueIndex.partitionKey]: { S: shard },
            [dueIndex.sortKey]: { S: '2026-03-01T12:00:00Z' },
          },
        }),
      ),
    ),
  );

it('open requests are counted over all partitions, and cancel jobs are not', async () => {
  expect(await open.countAtLeast()).toBe(0);
  await store('DUE#0', 2);
  await store('DUE#7', 1);
  await store('DUE#JOBS', 5);
  expect(await open.countAtLeast()).toBe(3);
});

it('a partition counts up to its bound, so that no gauge reads a whole index', async () => {
  await store('DUE#3', countedPerShard + 10);
  expect(await open.countAtLeast()).toBe(3 + countedPerShard);
});
