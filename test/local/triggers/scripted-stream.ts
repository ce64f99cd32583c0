import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ScriptedShard {
  readonly id: string;
  readonly parentId?: string;
  /** Sequence numbers of its records, which are also their keys. */
  readonly records: readonly string[];
  /** A closed shard gets no more records. */
  readonly isClosed: boolean;
}

/**
 * Simulates what the embedded engine never does: shards that end and have children, iterators that expire, records that
 * are trimmed.
 */
export interface ScriptedStream {
  readonly url: string;
  shards: readonly ScriptedShard[];
  /** Refusals for the next calls of the operation, in order. */
  readonly refusals: Record<string, string[]>;
}

/** Serves one table and its stream until the test ends. Iterators are `<shard>/<index>`. */
export async function startScriptedStream(shards: readonly ScriptedShard[]): Promise<ScriptedStream> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const refusal = stream.refusals[operation]?.shift();
      const input = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, string>;
      response.statusCode = refusal === undefined ? 200 : 400;
      response.end(
        JSON.stringify(
          refusal === undefined
            ? reply(stream.shards, operation, input)
            : { __type: `com.amazonaws.dynamodb.v20120810#${refusal}`, message: 'as the test wants it' },
        ),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const stream: ScriptedStream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shards,
    refusals: {},
  };
  return stream;
}

function reply(
  shards: readonly ScriptedShard[],
  operation: string,
  input: Readonly<Record<string, string>>,
): object {
  switch (operation) {
    case 'DescribeTable':
      return { Table: { LatestStreamArn: 'arn:aws:dynamodb:engine:0:table/notes/stream/label' } };
    case 'DescribeStream':
      return describeOne(shards, input['ExclusiveStartShardId']);
    case 'GetShardIterator': {
      const records = shards.find((shard) => shard.id === input['ShardId'])?.records ?? [];
      return {
        ShardIterator: `${String(input['ShardId'])}/${records.indexOf(input['SequenceNumber'] ?? '') + 1}`,
      };
    }
    default: {
      const [id, index] = String(input['ShardIterator']).split('/');
      const shard = shards.find((candidate) => candidate.id === id);
      const records = shard?.records.slice(Number(index)).slice(0, Number(input['Limit'])) ?? [];
      const next = Number(index) + records.length;
      const isOver = shard?.isClosed === true && next === shard.records.length;
      return {
        Records: records.map((key) => ({
          eventID: key,
          eventName: 'INSERT',
          dynamodb: { Keys: { PK: { S: key } }, SequenceNumber: key },
        })),
        ...(!isOver && { NextShardIterator: `${String(id)}/${next}` }),
      };
    }
  }
}

/** One shard a page, so that there are several pages. */
function describeOne(shards: readonly ScriptedShard[], after: string | undefined): object {
  const index = shards.findIndex((shard) => shard.id === after) + 1;
  const shard = shards[index];
  return {
    StreamDescription: {
      Shards: shard === undefined ? [] : [{ ShardId: shard.id, ParentShardId: shard.parentId }],
      ...(index < shards.length - 1 && { LastEvaluatedShardId: shard?.id }),
    },
  };
}
