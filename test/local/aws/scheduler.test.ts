import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ResourceNotFoundException,
  UpdateScheduleCommand,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import { expect, test, vi } from 'vitest';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import { type RunningAws, startAws } from './running-aws.ts';
import { arnOfQueue } from './stack-options.ts';

const farAway = 'at(2099-01-02T03:04:05)';
const longAgo = 'at(2020-01-01T00:00:00)';
const key = { Name: 'lapse-a.b_c', GroupName: 'sessions' };

const target = {
  Arn: arnOfQueue('timers'),
  RoleArn: 'arn:aws:iam::123456789012:role/scheduler',
  Input: '{"payment_request_id":"krn:1"}',
};

const scheduleOf = (more: Partial<CreateScheduleCommandInput> = {}): CreateScheduleCommandInput => ({
  ...key,
  ScheduleExpression: farAway,
  FlexibleTimeWindow: { Mode: 'OFF' },
  ActionAfterCompletion: 'DELETE',
  Target: target,
  ...more,
});

const create = (aws: RunningAws, more: Partial<CreateScheduleCommandInput> = {}) =>
  aws.scheduler.send(new CreateScheduleCommand(scheduleOf(more)));

/** Waits for the next message of a queue. */
async function nextMessage(aws: RunningAws, queueName = 'timers') {
  const [message] = await aws.queues.get(queueName).receive({
    maximum: 1,
    visibilityTimeoutSeconds: 30,
    waitMilliseconds: 5_000,
    signal: new AbortController().signal,
  });
  return message;
}

test('a schedule is created, read and deleted', async () => {
  const aws = await startAws();
  const { ScheduleArn } = await create(aws, { Description: 'a timer' });
  expect(ScheduleArn).toBe('arn:aws:scheduler:eu-north-1:123456789012:schedule/sessions/lapse-a.b_c');
  const read = await aws.scheduler.send(new GetScheduleCommand(key));
  expect(read).toMatchObject({
    Arn: ScheduleArn,
    ...key,
    ScheduleExpression: farAway,
    ScheduleExpressionTimezone: 'UTC',
    State: 'ENABLED',
    ActionAfterCompletion: 'DELETE',
    Description: 'a timer',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { ...target, RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 } },
  });
  expect(Math.abs(Date.now() - (read.CreationDate?.getTime() ?? 0))).toBeLessThan(5_000);
  expect(aws.schedules.list()).toMatchObject([
    { group: 'sessions', name: 'lapse-a.b_c', firesAt: Date.parse('2099-01-02T03:04:05Z') },
  ]);
  await aws.scheduler.send(new DeleteScheduleCommand(key));
  expect(aws.schedules.list()).toEqual([]);
  await expect(aws.scheduler.send(new GetScheduleCommand(key))).rejects.toBeInstanceOf(
    ResourceNotFoundException,
  );
  await expect(aws.scheduler.send(new DeleteScheduleCommand(key))).rejects.toBeInstanceOf(
    ResourceNotFoundException,
  );
});

test('an existing name is refused, unless the same call is repeated with its token', async () => {
  const aws = await startAws();
  await create(aws, { ClientToken: 'token' });
  await create(aws, { ClientToken: 'token' });
  await expect(create(aws, { ClientToken: 'other' })).rejects.toBeInstanceOf(ConflictException);
  await expect(
    create(aws, { ClientToken: 'token', Target: { ...target, Input: 'other' } }),
  ).rejects.toBeInstanceOf(ConflictException);
  await create(aws, { GroupName: undefined });
  expect(aws.schedules.list().map(({ group }) => group)).toEqual(['default', 'sessions']);
});

test('an update overwrites every field', async () => {
  const aws = await startAws();
  await create(aws, { Description: 'first', State: 'DISABLED' });
  const before = await aws.scheduler.send(new GetScheduleCommand(key));
  await aws.scheduler.send(new UpdateScheduleCommand({ ...scheduleOf(), ActionAfterCompletion: undefined }));
  const after = await aws.scheduler.send(new GetScheduleCommand(key));
  expect(after).toMatchObject({
    State: 'ENABLED',
    ActionAfterCompletion: 'NONE',
    CreationDate: before.CreationDate,
  });
  expect(after.Description).toBeUndefined();
  await expect(
    aws.scheduler.send(new UpdateScheduleCommand(scheduleOf({ Name: 'missing' }))),
  ).rejects.toBeInstanceOf(ResourceNotFoundException);
});

test('an unknown schedule group is not found', async () => {
  const aws = await startAws();
  const creating = create(aws, { GroupName: 'missing' });
  await expect(creating).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(creating).rejects.toThrow('Schedule group missing does not exist.');
});

