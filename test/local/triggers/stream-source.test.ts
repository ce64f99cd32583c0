import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import type { RunningDynamoDb } from '../../../local/dynamodb/engine.ts';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import type { StreamSourceOptions } from '../../../local/triggers/stream-source.ts';
import { startStreamSource } from '../../../local/triggers/stream-source.ts';
import { notesTable, openNotes } from '../dynamodb/notes-table.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { ScriptedFunction } from './scripted-function.ts';
import { failed, failures, scriptedFunction, throttled } from './scripted-function.ts';
import { notesSource, streamOptions } from './stream-fixtures.ts';

let engine: RunningDynamoDb;
let tableName: string;
let notes: ReturnType<typeof openNotes>;

beforeAll(async () => {
  engine = await startDynamoDb({
    dataDirectory: undefined,
    onLog: () => undefined,
    machine: thisMachine({}),
  });
});
afterAll(() => engine.close());

// A table for each test: the engine keeps the stream of a deleted table, and the next table of that name inherits it.
beforeEach(async () => {
  tableName = `notes-${randomUUID()}`;
  await createTables(engine.url, [{ ...notesTable, name: tableName }]);
  notes = openNotes(engine.url, tableName);
  return notes.close;
});

/** Starts a source that is closed at the end of the test. */
async function start(
  reader: ScriptedFunction<DynamoDBStreamEvent>,
  source: Partial<StreamSourceOptions['source']> = {},
  options: Partial<StreamSourceOptions> = {},
) {
  const running = await startStreamSource({
    ...streamOptions(engine.url),
    ...options,
    source: { ...notesSource, tableName, ...source },
    invoke: reader.invoke,
  });
  onTestFinished(() => running.close());
  return running;
}

async function putInOrder(...keys: readonly string[]) {
  for (const key of keys) await notes.put(key, key);
}

function keysOf(event: DynamoDBStreamEvent): string {
  return event.Records.map((record) => record.dynamodb?.Keys?.['PK']?.S).join(' ');
}

function sequenceNumberOf(event: DynamoDBStreamEvent, key: string): string {
  const record = event.Records.find(({ dynamodb }) => dynamodb?.Keys?.['PK']?.S === key);
  return record?.dynamodb?.SequenceNumber ?? `${key} is not in the batch`;
}

/** The keys of all events so far, once there are this many events. */
async function batches(reader: ScriptedFunction<DynamoDBStreamEvent>, count: number): Promise<string[]> {
  await vi.waitFor(() => expect(reader.events.length).toBeGreaterThanOrEqual(count), {
    timeout: 5_000,
    interval: 5,
  });
  return reader.events.map(keysOf);
}

/** Waits for the last change alone, which shows that no earlier delivery is in progress. */
async function settled(reader: ScriptedFunction<DynamoDBStreamEvent>): Promise<string[]> {
  await notes.put('last', 'last');
  await vi.waitFor(() => expect(reader.events.map(keysOf).join(' ')).toContain('last'), {
    timeout: 5_000,
    interval: 5,
  });
  return reader.events.map(keysOf);
}

test('a change arrives in the shape of Lambda’s event', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(reader);
  await notes.put('a', 'old');
  await batches(reader, 1);
  await notes.put('a', 'new');
  await batches(reader, 2);

  expect(reader.events[1]).toEqual({
    Records: [
      {
        eventID: expect.any(String) as string,
        eventName: 'MODIFY',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: 'eu-north-1',
        dynamodb: {
          ApproximateCreationDateTime: expect.any(Number) as number,
          Keys: { PK: { S: 'a' } },
          NewImage: { PK: { S: 'a' }, text: { S: 'new' } },
          OldImage: { PK: { S: 'a' }, text: { S: 'old' } },
          SequenceNumber: expect.stringMatching(/^\d+$/) as string,
          SizeBytes: expect.any(Number) as number,
          StreamViewType: 'NEW_AND_OLD_IMAGES',
        },
        eventSourceARN: expect.stringMatching(
          /^arn:aws:dynamodb:eu-north-1:123456789012:table\/notes-[^/]+\/stream\/.+/,
        ) as string,
      },
    ],
  });
});

