import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  MessageNotInflight,
  QueueDoesNotExist,
  ReceiptHandleIsInvalid,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { expect, test, vi } from 'vitest';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import { type RunningAws, startAws } from './running-aws.ts';
import { arnOfQueue, stackOptions } from './stack-options.ts';

async function open(queueName = 'timers') {
  const aws = await startAws();
  const QueueUrl = aws.queueUrl(queueName);
  return {
    aws,
    QueueUrl,
    send: (MessageBody: string, more: Partial<SendMessageCommandInput> = {}) =>
      aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more })),
    receive: async (more: Partial<ReceiveMessageCommandInput> = {}) =>
      (await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl, ...more }))).Messages ?? [],
  };
}

const counts = async (aws: RunningAws, queueName: string) => {
  const { Attributes } = await aws.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: aws.queueUrl(queueName), AttributeNames: ['All'] }),
  );
  return (['', 'NotVisible', 'Delayed'] as const).map(
    (kind) => Attributes?.[`ApproximateNumberOfMessages${kind}`],
  );
};

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

test('a message is sent, received and deleted', async () => {
  const { aws, QueueUrl, send, receive } = await open();
  const before = Date.now();
  const sent = await send('hej å 💳');
  expect(sent.MD5OfMessageBody).toBe(md5('hej å 💳'));
  const [message] = await receive({ MessageSystemAttributeNames: ['All'] });
  expect(message).toMatchObject({
    MessageId: sent.MessageId,
    Body: 'hej å 💳',
    MD5OfBody: md5('hej å 💳'),
    Attributes: { ApproximateReceiveCount: '1', SenderId: stackOptions.accountId },
  });
  expect(Number(message?.Attributes?.SentTimestamp)).toBeGreaterThanOrEqual(before);
  expect(await counts(aws, 'timers')).toEqual(['0', '1', '0']);
  await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  expect(await counts(aws, 'timers')).toEqual(['0', '0', '0']);
});

test('a queue has a URL on this server, and its attributes', async () => {
  const { aws, QueueUrl } = await open();
  expect(QueueUrl).toBe(`${aws.url}/123456789012/timers`);
  const { Attributes } = await aws.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn', 'RedrivePolicy'] }),
  );
  expect(Attributes).toEqual({
    QueueArn: arnOfQueue('timers'),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOfQueue('dead-letters'), maxReceiveCount: 2 }),
  });
});

test('message attributes arrive as they were sent, when they are asked for', async () => {
  const { send, receive } = await open();
  const MessageAttributes = {
    kind: { DataType: 'String', StringValue: 'timer' },
    'trace.id': { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1, 255]) },
  };
  const sent = await send('a', { MessageAttributes });
  // The digest by boto3's rule: name, type, kind and value, each with its length.
  const digest = createHash('md5');
  for (const [part, bytes] of [
    ['kind', Buffer.from('String')],
    [1, Buffer.from('timer')],
    ['trace.id', Buffer.from('Binary')],
    [2, Buffer.of(0, 1, 255)],
  ] as const) {
    const prefix = typeof part === 'string' ? withLength(Buffer.from(part)) : Buffer.of(part);
    digest.update(prefix).update(withLength(bytes));
  }
  expect(sent.MD5OfMessageAttributes).toBe(digest.digest('hex'));
  const [bare] = await receive({ VisibilityTimeout: 0 });
  expect([bare?.MessageAttributes, bare?.Attributes]).toEqual([undefined, undefined]);
  const [some] = await receive({ VisibilityTimeout: 0, MessageAttributeNames: ['trace.*'] });
  expect(Object.keys(some?.MessageAttributes ?? {})).toEqual(['trace.id']);
  await send('b', { MessageAttributes });
  const all = await receive({ MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] });
  expect(all.at(-1)).toMatchObject({
    MessageAttributes,
    MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
  });
});

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

test('a message that is not deleted is visible again after its visibility timeout', async () => {
  const { send, receive } = await open('short-visibility');
  await send('again');
  const [first] = await receive();
  const [second] = await receive({
    WaitTimeSeconds: 5,
    MessageSystemAttributeNames: ['ApproximateReceiveCount'],
  });
  expect(second?.MessageId).toBe(first?.MessageId);
  expect(second?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
});

test('a message in flight stays invisible', async () => {
  const { send, receive } = await open();
  await send('once');
  expect(await receive()).toHaveLength(1);
  expect(await receive()).toHaveLength(0);
});

test('the receipt handle of an earlier receipt deletes nothing', async () => {
  const { aws, QueueUrl, send, receive } = await open();
  await send('twice');
  const [first] = await receive({ VisibilityTimeout: 0 });
  await receive();
  await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
  expect(await counts(aws, 'timers')).toEqual(['0', '1', '0']);
  await expect(
    aws.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: first?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    ),
  ).rejects.toBeInstanceOf(MessageNotInflight);
});

test('a longer visibility timeout keeps a message invisible', async () => {
  const { aws, QueueUrl, send, receive } = await open('short-visibility');
  await send('hidden');
  const [message] = await receive({ VisibilityTimeout: 10 });
  await aws.sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl,
      ReceiptHandle: message?.ReceiptHandle,
      VisibilityTimeout: 600,
    }),
  );
  await send('short wait');
  const next = await receive({ WaitTimeSeconds: 5 });
  expect(next.map(({ Body }) => Body)).toEqual(['short wait']);
});

