import type { SQSEvent } from 'aws-lambda';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { QueueSourceOptions } from '../../../local/triggers/queue-source.ts';
import { startQueueSource } from '../../../local/triggers/queue-source.ts';
import { InMemoryQueue } from './in-memory-queue.ts';
import type { ScriptedFunction } from './scripted-function.ts';
import { failed, failures, scriptedFunction, throttled } from './scripted-function.ts';

function start(
  consumer: ScriptedFunction<SQSEvent>,
  source: Partial<QueueSourceOptions['source']> = {},
  options: Partial<QueueSourceOptions> = {},
) {
  const queue = new InMemoryQueue();
  const running = startQueueSource({
    queue,
    queueArn: 'arn:aws:sqs:eu-north-1:123456789012:timers',
    region: 'eu-north-1',
    visibilityTimeoutSeconds: 90,
    onLog: () => undefined,
    ...options,
    source: {
      functionId: 'Consumer',
      queueName: 'timers',
      batchSize: 10,
      maximumBatchingWindowSeconds: 0,
      reportBatchItemFailures: true,
      maximumConcurrency: undefined,
      ...source,
    },
    invoke: consumer.invoke,
  });
  onTestFinished(() => running.close());
  return { queue, running };
}

function batches(consumer: ScriptedFunction<SQSEvent>): string[] {
  return consumer.events.map((event) => event.Records.map((record) => record.body).join(' '));
}

const soon = { timeout: 2_000, interval: 2 };

test('a message arrives in the shape of Lambda’s event and is deleted', async () => {
  const consumer = scriptedFunction<SQSEvent>();
  const { queue } = start(consumer);
  queue.send('a');
  await vi.waitFor(() => {
    expect(consumer.events).toHaveLength(1);
    expect(queue.left()).toEqual([]);
  }, soon);
  expect(consumer.events[0]).toEqual({
    Records: [
      {
        messageId: 'id-a',
        receiptHandle: 'handle-1',
        body: 'a',
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1795443635000' },
        messageAttributes: {},
        md5OfBody: 'md5-of-a',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-north-1:123456789012:timers',
        awsRegion: 'eu-north-1',
      },
    ],
  });
  expect([...queue.visibilityTimeouts]).toEqual([90]);
});

test('a batch has at most the batch size', async () => {
  const consumer = scriptedFunction<SQSEvent>();
  const { queue } = start(consumer, { batchSize: 2 });
  queue.send('a', 'b', 'c');
  await vi.waitFor(() => expect(batches(consumer)).toEqual(['a b', 'c']), soon);
});

test('a window gathers messages until the batch is full', async () => {
  const consumer = scriptedFunction<SQSEvent>();
  const { queue } = start(consumer, { batchSize: 12, maximumBatchingWindowSeconds: 300 });
  const bodies = Array.from({ length: 12 }, (_, index) => `m${index}`);
  queue.send(...bodies.slice(0, 11));
  queue.send(...bodies.slice(11));
  await vi.waitFor(() => expect(batches(consumer)).toEqual([bodies.join(' ')]), soon);
});

test('a window delivers what there is when it ends', async () => {
  const consumer = scriptedFunction<SQSEvent>();
  const { queue } = start(consumer, { maximumBatchingWindowSeconds: 0.02 });
  queue.send('a');
  await vi.waitFor(() => expect(batches(consumer)).toEqual(['a']), soon);
});

test('messages that the function reports as failed stay, the others are deleted', async () => {
  const consumer = scriptedFunction<SQSEvent>(() => failures('id-b'));
  const { queue } = start(consumer);
  queue.send('a', 'b', 'c');
  await vi.waitFor(() => {
    expect(consumer.events).toHaveLength(1);
    expect(queue.left()).toEqual(['b']);
  }, soon);
});

test.each([
  { what: 'null', payload: null },
  { what: 'an empty object', payload: {} },
  { what: 'no failures', payload: { batchItemFailures: [] } },
  { what: 'null failures', payload: { batchItemFailures: null } },
])('a response of $what is success', async ({ payload }) => {
  const consumer = scriptedFunction<SQSEvent>(() => ({ kind: 'response', payload }));
  const { queue } = start(consumer);
  queue.send('a', 'b');
  await vi.waitFor(() => {
    expect(consumer.events).toHaveLength(1);
    expect(queue.left()).toEqual([]);
  }, soon);
});

