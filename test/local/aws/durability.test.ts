import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateScheduleCommand } from '@aws-sdk/client-scheduler';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { clientsOf, startAws } from './running-aws.ts';
import { arnOfQueue, stackOptions } from './stack-options.ts';

/** A server in a process of its own, which ends only by SIGKILL. */
async function startProcess(folder: string) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'aws-process.ts'), folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const kill = async () => {
    if (child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  onTestFinished(kill);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  const urlOf = (queue: string) => `${url}/${stackOptions.accountId}/${queue}`;
  return { ...clientsOf(url), queueUrl: urlOf, kill };
}

const schedule = (Name: string, ScheduleExpression: string) =>
  new CreateScheduleCommand({
    Name,
    GroupName: 'sessions',
    ScheduleExpression,
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: { Arn: arnOfQueue('timers'), RoleArn: 'arn:aws:iam::123456789012:role/r', Input: Name },
  });

const inSeconds = (seconds: number): string =>
  `at(${new Date(Date.now() + seconds * 1_000).toISOString().slice(0, 19)})`;

test('what the AWS server acknowledged survives a kill -9', async () => {
  const folder = await temporaryFolder();
  const doomed = await startProcess(folder);
  const QueueUrl = doomed.queueUrl('timers');
  for (const MessageBody of ['deleted', 'in flight', 'waiting']) {
    await doomed.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }
  const { Messages = [] } = await doomed.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 2, VisibilityTimeout: 43_200 }),
  );
  await doomed.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }));
  await doomed.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'late', DelaySeconds: 900 }));
  await doomed.eventbridge.send(
    new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 't', Detail: '{"n":1}' }] }),
  );
  await doomed.scheduler.send(schedule('far', 'at(2099-01-01T00:00:00)'));
  await doomed.secrets.send(
    new PutSecretValueCommand({ SecretId: 'lapse/accounts', SecretString: '{"written":{}}' }),
  );
  await doomed.secrets.send(new CreateSecretCommand({ Name: 'lapse/credentials/a', SecretString: '{}' }));
  await doomed.kill();

  const aws = await startAws({ dataDirectory: folder });
  const received = await aws.queues.get('timers').receive({
    maximum: 10,
    visibilityTimeoutSeconds: 30,
    waitMilliseconds: 0,
    signal: new AbortController().signal,
  });
  expect(received.map(({ body, attributes }) => [body, attributes['ApproximateReceiveCount']])).toEqual([
    ['in flight', '2'],
    ['waiting', '1'],
  ]);
  expect(aws.queues.get('timers').counts()).toMatchObject({ in_flight: 2, delayed: 1 });
  expect(aws.events.list()).toMatchObject([{ detail: { n: 1 } }]);
  expect(aws.schedules.list()).toMatchObject([{ name: 'far' }]);
  const secretOf = async (SecretId: string) =>
    (await aws.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  expect(await secretOf('lapse/accounts')).toBe('{"written":{}}');
  expect(await secretOf('lapse/credentials/a')).toBe('{}');
  // It holds secrets.
  expect((await stat(path.join(folder, 'aws.sqlite'))).mode & 0o077).toBe(0);
});

test('a schedule whose time passed while the server was down fires at the start', async () => {
  const folder = await temporaryFolder();
  const first = await startAws({ dataDirectory: folder });
  await first.scheduler.send(schedule('missed', inSeconds(3)));
  const [{ firesAt } = { firesAt: Number.NaN }] = first.schedules.list();
  await first.close();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(firesAt), 10_000);

  const second = await startAws({ dataDirectory: folder });
  const [message] = await second.queues.get('timers').receive({
    maximum: 1,
    visibilityTimeoutSeconds: 30,
    waitMilliseconds: 5_000,
    signal: new AbortController().signal,
  });
  expect(message?.body).toBe('missed');
  expect(second.schedules.list()).toEqual([]);
});

test('messages in flight are visible at once after a restart', async () => {
  const folder = await temporaryFolder();
  const first = await startAws({ dataDirectory: folder });
  first.queues.get('timers').send({ body: 'again' });
  const request = {
    maximum: 1,
    visibilityTimeoutSeconds: 600,
    waitMilliseconds: 0,
    signal: new AbortController().signal,
  };
  const [before] = await first.queues.get('timers').receive(request);
  await first.close();

  const second = await startAws({ dataDirectory: folder });
  const [after] = await second.queues.get('timers').receive(request);
  expect(after?.messageId).toBe(before?.messageId);
  expect(after?.receiptHandle).not.toBe(before?.receiptHandle);
});

test('without a folder the AWS server stores nothing', async () => {
  const first = await startAws();
  first.queues.get('timers').send({ body: 'gone' });
  await first.close();
  const second = await startAws();
  expect(second.queues.get('timers').counts()).toMatchObject({ visible: 0 });
});
