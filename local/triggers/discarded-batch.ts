import { randomUUID } from 'node:crypto';
import type { InvocationResult } from '../lambda/invoke.ts';
import type { LocalClock } from '../clock/local-clock.ts';
import type { StreamRecord } from './stream-client.ts';

export interface DiscardedBatch {
  readonly records: readonly StreamRecord[];
  readonly shardId: string;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly invocations: number;
  readonly lastResult: InvocationResult;
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly clock: LocalClock;
}

/**
 * The message that Lambda sends to the on-failure queue when it discards a batch: where the records are, without the
 * records. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export function discardedBatchMessage(batch: DiscardedBatch): string {
  const first = batch.records.at(0)?.dynamodb;
  const last = batch.records.at(-1)?.dynamodb;
  return JSON.stringify({
    requestContext: {
      requestId: randomUUID(),
      functionArn: batch.functionArn,
      condition: batch.condition,
      approximateInvokeCount: batch.invocations,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      ...(batch.lastResult.kind === 'error' && { functionError: 'Unhandled' }),
    },
    version: '1.0',
    timestamp: new Date(batch.clock.now()).toISOString(),
    DDBStreamBatchInfo: {
      shardId: batch.shardId,
      startSequenceNumber: first?.SequenceNumber,
      endSequenceNumber: last?.SequenceNumber,
      approximateArrivalOfFirstRecord: arrivalOf(batch.clock, first?.ApproximateCreationDateTime, 0),
      approximateArrivalOfLastRecord: arrivalOf(batch.clock, last?.ApproximateCreationDateTime, 999),
      batchSize: batch.records.length,
      streamArn: batch.streamArn,
    },
  });
}

/**
 * Whole seconds, such as `2019-11-14T00:13:19Z`. The engine reports the machine's time in whole seconds, and the clock
 * may move within one. `within` says which end of the second applies.
 */
function arrivalOf(
  clock: LocalClock,
  secondsSince1970: number | undefined,
  within: number,
): string | undefined {
  if (secondsSince1970 === undefined) return undefined;
  const millis = clock.atMachineTime(Math.trunc(secondsSince1970) * 1_000 + within);
  return new Date(Math.trunc(millis / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}