test('changes arrive in order, in batches of the batch size', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await putInOrder('a', 'b', 'c', 'd', 'e');
  await start(reader, { batchSize: 2 });
  expect(await batches(reader, 3)).toEqual(['a b', 'c d', 'e']);
});

test('a window gathers changes until the batch is full', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(reader, { batchSize: 3, maximumBatchingWindowSeconds: 300 });
  await putInOrder('a', 'b', 'c');
  expect(await batches(reader, 1)).toEqual(['a b c']);
});

test('a window delivers what there is when it ends', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(reader, { batchSize: 3, maximumBatchingWindowSeconds: 0.05 });
  await putInOrder('a');
  expect(await batches(reader, 1)).toEqual(['a']);
});

test('a failed batch is retried, and no later change overtakes it', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((_, invocation) =>
    invocation < 3 ? failed : undefined,
  );
  await putInOrder('a', 'b');
  await start(reader, { batchSize: 1 });
  expect(await batches(reader, 4)).toEqual(['a', 'a', 'a', 'b']);
});

test('a reported failure keeps the records before the lowest one as done', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((event, invocation) =>
    invocation === 1 ? failures(sequenceNumberOf(event, 'd'), sequenceNumberOf(event, 'b')) : undefined,
  );
  await putInOrder('a', 'b', 'c', 'd');
  await start(reader);
  expect(await batches(reader, 2)).toEqual(['a b c d', 'b c d']);
});

test('without ReportBatchItemFailures the response has no meaning', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((event) => failures(sequenceNumberOf(event, 'a')));
  await putInOrder('a');
  await start(reader, { reportBatchItemFailures: false });
  await batches(reader, 1);
  expect(await settled(reader)).toEqual(['a', 'last']);
});

test.each([
  { what: 'an unknown identifier', payload: { batchItemFailures: [{ itemIdentifier: 'x' }] } },
  { what: 'an empty identifier', payload: { batchItemFailures: [{ itemIdentifier: '' }] } },
  { what: 'a misspelled key', payload: { batchItemFailures: [{ id: '1' }] } },
  { what: 'text', payload: 'done' },
])('a response with $what fails the batch', async ({ payload }) => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((_, invocation) =>
    invocation === 1 ? { kind: 'response', payload } : undefined,
  );
  await putInOrder('a', 'b');
  await start(reader);
  expect(await batches(reader, 2)).toEqual(['a b', 'a b']);
});

