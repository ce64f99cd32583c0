import { ListTablesCommand, ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  ThrottlingException,
} from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, RequestThrottled, SendMessageCommand } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { expect, onTestFinished, test, vi } from 'vitest';
import { faultSchema } from '../../../local/aws/faults/fault.ts';
import { responding, startMisbehavingServer } from '../../support/misbehaving-server.ts';
import { type RunningAws, startAws } from './running-aws.ts';
import { arnOfQueue } from './stack-options.ts';

async function startWithDynamoDb() {
  const upstream = await startMisbehavingServer();
  onTestFinished(() => upstream.close());
  upstream.behaves(responding(200, { TableNames: ['lapse'] }));
  return { upstream, aws: await startAws({ dynamodbUrl: upstream.url }) };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ResourceNotFoundException)) throw error;
}

/** One harmless call to each service. */
const calls: Readonly<Record<string, (aws: RunningAws) => Promise<unknown>>> = {
  dynamodb: (aws) => aws.dynamodb.send(new ListTablesCommand({})),
  scheduler: (aws) => aws.scheduler.send(new DeleteScheduleCommand({ Name: 'missing' })).catch(ignoreMissing),
  sqs: (aws) => aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl: aws.queueUrl('timers') })),
  eventbridge: (aws) =>
    aws.eventbridge.send(new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 't', Detail: '{}' }] })),
  secretsmanager: (aws) => aws.secrets.send(new GetSecretValueCommand({ SecretId: 'lapse/accounts' })),
};

test.each([
  ['dynamodb', 'error', 'InternalServerError', 500],
  ['scheduler', 'error', 'InternalServerException', 500],
  ['sqs', 'error', 'InternalFailure', 500],
  ['eventbridge', 'error', 'InternalException', 500],
  ['secretsmanager', 'error', 'InternalServiceError', 500],
  ['dynamodb', 'throttle', 'ProvisionedThroughputExceededException', 400],
  ['scheduler', 'throttle', 'ThrottlingException', 429],
  ['sqs', 'throttle', 'RequestThrottled', 403],
  ['eventbridge', 'throttle', 'ThrottlingException', 400],
  ['secretsmanager', 'throttle', 'ThrottlingException', 400],
] as const)('%s: the fault %s arrives as %s, once', async (target, kind, name, httpStatusCode) => {
  const { aws } = await startWithDynamoDb();
  aws.faults.inject({ target, kind, times: 1, delayMs: 0 });
  await expect(calls[target]?.(aws)).rejects.toMatchObject({
    name,
    $metadata: { httpStatusCode },
    ...(kind === 'throttle' && { message: 'Rate exceeded (an injected fault).' }),
  });
  await calls[target]?.(aws);
  expect(aws.faults.list()).toEqual([]);
});

test('throttling has the classes of the SDK, which retries by itself', async () => {
  const { aws } = await startWithDynamoDb();
  aws.faults.inject({ target: 'dynamodb', kind: 'throttle', times: 1, delayMs: 0 });
  await expect(calls['dynamodb']?.(aws)).rejects.toBeInstanceOf(ProvisionedThroughputExceededException);
  aws.faults.inject({ target: 'scheduler', kind: 'throttle', times: 1, delayMs: 0 });
  await expect(calls['scheduler']?.(aws)).rejects.toBeInstanceOf(ThrottlingException);
  aws.faults.inject({ target: 'sqs', kind: 'throttle', times: 1, delayMs: 0 });
  await expect(calls['sqs']?.(aws)).rejects.toBeInstanceOf(RequestThrottled);
});

test('a fault applies to its action only, as often as it says; 0 means until it is cleared', async () => {
  const { aws } = await startWithDynamoDb();
  const list = () => aws.dynamodb.send(new ListTablesCommand({}));
  aws.faults.inject({ target: 'dynamodb', kind: 'error', action: 'UpdateItem', times: 1, delayMs: 0 });
  await list();
  aws.faults.inject({ target: 'dynamodb', kind: 'error', action: 'ListTables', times: 2, delayMs: 0 });
  await expect(list()).rejects.toThrow();
  expect(aws.faults.list().map(({ times }) => times)).toEqual([1, 1]);
  await expect(list()).rejects.toThrow();
  await list();
  aws.faults.inject({ target: 'dynamodb', kind: 'error', times: 0, delayMs: 0 });
  for (let time = 0; time < 3; time += 1) await expect(list()).rejects.toThrow();
  aws.faults.clear();
  await list();
});

test('error and throttle do not perform the call, error-after does', async () => {
  const { aws, upstream } = await startWithDynamoDb();
  const QueueUrl = aws.queueUrl('timers');
  const send = (MessageBody: string) => aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  for (const kind of ['error', 'throttle', 'error-after'] as const) {
    aws.faults.inject({ target: 'sqs', kind, times: 1, delayMs: 0 });
    await expect(send(kind)).rejects.toThrow();
    aws.faults.inject({ target: 'dynamodb', kind, times: 1, delayMs: 0 });
    await expect(calls['dynamodb']?.(aws)).rejects.toThrow();
  }
  expect(
    aws.queues
      .get('timers')
      .list()
      .map(({ body }) => body),
  ).toEqual(['error-after']);
  expect(upstream.requests).toHaveLength(1);
});

