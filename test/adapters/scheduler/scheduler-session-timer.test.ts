import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleInput,
  InternalServerException,
  ResourceNotFoundException,
  SchedulerClient,
  ThrottlingException,
  UpdateScheduleCommand,
  type UpdateScheduleInput,
} from '@aws-sdk/client-scheduler';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  scheduleNameOf,
  SchedulerSessionTimer,
} from '../../../functions/adapters/scheduler/scheduler-session-timer.ts';
import type { Account, PaymentRequestId } from '../../../functions/domain/identifiers.ts';
import {
  formatInstant,
  type Instant,
  instantFromMillis,
  plusMillis,
} from '../../../functions/domain/instant.ts';
import { at, key, noon } from '../../support/fixtures.ts';
import { afterNoon } from '../../support/sessions.ts';
import { CountingIds, VirtualClock } from '../../support/virtual-clock.ts';
import { traceIdOf } from '../../../functions/domain/trace.ts';

const schedulerClient = new SchedulerClient({ region: 'eu-north-1' });
const sqsClient = new SQSClient({ region: 'eu-north-1' });
const scheduler = mockClient(schedulerClient);
const sqs = mockClient(sqsClient);

const queueUrl = 'https://sqs.eu-north-1.amazonaws.com/000000000000/timers';
const ids = new CountingIds();
const timerWith = (shortTimerSeconds = 90) =>
  new SchedulerSessionTimer({
    scheduler: schedulerClient,
    sqs: sqsClient,
    clock: new VirtualClock('2026-03-01T12:00:00Z'),
    ids,
    groupName: 'lapse-sessions',
    roleArn: 'arn:aws:iam::000000000000:role/scheduler',
    queueArn: 'arn:aws:sqs:eu-north-1:000000000000:timers',
    queueUrl,
    deadLetterQueueArn: 'arn:aws:sqs:eu-north-1:000000000000:timers-dead',
    shortTimerSeconds,
  });
const timer = timerWith();

const fault = { message: 'no', $metadata: {} };
const conflict = new ConflictException({ ...fault, Message: 'exists' });
const missing = new ResourceNotFoundException({ ...fault, Message: 'gone' });
const messageFor = (deadlineAt: Instant) =>
  JSON.stringify({
    account: 'shop-se',
    payment_request_id: key.paymentRequestId,
    deadline_at: formatInstant(deadlineAt),
    trace_id: traceIdOf(key.paymentRequestId),
  });

/** The commands that both services got, in order. */
const sent = () =>
  [...scheduler.calls(), ...sqs.calls()]
    .toSorted((a, b) => (a.calledBefore(b) ? -1 : 1))
    .map((call) => call.args[0].constructor.name.replace(/Command$/, ''));

beforeEach(() => {
  scheduler.reset();
  sqs.reset();
  scheduler.resolves({});
  sqs.resolves({});
});

describe('the name of a schedule', () => {
  it('a schedule name is legal and unique for every account and id', () => {
    const text = fc.oneof(
      fc.constantFrom('', 'a\nb', 'krn:payment:eu1:request:x', '__proto__', '💶', '\u0000', 'x'.repeat(300)),
      fc.string(),
    );
    const names = new Map<string, string>();
    fc.assert(
      fc.property(text, text, (account, paymentRequestId) => {
        const name = scheduleNameOf({
          account: account as Account,
          paymentRequestId: paymentRequestId as PaymentRequestId,
        });
        expect(name).toMatch(/^lapse-[a-z2-7]{52}$/);
        expect(name.length).toBeLessThanOrEqual(64);
        const identity = JSON.stringify([account, paymentRequestId]);
        expect(names.get(name) ?? identity).toBe(identity);
        names.set(name, identity);
      }),
    );
  });

  it('a schedule name is the base32 of SHA-256', () => {
    // printf 'shop-se\nkrn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4' | sha256sum | xxd -r -p | base32
    expect(scheduleNameOf(key)).toBe('lapse-wdhpomwys663unnqrio7pakdnsqygym3kcmg2o7evujqd7s5rtwa');
  });
});

