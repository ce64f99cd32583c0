import { paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { tableSchema } from '../../contract/table-schema.ts';
import type { Instant } from '../../domain/instant.ts';
import type { TableAccess } from './table-items.ts';

/** The partition keys of what is due by `now` in one shard of the index, the longest overdue first. */
export async function* duePartitionKeys(
  { client, tableName }: TableAccess,
  shard: string,
  now: Instant,
): AsyncGenerator<string, void> {
  const { name, partitionKey, sortKey } = tableSchema.dueIndex;
  const query = {
    TableName: tableName,
    IndexName: name,
    KeyConditionExpression: '#shard = :shard AND #after <= :now',
    ExpressionAttributeNames: { '#shard': partitionKey, '#after': sortKey },
    ExpressionAttributeValues: marshall({ ':shard': shard, ':now': now }),
  };
  for await (const { Items: items = [] } of paginateQuery({ client, pageSize: 100 }, query)) {
    for (const item of items) yield item[tableSchema.partitionKey]?.S ?? '';
  }
}