test.each([
  { what: 'a function error', result: failed },
  { what: 'an unknown message', result: failures('id-a', 'id-x') },
  { what: 'an empty identifier', result: failures('') },
  {
    what: 'a null identifier',
    result: { kind: 'response', payload: { batchItemFailures: [{ itemIdentifier: null }] } } as const,
  },
  {
    what: 'a misspelled key',
    result: { kind: 'response', payload: { batchItemFailures: [{ itemId: 'id-a' }] } } as const,
  },
  { what: 'a list of text', result: { kind: 'response', payload: { batchItemFailures: 'id-a' } } as const },
  { what: 'text', result: { kind: 'response', payload: 'ok' } as const },
])('$what leaves the whole batch in the queue', async ({ result }) => {
  const logged: string[] = [];
  const consumer = scriptedFunction<SQSEvent>(() => result);
  const { queue } = start(consumer, {}, { onLog: (line) => logged.push(line) });
  queue.send('a', 'b');
  await vi.waitFor(() => expect(logged.join()).toContain('2 of 2 messages stay'), soon);
  expect(queue.left()).toEqual(['a', 'b']);
  expect(consumer.events).toHaveLength(1);
});

test('without ReportBatchItemFailures the response has no meaning', async () => {
  const consumer = scriptedFunction<SQSEvent>(() => failures('id-a'));
  const { queue } = start(consumer, { reportBatchItemFailures: false });
  queue.send('a');
  await vi.waitFor(() => {
    expect(consumer.events).toHaveLength(1);
    expect(queue.left()).toEqual([]);
  }, soon);
});

test('at most the maximum concurrency of batches runs at a time', async () => {
  const responses: (() => void)[] = [];
  const consumer = scriptedFunction<SQSEvent>(async () => {
    await new Promise<void>((resolve) => responses.push(resolve));
    return { kind: 'response', payload: null };
  });
  const { queue } = start(consumer, { batchSize: 1, maximumConcurrency: 2 });
  queue.send('a', 'b', 'c', 'd');
  await vi.waitFor(() => expect(batches(consumer)).toEqual(['a', 'b']), soon);
  expect(queue.visible.map((message) => message.body)).toEqual(['c', 'd']);
  responses[1]?.();
  await vi.waitFor(() => expect(batches(consumer)).toEqual(['a', 'b', 'c']), soon);
  expect(queue.left()).toEqual(['a', 'c']);
  for (const response of responses) response();
  await vi.waitFor(() => expect(responses).toHaveLength(4), soon);
  responses[3]?.();
});

test('a throttled batch is retried with the same receipt', async () => {
  const consumer = scriptedFunction<SQSEvent>((_, invocation) => (invocation < 3 ? throttled : undefined));
  const { queue } = start(consumer);
  queue.send('a');
  await vi.waitFor(() => {
    expect(consumer.events).toHaveLength(3);
    expect(queue.left()).toEqual([]);
  }, soon);
});

test('a batch throttled for the whole visibility timeout returns to the queue', async () => {
  const logged: string[] = [];
  const consumer = scriptedFunction<SQSEvent>(() => throttled);
  const { queue } = start(
    consumer,
    {},
    { visibilityTimeoutSeconds: 0.1, onLog: (line) => logged.push(line) },
  );
  queue.send('a');
  await vi.waitFor(() => expect(logged.join()).toContain('1 of 1 messages stay: throttled'), soon);
  expect(queue.left()).toEqual(['a']);
});

test('a queue that fails is asked again', async () => {
  const logged: string[] = [];
  const consumer = scriptedFunction<SQSEvent>();
  const { queue } = start(consumer, { batchSize: 1 }, { onLog: (line) => logged.push(line) });
  queue.send('a');
  queue.failure = new Error('queue is away');
  queue.send('b');
  await vi.waitFor(() => expect(batches(consumer)).toEqual(['a', 'b']), soon);
  expect(logged.join()).toContain('queue is away');
});

test('closing ends the long poll at once and waits for the running batch', async () => {
  const response = Promise.withResolvers<undefined>();
  const consumer = scriptedFunction<SQSEvent>(async () => {
    await response.promise;
    return { kind: 'response', payload: null };
  });
  const { queue, running } = start(consumer);
  queue.send('a');
  await vi.waitFor(() => expect(consumer.events).toHaveLength(1), soon);
  const closing = running.close();
  response.resolve(undefined);
  await closing;
  expect(queue.left()).toEqual([]);

  queue.send('late');
  expect(queue.visible).toHaveLength(1);
});
