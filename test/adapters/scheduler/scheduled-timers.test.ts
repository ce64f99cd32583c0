import {
  GetScheduleCommand,
  ListSchedulesCommand,
  ResourceNotFoundException,
  SchedulerClient,
  ThrottlingException,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it } from 'vitest';
import { ScheduledTimers } from '../../../functions/adapters/scheduler/scheduled-timers.ts';
import { requestId } from '../../support/cancel-jobs.ts';
import { account, noon } from '../../support/fixtures.ts';

const client = new SchedulerClient({ region: 'eu-north-1' });
const scheduler = mockClient(client);
const metadata = { message: 'no', Message: 'no', $metadata: {} };

let timers: ScheduledTimers;

beforeEach(() => {
  scheduler.reset();
  timers = new ScheduledTimers(client, 'lapse-sessions');
});

const schedule = (Name: string, minutes: number) => ({
  Name,
  CreationDate: new Date(Date.parse(noon) + minutes * 60_000),
});

/** A schedule of this name says that it is for the request of this number. */
function isFor(Name: string, number: number): void {
  const message = { account, payment_request_id: requestId(number), deadline_at: noon };
  scheduler
    .on(GetScheduleCommand, { Name })
    .resolves({ Target: { Arn: 'a', RoleArn: 'r', Input: JSON.stringify(message) } });
}

it('says for whom the schedules are that are old enough, a page with every call, and begins again after the last', async () => {
  scheduler
    .on(ListSchedulesCommand)
    .resolvesOnce({ Schedules: [schedule('a', -1), schedule('young', 1)], NextToken: 'two' })
    .resolvesOnce({ Schedules: [schedule('b', -5)] })
    .resolves({ Schedules: [] });
  isFor('a', 1);
  isFor('b', 2);
  expect(await timers.some(noon)).toEqual([{ account, paymentRequestId: requestId(1) }]);
  expect(await timers.some(noon)).toEqual([{ account, paymentRequestId: requestId(2) }]);
  expect(await timers.some(noon)).toEqual([]);
  const lists = scheduler.commandCalls(ListSchedulesCommand).map((call) => call.args[0].input);
  expect(lists.map(({ NextToken }) => NextToken)).toEqual([undefined, 'two', undefined]);
  expect(lists[0]).toMatchObject({ GroupName: 'lapse-sessions', MaxResults: 50 });
  expect(scheduler.commandCalls(GetScheduleCommand)).toHaveLength(2);
});

it('passes by one that has gone off meanwhile, and one whose message is not ours', async () => {
  scheduler.on(ListSchedulesCommand).resolves({ Schedules: [schedule('gone', -1), schedule('odd', -1)] });
  scheduler.on(GetScheduleCommand, { Name: 'gone' }).rejects(new ResourceNotFoundException(metadata));
  scheduler
    .on(GetScheduleCommand, { Name: 'odd' })
    .resolves({ Target: { Arn: 'a', RoleArn: 'r', Input: 'hello' } });
  expect(await timers.some(noon)).toEqual([]);
});

it('begins again where its place in the list is not known any more', async () => {
  scheduler
    .on(ListSchedulesCommand)
    .resolvesOnce({ Schedules: [], NextToken: 'old' })
    .rejectsOnce(new ValidationException(metadata))
    .resolves({ Schedules: [schedule('a', -1)] });
  isFor('a', 1);
  expect(await timers.some(noon)).toEqual([]);
  expect(await timers.some(noon)).toEqual([]);
  expect(await timers.some(noon)).toHaveLength(1);
});

it('throws what it cannot answer for', async () => {
  const throttled = new ThrottlingException(metadata);
  scheduler.on(ListSchedulesCommand).rejects(throttled);
  await expect(timers.some(noon)).rejects.toBe(throttled);
});