test.each<[string, Partial<CreateScheduleCommandInput>, string]>([
  ['a name with a colon', { Name: 'krn:1' }, 'Name is "krn:1"; allowed: 1 to 64 letters'],
  ['a name of 65', { Name: 'a'.repeat(65) }, 'allowed: 1 to 64 letters'],
  ['no expression', { ScheduleExpression: undefined }, 'ScheduleExpression is missing.'],
  ['a time with Z', { ScheduleExpression: 'at(2099-01-01T00:00:00Z)' }, 'allowed: at(yyyy-mm-ddThh:mm:ss)'],
  ['31 February', { ScheduleExpression: 'at(2099-02-31T00:00:00)' }, 'allowed: at(yyyy-mm-ddThh:mm:ss)'],
  ['a rate', { ScheduleExpression: 'rate(1 minute)' }, 'supports one-time schedules only'],
  ['another zone', { ScheduleExpressionTimezone: 'Europe/Stockholm' }, 'allowed: UTC'],
  ['no target', { Target: undefined }, 'Target is missing.'],
  ['no role', { Target: { ...target, RoleArn: undefined } }, 'Target.RoleArn is missing.'],
  [
    'a function',
    { Target: { ...target, Arn: 'arn:aws:lambda:eu-north-1:123456789012:function:f' } },
    'queue',
  ],
  ['no window', { FlexibleTimeWindow: undefined }, 'FlexibleTimeWindow is missing.'],
  ['a wrong state', { State: 'MAYBE' as 'ENABLED' }, 'State is "MAYBE"'],
])('%s is refused', async (_, more, message) => {
  const aws = await startAws();
  const creating = create(aws, more);
  await expect(creating).rejects.toBeInstanceOf(ValidationException);
  await expect(creating).rejects.toThrow(message);
});

test('a schedule fires at its time, sends to the queue, and is deleted', async () => {
  const aws = await startAws();
  const second = Math.ceil((Date.now() + 200) / 1_000);
  const time = new Date(second * 1_000).toISOString().slice(0, 19);
  await create(aws, { ScheduleExpression: `at(${time})` });
  const message = await nextMessage(aws);
  expect(Date.now() - second * 1_000).toBeGreaterThanOrEqual(0);
  expect(Number(message?.attributes['SentTimestamp']) - second * 1_000).toBeLessThan(1_000);
  expect(message?.body).toBe(target.Input);
  expect(aws.schedules.list()).toEqual([]);
});

test('a schedule that is kept after its completion fires once', async () => {
  const aws = await startAws();
  await create(aws, { ScheduleExpression: longAgo, ActionAfterCompletion: 'NONE' });
  expect((await nextMessage(aws))?.body).toBe(target.Input);
  expect(aws.schedules.list()).toMatchObject([{ name: key.Name, nextAttemptAt: undefined }]);
  await create(aws, { Name: 'next', ScheduleExpression: longAgo, Target: { ...target, Input: 'next' } });
  expect((await nextMessage(aws))?.body).toBe('next');
});

test('a disabled schedule does not fire until it is enabled', async () => {
  const aws = await startAws();
  await create(aws, { ScheduleExpression: longAgo, State: 'DISABLED' });
  await create(aws, { Name: 'other', ScheduleExpression: longAgo, Target: { ...target, Input: 'other' } });
  expect((await nextMessage(aws))?.body).toBe('other');
  expect(aws.schedules.list()).toHaveLength(1);
  await aws.scheduler.send(new UpdateScheduleCommand(scheduleOf({ ScheduleExpression: longAgo })));
  expect((await nextMessage(aws))?.body).toBe(target.Input);
});

test('an update moves the time of a schedule', async () => {
  const aws = await startAws();
  await create(aws);
  await aws.scheduler.send(
    new UpdateScheduleCommand(
      scheduleOf({ ScheduleExpression: longAgo, Target: { ...target, Input: 'moved' } }),
    ),
  );
  expect((await nextMessage(aws))?.body).toBe('moved');
});

test('a message that cannot be delivered goes to the dead-letter queue after its retries', async () => {
  const aws = await startAws();
  const Arn = arnOfQueue('missing');
  await create(aws, {
    ScheduleExpression: longAgo,
    Target: {
      ...target,
      Arn,
      RetryPolicy: { MaximumRetryAttempts: 0 },
      DeadLetterConfig: { Arn: arnOfQueue('dead-letters') },
    },
  });
  const letter = await nextMessage(aws, 'dead-letters');
  expect(letter?.body).toBe(target.Input);
  expect(letter?.messageAttributes).toMatchObject({
    ERROR_CODE: { stringValue: 'AWS.SimpleQueueService.NonExistentQueue' },
    EXHAUSTED_RETRY_CONDITION: { stringValue: 'MaximumRetryAttempts' },
    RETRY_ATTEMPTS: { stringValue: '0' },
    TARGET_ARN: { stringValue: Arn },
  });
  expect(aws.schedules.list()).toEqual([]);
});

test('a message that cannot be delivered is retried while its retries last', async () => {
  const aws = await startAws();
  const second = new Date().toISOString().slice(0, 19);
  await create(aws, {
    ScheduleExpression: `at(${second})`,
    Target: { ...target, Arn: arnOfQueue('missing'), RetryPolicy: { MaximumRetryAttempts: 1 } },
  });
  await vi.waitFor(() =>
    expect(aws.schedules.list()).toMatchObject([{ failedAttempts: 1, firesAt: Date.parse(`${second}Z`) }]),
  );
  expect(aws.schedules.list()[0]?.nextAttemptAt).toBeGreaterThan(Date.now());
  await vi.waitFor(() => expect(aws.schedules.list()).toEqual([]), 5_000);
});

test('a schedule fires when the clock moves past its time', async () => {
  const clock = new LocalClock();
  const aws = await startAws({ clock });
  await create(aws);
  clock.advance(Date.parse('2099-01-02T03:04:05Z') - Date.now());
  expect(await nextMessage(aws)).toMatchObject({ body: target.Input });
});
