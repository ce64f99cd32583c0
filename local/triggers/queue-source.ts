import type { InvocationResult, Invoke } from '../lambda/invoke.ts';
import type { QueueSourceDescription } from '../template/stack-description.ts';
import type { BackgroundLoop } from '../shared/background-loop.ts';
import { startBackgroundLoop } from '../shared/background-loop.ts';
import { readBatchReport } from './batch-item-failures.ts';
import { doublingDelay } from '../shared/backoff.ts';
import { invokeUnthrottled } from './invoke-unthrottled.ts';
import { pause } from '../shared/pause.ts';

/** A received message, in the spelling of Lambda's event. */
export interface QueueMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5OfBody: string;
  /**
   * `ApproximateReceiveCount`, `SentTimestamp`, `SenderId`, `ApproximateFirstReceiveTimestamp` and others. All are
   * text; times are in milliseconds.
   */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, QueueMessageAttribute>>;
}

export interface QueueMessageAttribute {
  readonly dataType: string;
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
}

/** A queue as an event source uses it. */
export interface QueuePort {
  /**
   * Up to `maximum` (1 to 10) visible messages, which are then invisible for the given time. Waits up to
   * `waitMilliseconds` (a whole number) for the first. Resolves to none when the time is over and, at once, when the
   * signal aborts.
   */
  receive(request: {
    readonly maximum: number;
    readonly visibilityTimeoutSeconds: number;
    readonly waitMilliseconds: number;
    readonly signal: AbortSignal;
  }): Promise<readonly QueueMessage[]>;
  /** Succeeds as well where the message is deleted already. */
  delete(receiptHandle: string): Promise<void>;
}

export interface QueueSourceOptions {
  readonly source: QueueSourceDescription;
  readonly queue: QueuePort;
  readonly queueArn: string;
  readonly region: string;
  /** The queue's own visibility timeout. */
  readonly visibilityTimeoutSeconds: number;
  readonly invoke: Invoke;
  readonly onLog: (line: string) => void;
}

const receiveAtMost = 10;
const longPollMilliseconds = 20_000;
/** The concurrency that Lambda starts with where the source sets no maximum. */
const defaultConcurrency = 5;
const portFailureDelay = doublingDelay(100, 5_000);

/**
 * Invokes a function with a queue's messages as Lambda does: in batches by size and window, several at a time up to the
 * maximum concurrency. Deletes each message that succeeded. A failed one returns when its visibility timeout ends, or
 * the one that the function has set. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export function startQueueSource(options: QueueSourceOptions): BackgroundLoop {
  const { source, onLog } = options;
  const name = `queue ${source.queueName}`;

  async function run(signal: AbortSignal): Promise<void> {
    const concurrency = source.maximumConcurrency ?? defaultConcurrency;
    const inFlight = new Set<Promise<void>>();
    let failures = 0;
    while (!signal.aborted) {
      if (inFlight.size >= concurrency) {
        await Promise.race(inFlight);
        continue;
      }
      try {
        const batch = await collectBatch(options, signal);
        failures = 0;
        if (batch.length === 0) continue;
        const delivery = deliver(batch, signal).finally(() => inFlight.delete(delivery));
        inFlight.add(delivery);
      } catch (error) {
        failures += 1;
        onLog(`${name}: receiving failed: ${String(error)}`);
        await pause(portFailureDelay(failures), signal);
      }
    }
    await Promise.all(inFlight);
  }

  async function deliver(batch: readonly QueueMessage[], closing: AbortSignal): Promise<void> {
    // Lambda retries a throttled batch until its messages are visible again.
    const giveUp = AbortSignal.any([closing, AbortSignal.timeout(options.visibilityTimeoutSeconds * 1_000)]);
    try {
      const event = { Records: batch.map((message) => recordOf(message, options)) };
      const result = await invokeUnthrottled(options.invoke, event, giveUp);
      const succeeded = succeededOf(batch, result, source.reportBatchItemFailures);
      if (succeeded.length < batch.length) {
        onLog(
          `${name}: ${batch.length - succeeded.length} of ${batch.length} messages stay: ${reasonOf(result)}`,
        );
      }
      await Promise.all(succeeded.map((message) => options.queue.delete(message.receiptHandle)));
    } catch (error) {
      onLog(`${name}: a batch of ${batch.length} was not settled: ${String(error)}`);
    }
  }

  return startBackgroundLoop(name, run, onLog);
}

/** One long poll and, where there is a window, more until the batch is full or the window ends. */
async function collectBatch(
  { source, queue, visibilityTimeoutSeconds }: QueueSourceOptions,
  signal: AbortSignal,
): Promise<readonly QueueMessage[]> {
  const receive = (missing: number, waitMilliseconds: number) =>
    queue.receive({
      maximum: Math.min(receiveAtMost, missing),
      visibilityTimeoutSeconds,
      waitMilliseconds,
      signal,
    });

  const batch = [...(await receive(source.batchSize, longPollMilliseconds))];
  const windowEnds = performance.now() + source.maximumBatchingWindowSeconds * 1_000;
  while (batch.length > 0 && batch.length < source.batchSize && !signal.aborted) {
    const left = windowEnds - performance.now();
    if (left <= 0) break;
    batch.push(...(await receive(source.batchSize - batch.length, Math.ceil(left))));
  }
  return batch;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
function recordOf(message: QueueMessage, { queueArn, region }: QueueSourceOptions): object {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.attributes,
    messageAttributes: message.messageAttributes,
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

function succeededOf(
  batch: readonly QueueMessage[],
  result: InvocationResult,
  reportsFailures: boolean,
): readonly QueueMessage[] {
  if (result.kind !== 'response') return [];
  if (!reportsFailures) return batch;
  const report = readBatchReport(result.payload, new Set(batch.map((message) => message.messageId)));
  switch (report.kind) {
    case 'all-succeeded':
      return batch;
    case 'some-failed':
      return batch.filter((message) => !report.identifiers.has(message.messageId));
    case 'malformed':
      return [];
  }
}

function reasonOf(result: InvocationResult): string {
  switch (result.kind) {
    case 'response':
      return 'reported by the function';
    case 'error':
      return `${result.errorType}: ${result.errorMessage}`;
    case 'throttled':
      return 'throttled';
  }
}
