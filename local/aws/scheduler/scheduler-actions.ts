import * as v from 'valibot';
import { readInput } from '../wire/read-input.ts';
import type { ActionsOf } from '../wire/service.ts';
import { text } from '../wire/text.ts';
import { type Schedule, type ScheduleKey, scheduleRequestSchema } from './schedule.ts';
import type { Schedules } from './schedules.ts';

const invalidInput = 'ValidationException';

const nameSchema = text(/^[0-9a-zA-Z-_.]{1,64}$/, '1 to 64 letters, digits, hyphens, underscores and dots');

const keySchema = v.object({ Name: nameSchema, GroupName: v.exactOptional(v.string(), 'default') });

const requestSchema = v.object({ Name: nameSchema, ...scheduleRequestSchema.entries });

/** Serves Scheduler on these schedules. */
export function schedulerActions(
  schedules: Schedules,
  arnOf: (key: ScheduleKey) => string,
): ActionsOf<'scheduler'> {
  const write = (put: Schedules['create']) => (input: unknown) => {
    const { Name, GroupName, ClientToken, ...document } = readInput(requestSchema, input, invalidInput);
    const key = { group: GroupName, name: Name };
    put(key, document, ClientToken);
    return { ScheduleArn: arnOf(key) };
  };
  const keyOf = (input: unknown): ScheduleKey => {
    const { Name, GroupName } = readInput(keySchema, input, invalidInput);
    return { group: GroupName, name: Name };
  };

  return {
    CreateSchedule: write(schedules.create.bind(schedules)),
    UpdateSchedule: write(schedules.update.bind(schedules)),
    GetSchedule: (input) => {
      const schedule = schedules.get(keyOf(input));
      return { Arn: arnOf(schedule), ...namesAndDates(schedule), ...schedule.document };
    },
    DeleteSchedule: (input) => {
      schedules.delete(keyOf(input));
      return {};
    },
  };
}

/** Dates in this protocol are seconds since 1970. */
const namesAndDates = ({ group, name, createdAt, modifiedAt }: Schedule) => ({
  GroupName: group,
  Name: name,
  CreationDate: createdAt / 1_000,
  LastModificationDate: modifiedAt / 1_000,
});
