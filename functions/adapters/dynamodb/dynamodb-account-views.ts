import { QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { AccountViews, IndexedKeys } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { attentionShards, dueShards, keyOfPartition } from './record-keys.ts';
import type { TableAccess } from './table-items.ts';

/** Keys that are read of each partition at most: about half a megabyte, 64 read units. */
const mostOfPartition = 5_000;

/** The partition of the open index that holds the quarantine. */
const quarantine = 'QUARANTINE';

interface Index {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

/** What is open, late or wrong over all accounts, from the indexes that do not begin with an account. */
export class DynamoDbAccountViews implements AccountViews {
  readonly #table: TableAccess;

  constructor(table: TableAccess) {
    this.#table = table;
  }

  due(): Promise<IndexedKeys> {
    return this.#keysIn(tableSchema.dueIndex, dueShards);
  }

  attention(): Promise<IndexedKeys> {
    return this.#keysIn(tableSchema.attentionIndex, attentionShards);
  }

  async quarantined(): Promise<{ readonly count: number; readonly isWhole: boolean }> {
    const { client } = this.#table;
    const { Count: count = 0, LastEvaluatedKey: next } = await client.send(
      new QueryCommand({ ...this.#partitionOf(tableSchema.openIndex, quarantine), Select: 'COUNT' }),
    );
    return { count, isWhole: next === undefined };
  }

  async #keysIn(index: Index, partitions: readonly string[]): Promise<IndexedKeys> {
    const found = await Promise.all(partitions.map((partition) => this.#keysOf(index, partition)));
    return {
      keys: found.flatMap(({ keys }) => keys).toSorted((a, b) => (a.at < b.at ? -1 : 1)),
      isWhole: found.every(({ isWhole }) => isWhole),
    };
  }

  async #keysOf(index: Index, partition: string): Promise<IndexedKeys> {
    const keys: IndexedKeys['keys'][number][] = [];
    let next: QueryCommandInput['ExclusiveStartKey'];
    let read = 0;
    do {
      const page = await this.#table.client.send(
        new QueryCommand({
          ...this.#partitionOf(index, partition),
          Limit: mostOfPartition - read,
          ExclusiveStartKey: next,
        }),
      );
      for (const item of page.Items ?? []) {
        const key = keyOfPartition(item[tableSchema.partitionKey]?.S ?? '');
        // The time is what the sort key begins with.
        const [at = ''] = (item[index.sortKey]?.S ?? '').split('#');
        if (key) keys.push({ ...key, at });
      }
      read += page.Count ?? 0;
      next = page.LastEvaluatedKey;
    } while (next !== undefined && read < mostOfPartition);
    return { keys, isWhole: next === undefined };
  }

  #partitionOf({ name, partitionKey }: Index, partition: string): QueryCommandInput {
    return {
      TableName: this.#table.tableName,
      IndexName: name,
      KeyConditionExpression: '#partition = :partition',
      ExpressionAttributeNames: { '#partition': partitionKey },
      ExpressionAttributeValues: { ':partition': { S: partition } },
    };
  }
}