describe('arm, for a deadline more than 90 seconds away', () => {
  it('arm makes one schedule that sends to the queue and then deletes itself', async () => {
    expect(await timer.arm(key, afterNoon(30))).toBe(false);
    expect(sent()).toEqual(['CreateSchedule']);
    expect(scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input).toEqual({
      Name: scheduleNameOf(key),
      GroupName: 'lapse-sessions',
      ScheduleExpression: 'at(2026-03-01T12:30:00)',
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      ActionAfterCompletion: 'DELETE',
      ClientToken: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      Target: {
        Arn: 'arn:aws:sqs:eu-north-1:000000000000:timers',
        RoleArn: 'arn:aws:iam::000000000000:role/scheduler',
        Input: messageFor(afterNoon(30)),
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 10 },
        DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-north-1:000000000000:timers-dead' },
      },
    });
  });

  it.each([
    ['2026-03-01T12:30:00Z', 'at(2026-03-01T12:30:00)'],
    ['2026-03-01T12:30:00.001Z', 'at(2026-03-01T12:30:01)'],
    ['2026-03-01T12:30:00.999999999Z', 'at(2026-03-01T12:30:01)'],
    ['2026-03-01T12:30:00.000000001Z', 'at(2026-03-01T12:30:01)'],
    ['2026-12-31T23:59:59.5Z', 'at(2027-01-01T00:00:00)'],
  ])('the schedule for %s is %s, never before the deadline', async (deadline, expression) => {
    await timer.arm(key, at(deadline));
    expect(scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input.ScheduleExpression).toBe(
      expression,
    );
  });

  it('a deadline that moves there and back moves the schedule, although Scheduler remembers every client token', async () => {
    const tokens = new Set<string | undefined>();
    const schedules = new Map<string | undefined, string | undefined>();
    const isRepeated = (token: string | undefined) => tokens.has(token) || !tokens.add(token);
    scheduler.on(CreateScheduleCommand).callsFake(({ Name, Target, ClientToken }: CreateScheduleInput) => {
      if (isRepeated(ClientToken)) return Promise.resolve({});
      if (schedules.has(Name)) return Promise.reject(conflict);
      schedules.set(Name, Target?.Input);
      return Promise.resolve({});
    });
    scheduler
      .on(GetScheduleCommand)
      .callsFake(({ Name }: GetScheduleInput) => Promise.resolve({ Target: { Input: schedules.get(Name) } }));
    scheduler.on(UpdateScheduleCommand).callsFake(({ Name, Target, ClientToken }: UpdateScheduleInput) => {
      if (!isRepeated(ClientToken)) schedules.set(Name, Target?.Input);
      return Promise.resolve({});
    });
    for (const minutes of [30, 40, 30, 40, 40]) {
      await timer.arm(key, afterNoon(minutes));
      expect(schedules.get(scheduleNameOf(key))).toBe(messageFor(afterNoon(minutes)));
    }
  });
});

describe('arm, when the schedule exists', () => {
  it('arm leaves a schedule for the same deadline unchanged', async () => {
    scheduler.on(CreateScheduleCommand).rejects(conflict);
    scheduler
      .on(GetScheduleCommand)
      .resolves({ Target: { Arn: 'q', RoleArn: 'r', Input: messageFor(afterNoon(30)) } });
    expect(await timer.arm(key, afterNoon(30))).toBe(false);
    expect(sent()).toEqual(['CreateSchedule', 'GetSchedule']);
  });

  it('arm overwrites every field of a schedule for another deadline', async () => {
    scheduler.on(CreateScheduleCommand).rejects(conflict);
    scheduler
      .on(GetScheduleCommand)
      .resolves({ Target: { Arn: 'q', RoleArn: 'r', Input: messageFor(afterNoon(20)) } });
    expect(await timer.arm(key, afterNoon(30))).toBe(true);
    expect(sent()).toEqual(['CreateSchedule', 'GetSchedule', 'UpdateSchedule']);
    const { ClientToken, ...update } = scheduler.commandCalls(UpdateScheduleCommand)[0]?.args[0].input ?? {};
    const create = scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input;
    expect({ ...update, ClientToken: create?.ClientToken }).toEqual(create);
    expect(ClientToken).not.toBe(create?.ClientToken);
  });

  it('arm makes the schedule when it is gone at the read', async () => {
    scheduler.on(CreateScheduleCommand).rejectsOnce(conflict).resolves({});
    scheduler.on(GetScheduleCommand).rejects(missing);
    expect(await timer.arm(key, afterNoon(30))).toBe(false);
    expect(sent()).toEqual(['CreateSchedule', 'GetSchedule', 'CreateSchedule']);
  });

  it('arm throws when the schedule is gone at the update', async () => {
    scheduler.on(CreateScheduleCommand).rejects(conflict);
    scheduler.on(GetScheduleCommand).resolves({ Target: { Arn: 'q', RoleArn: 'r', Input: '{}' } });
    scheduler.on(UpdateScheduleCommand).rejects(missing);
    await expect(timer.arm(key, afterNoon(30))).rejects.toBe(missing);
  });
});