test('a record that always fails is found by halving, discarded alone, and its place is sent to the queue', async () => {
  const told: [string, unknown][] = [];
  const reader = scriptedFunction<DynamoDBStreamEvent>((event) =>
    keysOf(event).includes('c') ? failed : undefined,
  );
  await putInOrder('a', 'b', 'c', 'd');
  await start(
    reader,
    { bisectBatchOnFunctionError: true, maximumRetryAttempts: 1, onFailureQueueName: 'undelivered' },
    {
      sendToQueue: (queueName, body) => {
        told.push([queueName, JSON.parse(body)]);
        return Promise.resolve();
      },
    },
  );
  expect(await batches(reader, 6)).toEqual(['a b c d', 'a b', 'c d', 'c', 'c', 'd']);
  const poison = reader.events[3]?.Records[0];
  expect(told).toEqual([
    [
      'undelivered',
      {
        requestContext: {
          requestId: expect.any(String) as string,
          functionArn: 'arn:aws:lambda:eu-north-1:123456789012:function:Reader',
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 4,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        version: '1.0',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        DDBStreamBatchInfo: {
          shardId: expect.stringMatching(/^shardId-/) as string,
          startSequenceNumber: poison?.dynamodb?.SequenceNumber,
          endSequenceNumber: poison?.dynamodb?.SequenceNumber,
          approximateArrivalOfFirstRecord: expect.stringMatching(
            /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
          ) as string,
          approximateArrivalOfLastRecord: expect.stringMatching(
            /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
          ) as string,
          batchSize: 1,
          streamArn: poison?.eventSourceARN,
        },
      },
    ],
  ]);
});

test('without halving a batch out of attempts is discarded as a whole, once the queue has its message', async () => {
  let refusals = 0;
  const reader = scriptedFunction<DynamoDBStreamEvent>((event) =>
    keysOf(event).includes('a') ? failed : undefined,
  );
  await putInOrder('a', 'b');
  await start(
    reader,
    { maximumRetryAttempts: 2, onFailureQueueName: 'undelivered' },
    {
      sendToQueue: () => {
        refusals += 1;
        return refusals < 3 ? Promise.reject(new Error('queue is away')) : Promise.resolve();
      },
    },
  );
  expect(await batches(reader, 3)).toEqual(['a b', 'a b', 'a b']);
  expect(await settled(reader)).toEqual(['a b', 'a b', 'a b', 'last']);
  expect(refusals).toBe(3);
});

test('a record older than the source allows is discarded when it fails again, by the clock’s time', async () => {
  const clock = new LocalClock();
  const told: string[] = [];
  const reader = scriptedFunction<DynamoDBStreamEvent>((event) =>
    keysOf(event).includes('a') ? failed : undefined,
  );
  clock.advance(7 * 3_600_000);
  await putInOrder('a');
  await start(
    reader,
    { maximumRecordAgeSeconds: 3_600, onFailureQueueName: 'undelivered' },
    {
      clock,
      sendToQueue: (_, body) => {
        told.push(body);
        return Promise.resolve();
      },
    },
  );
  await batches(reader, 3);
  expect(told).toEqual([]);
  // The record's time has whole seconds. A jump within that second would count as one before it.
  const written = Date.now();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(written + 1_000), { timeout: 5_000 });
  clock.advance(3_700_000);
  await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 5_000, interval: 5 });
  const { requestContext, DDBStreamBatchInfo } = JSON.parse(told[0] ?? '') as Record<
    string,
    Record<string, string>
  >;
  expect(requestContext?.['condition']).toBe('RecordAgeExceeded');
  const arrival = Date.parse(DDBStreamBatchInfo?.['approximateArrivalOfLastRecord'] ?? '');
  expect(Math.abs(Date.now() + 7 * 3_600_000 - arrival)).toBeLessThan(30_000);
});

test('a throttled batch is not a failure', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((_, invocation) =>
    invocation < 3 ? throttled : undefined,
  );
  await putInOrder('a');
  await start(reader, { maximumRetryAttempts: 0 });
  await batches(reader, 3);
  expect(await settled(reader)).toEqual(['a', 'a', 'a', 'last']);
});

test('a restart continues after the last handled batch, with what changed meanwhile', async () => {
  const checkpointDirectory = await temporaryFolder();
  const first = scriptedFunction<DynamoDBStreamEvent>((event) =>
    keysOf(event).includes('b') ? failed : undefined,
  );
  await putInOrder('a', 'b');
  const running = await start(first, { batchSize: 1 }, { checkpointDirectory });
  await batches(first, 2);
  await running.close();
  await putInOrder('c');

  const second = scriptedFunction<DynamoDBStreamEvent>();
  await start(second, {}, { checkpointDirectory });
  expect(await batches(second, 1)).toEqual(['b c']);
});

test('LATEST begins with changes from now on, and keeps that moment across a restart', async () => {
  const checkpointDirectory = await temporaryFolder();
  await putInOrder('before');
  const unused = scriptedFunction<DynamoDBStreamEvent>();
  await (await start(unused, { startingPosition: 'LATEST' }, { checkpointDirectory })).close();
  await putInOrder('meanwhile');

  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(reader, { startingPosition: 'LATEST' }, { checkpointDirectory });
  expect(await batches(reader, 1)).toEqual(['meanwhile']);
  expect(unused.events).toEqual([]);
});

