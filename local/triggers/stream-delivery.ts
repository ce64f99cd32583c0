import type { InvocationResult, Invoke } from '../lambda/invoke.ts';
import type { StreamSourceDescription } from '../template/stack-description.ts';
import { readBatchReport } from './batch-item-failures.ts';
import type { Backoff } from '../shared/backoff.ts';
import { invokeUnthrottled } from './invoke-unthrottled.ts';
import { pause } from '../shared/pause.ts';
import type { StreamRecord } from './stream-client.ts';

export interface StreamDeliveryOptions {
  readonly source: StreamSourceDescription;
  readonly invoke: Invoke;
  readonly retryDelay: Backoff;
  /** Whether the source discards it now that it has failed again. */
  readonly isTooOld: (record: StreamRecord) => boolean;
  /** Every record up to this one has been handled: succeeded, or discarded. */
  readonly onHandled: (sequenceNumber: string) => Promise<void>;
  /** The records are out of attempts or of time. They count as handled once this resolves, unless the signal aborts. */
  readonly onAbandoned: (
    records: readonly StreamRecord[],
    invocations: number,
    lastResult: InvocationResult,
    condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded',
  ) => Promise<void>;
  readonly onLog: (line: string) => void;
}

/** A run of records that is delivered together. */
interface Segment {
  readonly records: readonly StreamRecord[];
  /** Failed attempts that count against the maximum. A split does not count. */
  readonly retries: number;
  readonly invocations: number;
}

/**
 * Delivers one batch in order, with Lambda's retries, until every record is handled or the signal aborts. A reported
 * failure keeps the records before it as done. A failed batch is split where the source says so. A batch that is out of
 * attempts, or older than the source allows, is discarded.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export async function deliverInOrder(
  batch: readonly StreamRecord[],
  options: StreamDeliveryOptions,
  signal: AbortSignal,
): Promise<void> {
  const { source, onLog } = options;
  const waiting: Segment[] = [{ records: batch, retries: 0, invocations: 0 }];
  const isClosing = () => signal.aborted;
  let failuresInARow = 0;

  for (;;) {
    const segment = waiting.shift();
    if (segment === undefined || isClosing()) return;
    const result = await invokeUnthrottled(options.invoke, { Records: segment.records }, signal);
    const succeeded = countSucceeded(segment.records, result, source.reportBatchItemFailures);
    const lastHandled = segment.records[succeeded - 1];
    if (lastHandled !== undefined) await options.onHandled(lastHandled.dynamodb.SequenceNumber);
    if (succeeded === segment.records.length) {
      failuresInARow = 0;
      continue;
    }
    // Throttled until the system closes. The records are still in the stream.
    if (result.kind === 'throttled') return;

    failuresInARow = succeeded > 0 ? 1 : failuresInARow + 1;
    const failed = afterFailure(segment, succeeded, source.bisectBatchOnFunctionError);
    const condition =
      failed.retries > source.maximumRetryAttempts && source.maximumRetryAttempts >= 0
        ? 'RetryAttemptsExhausted'
        : failed.records.every(options.isTooOld)
          ? 'RecordAgeExceeded'
          : undefined;
    if (condition !== undefined) {
      await options.onAbandoned(failed.records, failed.invocations, result, condition);
      const last = failed.records.at(-1);
      if (isClosing() || last === undefined) return;
      await options.onHandled(last.dynamodb.SequenceNumber);
      failuresInARow = 0;
      continue;
    }
    onLog(
      `${failed.records.length} of ${segment.records.length} records will be retried: ${reasonOf(result)}`,
    );
    waiting.unshift(...failed.parts);
    await pause(options.retryDelay(failuresInARow), signal);
  }
}

/** The rest of a segment, as one segment or as the parts to try next. */
function afterFailure(
  segment: Segment,
  succeeded: number,
  bisect: boolean,
): Segment & { readonly parts: readonly Segment[] } {
  const records = segment.records.slice(succeeded);
  const invocations = segment.invocations + 1;
  if (succeeded > 0) {
    const rest = { records, retries: 0, invocations };
    return { ...rest, parts: [rest] };
  }
  if (bisect && records.length > 1) {
    const half = Math.ceil(records.length / 2);
    const { retries } = segment;
    const parts = [records.slice(0, half), records.slice(half)].map((part) => ({
      records: part,
      retries,
      invocations,
    }));
    return { records, retries, invocations, parts };
  }
  const again = { records, retries: segment.retries + 1, invocations };
  return { ...again, parts: [again] };
}

/** How many records are done, counted from the first. */
function countSucceeded(
  records: readonly StreamRecord[],
  result: InvocationResult,
  reportsFailures: boolean,
): number {
  if (result.kind !== 'response') return 0;
  if (!reportsFailures) return records.length;
  const sequenceNumbers = records.map((record) => record.dynamodb.SequenceNumber);
  const report = readBatchReport(result.payload, new Set(sequenceNumbers));
  switch (report.kind) {
    case 'all-succeeded':
      return records.length;
    case 'some-failed':
      return sequenceNumbers.findIndex((sequenceNumber) => report.identifiers.has(sequenceNumber));
    case 'malformed':
      return 0;
  }
}

function reasonOf(result: Exclude<InvocationResult, { kind: 'throttled' }>): string {
  return result.kind === 'error' ? `${result.errorType}: ${result.errorMessage}` : 'reported by the function';
}
