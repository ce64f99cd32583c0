import { randomUUID } from 'node:crypto';
import type { InvocationResult } from '../lambda/invoke.ts';
import type { StreamRecord } from './stream-client.ts';

export interface DiscardedBatch {
  readonly records: readonly StreamRecord[];
  readonly shardId: string;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly invocations: number;
  readonly lastResult: InvocationResult;
}

/**
 * What Lambda sends to the on-failure queue when it gives up a batch: where the records are, not the records themselves.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export function discardedBatchMessage(batch: DiscardedBatch): string {
  const first = batch.records.at(0)?.dynamodb;
  const last = batch.records.at(-1)?.dynamodb;
  return JSON.stringify({
    requestContext: {
      requestId: randomUUID(),
      functionArn: batch.functionArn,
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: batch.invocations,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      ...(batch.lastResult.kind === 'error' && { functionError: 'Unhandled' }),
    },
    version: '1.0',
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      shardId: batch.shardId,
      startSequenceNumber: first?.SequenceNumber,
      endSequenceNumber: last?.SequenceNumber,
      approximateArrivalOfFirstRecord: arrivalOf(first?.ApproximateCreationDateTime),
      approximateArrivalOfLastRecord: arrivalOf(last?.ApproximateCreationDateTime),
      batchSize: batch.records.length,
      streamArn: batch.streamArn,
    },
  });
}

/** Whole seconds, such as `2019-11-14T00:13:19Z`. */
function arrivalOf(secondsSince1970: number | undefined): string | undefined {
  if (secondsSince1970 === undefined) return undefined;
  return new Date(Math.trunc(secondsSince1970) * 1_000).toISOString().replace('.000Z', 'Z');
}
