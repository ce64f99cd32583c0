import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { OpenPaymentRequests } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { dueShards } from './record-keys.ts';
import type { TableAccess } from './table-items.ts';

/** Entries that are counted in each partition: about 25 KB of keys, so the gauge never reads a whole index. */
export const countedPerShard = 250;

/** Counts the entries of the due index, which has one for each record with work to do. */
export class DynamoDbOpenPaymentRequests implements OpenPaymentRequests {
  readonly #options: TableAccess;

  constructor(options: TableAccess) {
    this.#options = options;
  }

  async countAtLeast(): Promise<number> {
    const counts = await Promise.all(dueShards.map((shard) => this.#countIn(shard)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #countIn(shard: string): Promise<number> {
    const { client, tableName } = this.#options;
    const { name, partitionKey } = tableSchema.dueIndex;
    const { Count: count = 0 } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: name,
        Select: 'COUNT',
        Limit: countedPerShard,
        KeyConditionExpression: '#shard = :shard',
        ExpressionAttributeNames: { '#shard': partitionKey },
        ExpressionAttributeValues: { ':shard': { S: shard } },
      }),
    );
    return count;
  }
}
