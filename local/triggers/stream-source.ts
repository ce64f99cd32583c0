import path from 'node:path';
import type { EngineConnection } from '../dynamodb/engine-connection.ts';
import { connectToEngine, EngineRefusal } from '../dynamodb/engine-connection.ts';
import type { Invoke } from '../lambda/invoke.ts';
import type { StreamSourceDescription } from '../template/stack-description.ts';
import type { BackgroundLoop } from '../shared/background-loop.ts';
import { startBackgroundLoop } from '../shared/background-loop.ts';
import { discardedBatchMessage } from './discarded-batch.ts';
import type { Backoff } from '../shared/backoff.ts';
import { doublingDelay } from '../shared/backoff.ts';
import { LocalClock } from '../clock/local-clock.ts';
import { pause } from '../shared/pause.ts';
import type { StreamCheckpoint } from './stream-checkpoint.ts';
import { openCheckpoint } from './stream-checkpoint.ts';
import type { StreamClient, StreamRecord } from './stream-client.ts';
import { openStream } from './stream-client.ts';
import { deliverInOrder } from './stream-delivery.ts';

export interface StreamSourceOptions {
  readonly source: StreamSourceDescription;
  readonly dynamoDbUrl: string;
  /** The stack's region and account. Engines use names of their own; functions see these. */
  readonly region: string;
  readonly accountId: string;
  readonly functionArn: string;
  readonly invoke: Invoke;
  /** Called for a discarded batch where the source has an on-failure queue, and again until it resolves. */
  readonly sendToQueue: (queueName: string, body: string) => Promise<void>;
  /** Where the source stores its checkpoint; `undefined` where the tables are in memory, too. */
  readonly checkpointDirectory: string | undefined;
  readonly onLog: (line: string) => void;
  /** Delay between the attempts of a batch. Default: 100 ms, doubling up to 10 s. */
  readonly retryDelay?: Backoff;
  /** The clock by which records grow old. Default: the machine's. */
  readonly clock?: LocalClock;
}

const idleMilliseconds = 75;
/** How often an idle stream is asked for new shards. The end of a shard makes it ask at once. */
const shardListMilliseconds = 60_000;
const engineFailureDelay = doublingDelay(100, 2_000);

/**
 * Invokes a function with a table's changes as Lambda does: each shard in order, in batches by size and window, at
 * least once. Resolves when its starting position is stored: every later change will be delivered, whatever is killed
 * meanwhile. https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
export async function startStreamSource(options: StreamSourceOptions): Promise<BackgroundLoop> {
  const { source, checkpointDirectory } = options;
  const name = `stream of ${source.tableName} to ${source.functionId}`;
  const onLog = (line: string) => {
    options.onLog(`${name}: ${line}`);
  };
  const file =
    checkpointDirectory === undefined
      ? undefined
      : path.join(checkpointDirectory, `${source.functionId}.${source.tableName}.json`);

  const connection = connectToEngine(options.dynamoDbUrl);
  let reader: StreamReader;
  try {
    reader = await openReader(connection, file, options, onLog);
  } catch (error) {
    connection.close();
    throw error;
  }
  return startBackgroundLoop(
    name,
    (signal) =>
      readStream(reader, signal).finally(() => {
        connection.close();
      }),
    options.onLog,
  );
}

/** What the readers of all shards share. */
interface StreamReader {
  readonly stream: StreamClient;
  readonly checkpoint: StreamCheckpoint;
  readonly options: StreamSourceOptions;
  /** The stream's name for functions and queues. */
  readonly streamArn: string;
  readonly onLog: (line: string) => void;
}

async function openReader(
  connection: EngineConnection,
  checkpointFile: string | undefined,
  options: StreamSourceOptions,
  onLog: (line: string) => void,
): Promise<StreamReader> {
  const { source, region, accountId } = options;
  const stream = await openStream(connection, source.tableName);
  const checkpoint = await openCheckpoint(checkpointFile, stream.arn, onLog);
  if (checkpoint.isNew && source.startingPosition === 'LATEST') await skipToLatest(stream, checkpoint);
  const label = stream.arn.split('/stream/').at(-1) ?? '';
  const streamArn = `arn:aws:dynamodb:${region}:${accountId}:table/${source.tableName}/stream/${label}`;
  return { stream, checkpoint, options, streamArn, onLog };
}

/** An iterator at LATEST does not survive a kill; the number of the last record can be stored. */
async function skipToLatest(stream: StreamClient, checkpoint: StreamCheckpoint): Promise<void> {
  const { signal } = new AbortController();
  for (const { id } of await stream.listShards(signal)) {
    let iterator: string | undefined = await stream.iteratorAfter(id, undefined, signal);
    let last: StreamRecord | undefined;
    while (iterator !== undefined) {
      const { records, next } = await stream.read(iterator, 1_000, signal);
      if (records.length === 0 && next !== undefined) break;
      last = records.at(-1) ?? last;
      iterator = next;
    }
    if (last !== undefined) await checkpoint.advance(id, last.dynamodb.SequenceNumber);
    if (iterator === undefined) await checkpoint.finish(id);
  }
}

/**
 * Reads all shards at the same time, but a child only after its parent, which holds older changes of the same items.
 */