test('a call that hangs has no response and no effect', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'sqs', kind: 'hang', times: 1 });
  const QueueUrl = aws.queueUrl('timers');
  await expect(
    aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }), {
      abortSignal: AbortSignal.timeout(150),
    }),
  ).rejects.toThrow('abort');
  expect(aws.faults.list()).toEqual([]);
  expect(aws.queues.get('timers').list()).toEqual([]);
});

test('the fault reset resets the connection', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'secretsmanager', kind: 'reset', times: 1, delayMs: 0 });
  await expect(calls['secretsmanager']?.(aws)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a slow call is performed at once and its response is late', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'sqs', kind: 'slow', times: 1, delayMs: 150 });
  const started = performance.now();
  const sending = aws.sqs.send(
    new SendMessageCommand({ QueueUrl: aws.queueUrl('timers'), MessageBody: 'x' }),
  );
  await vi.waitFor(() => expect(aws.queues.get('timers').list()).toHaveLength(1), { interval: 5 });
  expect(performance.now() - started).toBeLessThan(150);
  await sending;
  expect(performance.now() - started).toBeGreaterThanOrEqual(145);
});

test('a partial failure of PutEvents fails every second entry, beginning with the first', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'eventbridge', kind: 'partial', times: 1 });
  const Entries = [0, 1, 2].map((n) => ({ Source: 's', DetailType: 't', Detail: JSON.stringify({ n }) }));
  const response = await aws.eventbridge.send(new PutEventsCommand({ Entries }));
  expect(response.FailedEntryCount).toBe(2);
  expect(response.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'InternalFailure',
    undefined,
    'InternalFailure',
  ]);
  expect(aws.events.list().map(({ detail }) => detail)).toEqual([{ n: 1 }]);
});

test('a denied detail type is refused for good, and the other entries of the call are published', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'eventbridge', kind: 'deny', detailType: 'a', times: 1 });
  const Entries = ['a', 'b', 'a'].map((DetailType) => ({ Source: 's', DetailType, Detail: '{}' }));
  const response = await aws.eventbridge.send(new PutEventsCommand({ Entries }));
  expect(response.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'NotAuthorizedForDetailTypeException',
    undefined,
    'NotAuthorizedForDetailTypeException',
  ]);
  expect((await aws.eventbridge.send(new PutEventsCommand({ Entries }))).FailedEntryCount).toBe(0);
  aws.faults.inject({ target: 'eventbridge', kind: 'deny', times: 1 });
  expect((await aws.eventbridge.send(new PutEventsCommand({ Entries }))).FailedEntryCount).toBe(3);
});

test('the faults lose and duplicate apply to messages', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'sqs', kind: 'lose', times: 1 });
  aws.faults.inject({ target: 'sqs', kind: 'duplicate', times: 1 });
  const QueueUrl = aws.queueUrl('timers');
  for (const MessageBody of ['lost', 'twice', 'once']) {
    const sent = await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    expect(sent.MessageId).toBeDefined();
  }
  const kept = aws.queues.get('timers').list();
  expect(kept.map(({ body }) => body)).toEqual(['twice', 'twice', 'once']);
  expect(kept[0]?.id).toBe(kept[1]?.id);
});

test('the faults lose and duplicate apply to schedules that fire', async () => {
  const aws = await startAws();
  aws.faults.inject({ target: 'scheduler', kind: 'lose', times: 1 });
  aws.faults.inject({ target: 'scheduler', kind: 'duplicate', times: 1 });
  for (const Name of ['lost', 'twice', 'once']) {
    await aws.scheduler.send(
      new CreateScheduleCommand({
        Name,
        ScheduleExpression: 'at(2020-01-01T00:00:00)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: { Arn: arnOfQueue('timers'), RoleArn: 'arn:aws:iam::123456789012:role/r', Input: Name },
      }),
    );
    await vi.waitFor(() => expect(aws.schedules.list()).toEqual([]), { interval: 2 });
  }
  const bodies = aws.queues
    .get('timers')
    .list()
    .map(({ body }) => body);
  expect(bodies).toEqual(['twice', 'twice', 'once']);
});

test.each(Object.keys(calls))(
  '%s: the fault refuse refuses connections until it is cleared',
  async (target) => {
    const aws = await startAws();
    const urls: Readonly<Record<string, string>> = aws.urls;
    const responses = () => fetch(urls[target] ?? '').then(({ status }) => status);
    expect(await responses()).toBe(404);
    aws.faults.inject(v.parse(faultSchema, { target, kind: 'refuse' }));
    // The connection of the call before is still open, so it may be reset.
    const code = expect.stringMatching(/^ECONN(REFUSED|RESET)$/) as string;
    await expect(responses()).rejects.toMatchObject({ cause: { code } });
    for (const [other, url] of Object.entries(urls)) {
      if (other !== target) expect((await fetch(url)).status).toBe(404);
    }
    aws.faults.clear();
    expect(await responses()).toBe(404);
  },
);