test('a long poll ends as soon as there is a message', async () => {
  const { send, receive } = await open();
  const started = performance.now();
  const polling = receive({ WaitTimeSeconds: 20 });
  await send('at last');
  expect(await polling).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('a long poll ends empty after its time, and a delayed message is not visible before its delay ends', async () => {
  const { aws, send, receive } = await open();
  const sent = Date.now();
  await send('later', { DelaySeconds: 2 });
  expect(await counts(aws, 'timers')).toEqual(['0', '0', '1']);
  const asked = Date.now();
  expect(await receive({ WaitTimeSeconds: 1 })).toHaveLength(0);
  expect(Date.now() - asked).toBeGreaterThanOrEqual(1_000);
  expect(await receive({ WaitTimeSeconds: 5 })).toHaveLength(1);
  expect(Date.now() - sent).toBeGreaterThanOrEqual(2_000);
});

test('a caller that disconnects during a long poll takes no message', async () => {
  const { aws, QueueUrl, send, receive } = await open();
  const hangUp = new AbortController();
  const polling = aws.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
    abortSignal: hangUp.signal,
  });
  // The response to another call shows that the server has received the first.
  await counts(aws, 'timers');
  hangUp.abort();
  await expect(polling).rejects.toThrow('abort');
  await send('still there', { DelaySeconds: 1 });
  expect(await receive({ WaitTimeSeconds: 5 })).toHaveLength(1);
});

test('a message that was received too often goes to the dead-letter queue', async () => {
  const { aws, send, receive } = await open('short-visibility');
  const { MessageId } = await send('poison');
  await receive({ VisibilityTimeout: 0 });
  await receive({ VisibilityTimeout: 0 });
  expect(await receive()).toHaveLength(0);
  const { Messages = [] } = await aws.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: aws.queueUrl('dead-letters'),
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  );
  expect(Messages).toMatchObject([
    { MessageId, Body: 'poison', Attributes: { ApproximateReceiveCount: '3' } },
  ]);
  expect(aws.queues.deadLetters()).toMatchObject([
    { queueName: 'dead-letters', id: MessageId, body: 'poison', receiveCount: 3 },
  ]);
});

test('a waiting reader of the dead-letter queue receives a message that is moved there', async () => {
  const { aws, send, receive } = await open('short-visibility');
  await send('poison');
  const reader = aws.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: aws.queueUrl('dead-letters'), WaitTimeSeconds: 20 }),
  );
  for (let time = 0; time < 3; time += 1) await receive({ VisibilityTimeout: 0 });
  expect((await reader).Messages).toHaveLength(1);
});

test('a message older than the retention period is deleted', async () => {
  const { aws, send } = await open('short-retention');
  await send('old');
  await vi.waitFor(async () => expect(await counts(aws, 'short-retention')).toEqual(['0', '0', '0']));
});

test('errors have the SDK’s own classes', async () => {
  const { aws, QueueUrl, send, receive } = await open();
  await expect(send('x', { QueueUrl: aws.queueUrl('missing') })).rejects.toBeInstanceOf(QueueDoesNotExist);
  await expect(
    aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'nonsense' })),
  ).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
  const message = expect.stringMatching(/DelaySeconds is 901; allowed: .*900/) as string;
  await expect(send('x', { DelaySeconds: 901 })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message,
  });
  await expect(send('')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  await expect(send('x'.repeat(1_048_577))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toMatchObject({
    message: 'MaxNumberOfMessages is 11; allowed: a whole number from 1 to 10.',
  });
  await expect(
    aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] })),
  ).rejects.toMatchObject({ name: 'InvalidAttributeName' });
});

test('a queue in this process returns messages as in Lambda’s event', async () => {
  const { aws, send } = await open();
  const queue = aws.queues.get('timers');
  const request = { maximum: 10, visibilityTimeoutSeconds: 30, waitMilliseconds: 5_000 };
  const receiving = queue.receive({ ...request, signal: new AbortController().signal });
  await send('a', { MessageAttributes: { kind: { DataType: 'String', StringValue: 'timer' } } });
  const [message] = await receiving;
  expect(message).toMatchObject({
    body: 'a',
    md5OfBody: md5('a'),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: { kind: { dataType: 'String', stringValue: 'timer' } },
  });
  await queue.delete(message?.receiptHandle ?? '');
  await expect(queue.delete('nonsense')).rejects.toMatchObject({ code: 'ReceiptHandleIsInvalid' });
  expect(queue.counts()).toMatchObject({ visible: 0, in_flight: 0 });
  expect(() => aws.queues.get('missing')).toThrow('There is no queue missing; known: timers, dead-letters');
});

test('a receiver in this process ends when its signal aborts, and when the server closes', async () => {
  const { aws } = await open();
  const leaving = new AbortController();
  const request = { maximum: 1, visibilityTimeoutSeconds: 30, waitMilliseconds: 60_000 };
  const [one, other] = [leaving.signal, new AbortController().signal].map((signal) =>
    aws.queues.get('timers').receive({ ...request, signal }),
  );
  leaving.abort();
  expect(await one).toEqual([]);
  await aws.close();
  expect(await other).toEqual([]);
});

test('a delayed message arrives when the clock moves past its delay', async () => {
  const clock = new LocalClock();
  const { sqs, ...aws } = await startAws({ clock });
  const QueueUrl = aws.queueUrl('timers');
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 900 }));
  const received = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  clock.advance(10_000);
  expect((await received).Messages).toBeUndefined();
  clock.advance(890_000);
  expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toMatchObject([
    { Body: 'later' },
  ]);
});