async function readStream(reader: StreamReader, signal: AbortSignal): Promise<void> {
  const { stream, checkpoint, onLog } = reader;
  const reading = new Map<string, Promise<void>>();
  const isClosing = () => signal.aborted;
  let failures = 0;
  while (!isClosing()) {
    const round = new AbortController();
    const roundOver = AbortSignal.any([signal, round.signal]);
    try {
      const shards = await stream.listShards(signal);
      failures = 0;
      const unfinished = shards.filter(({ id }) => !checkpoint.isFinished(id));
      const isUnfinished = (id: string | undefined) => unfinished.some((shard) => shard.id === id);
      for (const { id, parentId } of unfinished) {
        if (reading.has(id) || isUnfinished(parentId)) continue;
        reading.set(
          id,
          readShard(reader, id, signal).finally(() => reading.delete(id)),
        );
      }
      await Promise.race([...reading.values(), pause(shardListMilliseconds, roundOver)]);
    } catch (error) {
      if (isClosing()) break;
      failures += 1;
      onLog(`reading the stream failed: ${String(error)}`);
      await pause(engineFailureDelay(failures), signal);
    } finally {
      round.abort();
    }
  }
  await Promise.allSettled(reading.values());
}

/** Delivers a shard from its checkpoint on, until the shard ends or the signal aborts. Never rejects. */
async function readShard(reader: StreamReader, shardId: string, signal: AbortSignal): Promise<void> {
  const { stream, checkpoint, options, onLog } = reader;
  const { batchSize, maximumBatchingWindowSeconds } = options.source;
  const isClosing = () => signal.aborted;
  let readUpTo = checkpoint.positionOf(shardId);
  let iterator: string | undefined;
  let batch: StreamRecord[] = [];
  let windowEnds = 0;
  let failures = 0;

  while (!isClosing()) {
    try {
      iterator ??= await stream.iteratorAfter(shardId, readUpTo, signal);
      const { records, next } = await stream.read(iterator, batchSize - batch.length, signal);
      failures = 0;
      iterator = next;
      readUpTo = records.at(-1)?.dynamodb.SequenceNumber ?? readUpTo;
      if (batch.length === 0) windowEnds = performance.now() + maximumBatchingWindowSeconds * 1_000;
      batch.push(...records);
      const isDue = batch.length >= batchSize || next === undefined || performance.now() >= windowEnds;
      if (batch.length > 0 && isDue) {
        await deliver(reader, shardId, batch, signal);
        batch = [];
      }
      if (next === undefined) {
        // An aborted delivery is not complete; the next run continues with it.
        if (!isClosing()) await checkpoint.finish(shardId);
        return;
      }
      if (records.length === 0) await pause(idleMilliseconds, signal);
    } catch (error) {
      iterator = undefined;
      if (isClosing() || isRefusal(error, 'ExpiredIteratorException')) continue;
      if (isRefusal(error, 'TrimmedDataAccessException')) {
        onLog(
          `records of ${shardId} were trimmed before they were delivered: continuing with the oldest one left`,
        );
        readUpTo = undefined;
        continue;
      }
      failures += 1;
      onLog(`reading ${shardId} failed: ${String(error)}`);
      await pause(engineFailureDelay(failures), signal);
    }
  }
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof EngineRefusal && error.code === code;
}

function deliver(
  { checkpoint, options, streamArn, onLog }: StreamReader,
  shardId: string,
  batch: readonly StreamRecord[],
  signal: AbortSignal,
): Promise<void> {
  const { source, invoke, region, functionArn, clock = new LocalClock() } = options;
  const records = batch.map((record) => ({
    ...record,
    awsRegion: region,
    eventSource: 'aws:dynamodb',
    eventSourceARN: streamArn,
  }));
  return deliverInOrder(
    records,
    {
      source,
      invoke,
      retryDelay: options.retryDelay ?? doublingDelay(100, 10_000),
      isTooOld: ({ dynamodb: { ApproximateCreationDateTime: createdAt } }) =>
        source.maximumRecordAgeSeconds >= 0 &&
        createdAt !== undefined &&
        // The engine reports whole seconds, and the clock may move within one.
        clock.now() - clock.atMachineTime(createdAt * 1_000 + 999) > source.maximumRecordAgeSeconds * 1_000,
      onHandled: (sequenceNumber) => checkpoint.advance(shardId, sequenceNumber),
      onAbandoned: (abandoned, invocations, lastResult, condition) => {
        onLog(`discarded ${abandoned.length} records after ${invocations} attempts`);
        return tellQueue(
          options,
          discardedBatchMessage({
            records: abandoned,
            shardId,
            streamArn,
            functionArn,
            invocations,
            lastResult,
            condition,
            clock,
          }),
          onLog,
          signal,
        );
      },
      onLog,
    },
    signal,
  );
}

/** Resolves when the queue has stored the message, when there is no queue, or when the signal aborts. */
async function tellQueue(
  { source, sendToQueue }: StreamSourceOptions,
  message: string,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (source.onFailureQueueName === undefined) return;
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      await sendToQueue(source.onFailureQueueName, message);
      return;
    } catch (error) {
      onLog(`the queue ${source.onFailureQueueName} did not accept a discarded batch: ${String(error)}`);
      await pause(engineFailureDelay(failures), signal);
    }
  }
}
