import type { DynamoDBRecord } from 'aws-lambda';
import type { EngineConnection } from '../dynamodb/engine-connection.ts';

/** A record with the part that every engine provides. */
export type StreamRecord = DynamoDBRecord & {
  readonly dynamodb: NonNullable<DynamoDBRecord['dynamodb']> & { readonly SequenceNumber: string };
};

export interface Shard {
  readonly id: string;
  readonly parentId: string | undefined;
}

/**
 * A table's stream, read through DynamoDB's stream API. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
 */
export interface StreamClient {
  /** The engine's own name of the stream. A table that is created again has another one. */
  readonly arn: string;
  /** All shards that still exist, open or closed. */
  listShards(signal: AbortSignal): Promise<readonly Shard[]>;
  /** An iterator after the sequence number, or at the oldest record that still exists. */
  iteratorAfter(shardId: string, sequenceNumber: string | undefined, signal: AbortSignal): Promise<string>;
  /** `next` is undefined after the last record of a closed shard. */
  read(
    iterator: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly StreamRecord[]; readonly next: string | undefined }>;
}

/** DynamoDB's own maximum for one GetRecords. */
const recordsAtMost = 1_000;

/** Finds the stream of a table. Rejects with one sentence when the table has none. */
export async function openStream(connection: EngineConnection, tableName: string): Promise<StreamClient> {
  const { Table } = (await connection.call('DynamoDB_20120810.DescribeTable', { TableName: tableName })) as {
    Table: { LatestStreamArn?: string };
  };
  const arn = Table.LatestStreamArn;
  if (arn === undefined) throw new Error(`The table ${tableName} does not have a stream.`);

  const call = (operation: string, input: object, signal: AbortSignal) =>
    connection.call(`DynamoDBStreams_20120810.${operation}`, input, signal);

  return {
    arn,
    async listShards(signal) {
      const shards: Shard[] = [];
      let from: string | undefined;
      do {
        const { StreamDescription: page } = (await call(
          'DescribeStream',
          { StreamArn: arn, ...(from !== undefined && { ExclusiveStartShardId: from }) },
          signal,
        )) as DescribeStreamResponse;
        shards.push(...page.Shards.map((shard) => ({ id: shard.ShardId, parentId: shard.ParentShardId })));
        from = page.LastEvaluatedShardId;
      } while (from !== undefined);
      return shards;
    },
    async iteratorAfter(shardId, sequenceNumber, signal) {
      const position =
        sequenceNumber === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: sequenceNumber };
      const response = await call(
        'GetShardIterator',
        { StreamArn: arn, ShardId: shardId, ...position },
        signal,
      );
      return (response as { ShardIterator: string }).ShardIterator;
    },
    async read(iterator, limit, signal) {
      const { Records, NextShardIterator } = (await call(
        'GetRecords',
        { ShardIterator: iterator, Limit: Math.min(limit, recordsAtMost) },
        signal,
      )) as { Records: StreamRecord[]; NextShardIterator?: string | null };
      return { records: Records, next: NextShardIterator ?? undefined };
    },
  };
}

interface DescribeStreamResponse {
  readonly StreamDescription: {
    readonly Shards: readonly { readonly ShardId: string; readonly ParentShardId?: string }[];
    readonly LastEvaluatedShardId?: string;
  };
}
