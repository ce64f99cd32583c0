import type { DynamoDBStreamEvent } from 'aws-lambda';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { StreamSourceOptions } from '../../../local/triggers/stream-source.ts';
import { startStreamSource } from '../../../local/triggers/stream-source.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { ScriptedFunction } from './scripted-function.ts';
import { failed, scriptedFunction } from './scripted-function.ts';
import type { ScriptedStream } from './scripted-stream.ts';
import { startScriptedStream } from './scripted-stream.ts';
import { notesSource, streamOptions } from './stream-fixtures.ts';

const parent = { id: 'shard-1', records: ['1', '2', '3'], isClosed: true };
const child = { id: 'shard-2', parentId: 'shard-1', records: ['4', '5'], isClosed: false };

async function start(
  stream: ScriptedStream,
  reader: ScriptedFunction<DynamoDBStreamEvent>,
  options: Partial<StreamSourceOptions> = {},
) {
  const running = await startStreamSource({
    ...streamOptions(stream.url),
    source: { ...notesSource, batchSize: 2 },
    ...options,
    invoke: reader.invoke,
  });
  onTestFinished(() => running.close());
  return running;
}

async function expectDelivered(reader: ScriptedFunction<DynamoDBStreamEvent>, batches: readonly string[]) {
  await vi.waitFor(
    () =>
      expect(
        reader.events.map((event) => event.Records.map(({ dynamodb }) => dynamodb?.SequenceNumber).join(' ')),
      ).toEqual(batches),
    { timeout: 2_000, interval: 5 },
  );
}

test('a shard is read after its parent, in whatever order they are listed', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(await startScriptedStream([child, parent]), reader);
  await expectDelivered(reader, ['1 2', '3', '4 5']);
});

test('a failing parent holds its child back', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>((_, invocation) =>
    invocation < 4 ? failed : undefined,
  );
  await start(await startScriptedStream([parent, child]), reader);
  await expectDelivered(reader, ['1 2', '1 2', '1 2', '1 2', '3', '4 5']);
});

test('a shard whose parent does not exist any more is read', async () => {
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(await startScriptedStream([child]), reader);
  await expectDelivered(reader, ['4 5']);
});

test('a shard that ends is followed by its child', async () => {
  const stream = await startScriptedStream([{ ...parent, isClosed: false }]);
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(stream, reader);
  await expectDelivered(reader, ['1 2', '3']);
  stream.shards = [parent, child];
  await expectDelivered(reader, ['1 2', '3', '4 5']);
});

test('a finished shard is not read again after a restart', async () => {
  const checkpointDirectory = await temporaryFolder();
  const stream = await startScriptedStream([parent]);
  const first = scriptedFunction<DynamoDBStreamEvent>();
  const running = await start(stream, first, { checkpointDirectory });
  await expectDelivered(first, ['1 2', '3']);
  await running.close();

  stream.shards = [parent, child];
  const second = scriptedFunction<DynamoDBStreamEvent>();
  await start(stream, second, { checkpointDirectory });
  await expectDelivered(second, ['4 5']);
});

test('LATEST skips every existing shard', async () => {
  const stream = await startScriptedStream([parent, child]);
  const reader = scriptedFunction<DynamoDBStreamEvent>();
  await start(stream, reader, { source: { ...notesSource, startingPosition: 'LATEST' } });
  stream.shards = [parent, { ...child, records: ['4', '5', '6'] }];
  await expectDelivered(reader, ['6']);
});

test.each(['ExpiredIteratorException', 'InternalServerError'])(
  'after %s the source continues where it was',
  async (refusal) => {
    const stream = await startScriptedStream([parent]);
    stream.refusals['GetRecords'] = [refusal];
    stream.refusals['DescribeStream'] = ['InternalServerError'];
    const reader = scriptedFunction<DynamoDBStreamEvent>();
    await start(stream, reader);
    await expectDelivered(reader, ['1 2', '3']);
  },
);

test('records trimmed before their delivery are reported, and the rest is delivered', async () => {
  const checkpointDirectory = await temporaryFolder();
  const stream = await startScriptedStream([{ ...child, records: ['4'] }]);
  const first = scriptedFunction<DynamoDBStreamEvent>();
  const running = await start(stream, first, { checkpointDirectory });
  await expectDelivered(first, ['4']);
  await running.close();

  stream.shards = [{ ...child, records: ['8', '9'] }];
  stream.refusals['GetShardIterator'] = ['TrimmedDataAccessException'];
  const logged: string[] = [];
  const second = scriptedFunction<DynamoDBStreamEvent>();
  await start(stream, second, { checkpointDirectory, onLog: (line) => logged.push(line) });
  await expectDelivered(second, ['8 9']);
  expect(logged.join()).toContain('records of shard-2 were trimmed before they were delivered');
});