test('a checkpoint of an earlier table of the same name has no effect', async () => {
  const checkpointDirectory = await temporaryFolder();
  const first = scriptedFunction<DynamoDBStreamEvent>();
  const running = await start(first, {}, { checkpointDirectory });
  await putInOrder('a', 'b');
  await settled(first);
  await running.close();
  const file = path.join(checkpointDirectory, `Reader.${tableName}.json`);
  const checkpoint = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...checkpoint, streamArn: 'arn:of-an-earlier-one' }));

  const second = scriptedFunction<DynamoDBStreamEvent>();
  await start(second, { startingPosition: 'LATEST' }, { checkpointDirectory });
  expect(await batches(second, 1)).toEqual(['a b last']);
});

test('a damaged checkpoint repeats deliveries and loses none', async () => {
  const checkpointDirectory = await temporaryFolder();
  await putInOrder('a');
  await writeFile(path.join(checkpointDirectory, `Reader.${tableName}.json`), '{"streamArn":');
  const logged: string[] = [];
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  const onLog = (line: string) => logged.push(line);
  await start(reader, { startingPosition: 'LATEST' }, { checkpointDirectory, onLog });
  expect(await batches(reader, 1)).toEqual(['a']);
  expect(logged.join()).toContain('is damaged');
});

test('closing waits for the running batch, which then counts', async () => {
  const checkpointDirectory = await temporaryFolder();
  const response = Promise.withResolvers<undefined>();
  const slow = scriptedFunction<DynamoDBStreamEvent>(async () => {
    await response.promise;
    return { kind: 'response', payload: null };
  });
  const running = await start(slow, {}, { checkpointDirectory });
  await putInOrder('a');
  await batches(slow, 1);
  let closed = false;
  const closing = running.close().then(() => {
    closed = true;
  });
  await notes.get('a');
  expect(closed).toBe(false);
  response.resolve(undefined);
  await closing;

  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(reader, {}, { checkpointDirectory });
  expect(await settled(reader)).toEqual(['last']);
});

test('a table without a stream is refused', async () => {
  const { StreamSpecification: _, ...withoutStream } = notesTable.createTable;
  const silent = { ...notesTable, name: 'silent', createTable: withoutStream, streamEnabled: false };
  await createTables(engine.url, [silent]);
  await expect(start(scriptedFunction(), { tableName: 'silent' })).rejects.toThrow(
    'The table silent does not have a stream.',
  );
});

test('after a kill without warning every acknowledged change is delivered', async () => {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'stream-process.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };

  const doomed = openNotes(url);
  onTestFinished(doomed.close);
  const acknowledged: string[] = [];
  const delivered = path.join(folder, 'delivered');
  // A batch has five records. The third is delivered after the checkpoint of the second.
  const hasCheckpoint = () =>
    existsSync(delivered) && readFileSync(delivered, 'utf8').split('\n').length > 11;
  await Promise.allSettled(
    Array.from({ length: 4 }, async (_, writer) => {
      for (let count = 0; ; count += 1) {
        await doomed.put(`${writer}-${count}`, 'x');
        acknowledged.push(`${writer}-${count}`);
        if (acknowledged.length >= 60 && hasCheckpoint()) child.kill('SIGKILL');
      }
    }),
  );

  const restarted = await startDynamoDb({
    dataDirectory: folder,
    onLog: () => undefined,
    machine: thisMachine({}),
  });
  onTestFinished(() => restarted.close());
  const before = (await readFile(delivered, 'utf8')).trim().split('\n');
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(
    reader,
    { tableName: notesTable.name },
    { dynamoDbUrl: restarted.url, checkpointDirectory: folder },
  );
  await vi.waitFor(
    () => {
      const known = new Set([...before, ...reader.events.flatMap((event) => keysOf(event).split(' '))]);
      expect(acknowledged.filter((key) => !known.has(key))).toEqual([]);
    },
    { timeout: 5_000, interval: 10 },
  );
  // At least once, but not everything again.
  expect(reader.events.flatMap((event) => event.Records).length).toBeLessThan(acknowledged.length);
});