describe('arm, for a deadline within 90 seconds', () => {
  const delayOf = async (deadline: Instant, its = timer) => {
    await its.arm(key, deadline);
    return sqs.commandCalls(SendMessageCommand)[0]?.args[0].input;
  };

  it.each<[string, Instant, number]>([
    ['90 seconds', plusMillis(noon, 90_000), 90],
    ['5 seconds', plusMillis(noon, 5000), 5],
    ['a millisecond more than 5 seconds', plusMillis(noon, 5001), 6],
    ['a millisecond', plusMillis(noon, 1), 1],
    ['0 seconds', noon, 0],
    ['minus an hour', plusMillis(noon, -3_600_000), 0],
  ])('arm sends a deadline %s away to the queue with that delay', async (_, deadline, delay) => {
    expect(await delayOf(deadline)).toEqual({
      QueueUrl: queueUrl,
      MessageBody: messageFor(deadline),
      DelaySeconds: delay,
    });
    expect(sent()).toEqual(['SendMessage', 'DeleteSchedule']);
  });

  it('arm makes a schedule for a deadline a millisecond more than 90 seconds away', async () => {
    await timer.arm(key, plusMillis(noon, 90_001));
    expect(sent()).toEqual(['CreateSchedule']);
  });

  it('arm sends no message with a delay that SQS refuses', async () => {
    const long = timerWith(100_000);
    expect((await delayOf(plusMillis(noon, 900_000), long))?.DelaySeconds).toBe(900);
    sqs.resetHistory();
    expect(await delayOf(plusMillis(noon, 900_001), long)).toBeUndefined();
  });

  it('arm tells whether there was a schedule to delete', async () => {
    expect(await timer.arm(key, noon)).toBe(true);
    scheduler.on(DeleteScheduleCommand).rejects(missing);
    expect(await timer.arm(key, noon)).toBe(false);
  });

  it('arm deletes the old schedule only after the message is sent', async () => {
    const down = new Error('the queue is down');
    sqs.rejects(down);
    await expect(timer.arm(key, noon)).rejects.toBe(down);
    expect(sent()).toEqual(['SendMessage']);
  });
});

describe('remove', () => {
  it('remove deletes the schedule', async () => {
    await timer.remove(key);
    expect(scheduler.commandCalls(DeleteScheduleCommand)[0]?.args[0].input).toEqual({
      Name: scheduleNameOf(key),
      GroupName: 'lapse-sessions',
    });
  });

  it('remove accepts a schedule that is gone', async () => {
    scheduler.on(DeleteScheduleCommand).rejects(missing);
    await expect(timer.remove(key)).resolves.toBeUndefined();
  });
});

describe.each([
  ['throttles', new ThrottlingException({ ...fault, Message: 'slow' })],
  ['fails', new InternalServerException({ ...fault, Message: 'oh' })],
])('when Scheduler %s', (_, error) => {
  it('arm and remove throw the error', async () => {
    scheduler.rejects(error);
    await expect(timer.arm(key, afterNoon(30))).rejects.toBe(error);
    await expect(timer.arm(key, noon)).rejects.toBe(error);
    await expect(timer.remove(key)).rejects.toBe(error);
    scheduler.on(CreateScheduleCommand).rejects(conflict);
    await expect(timer.arm(key, afterNoon(30))).rejects.toBe(error);
  });
});

it('a deadline at the end of the calendar gives a legal expression', async () => {
  await timer.arm(key, instantFromMillis(Date.parse('9999-12-31T23:59:59.999Z')));
  expect(scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input.ScheduleExpression).toMatch(
    /^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$/,
  );
});
