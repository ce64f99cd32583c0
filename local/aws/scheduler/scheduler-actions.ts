import * as v from 'valibot';
import { readInput } from '../wire/read-input.ts';
import type { ActionsOf } from '../wire/service.ts';
import { text } from '../wire/text.ts';
import { type Schedule, type ScheduleKey, scheduleRequestSchema } from './schedule.ts';
import type { Schedules } from './schedules.ts';

const invalidInput = 'ValidationException';

const nameSchema = text(/^[0-9a-zA-Z-_.]{1,64}$/, '1 to 64 letters, digits, hyphens, underscores and dots');

const keySchema = v.object({ Name: nameSchema, GroupName: v.exactOptional(v.string(), 'default') });

const listSchema = v.object({
  ScheduleGroup: v.exactOptional(v.string()),
  NamePrefix: v.exactOptional(v.string(), ''),
  State: v.exactOptional(v.picklist(['ENABLED', 'DISABLED'])),
  MaxResults: v.exactOptional(text(/^([1-9]\d?|100)$/, 'a whole number from 1 to 100'), '100'),
  NextToken: v.exactOptional(v.string()),
});

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
    ListSchedules: (input) => {
      const { ScheduleGroup, NamePrefix, State, MaxResults, NextToken } = readInput(
        listSchema,
        input,
        invalidInput,
      );
      const after = NextToken === undefined ? '' : Buffer.from(NextToken, 'base64url').toString();
      const matching = schedules
        .list()
        .filter(
          ({ group, name, document }) =>
            (ScheduleGroup === undefined || group === ScheduleGroup) &&
            name.startsWith(NamePrefix) &&
            (State === undefined || document.State === State),
        )
        .filter((schedule) => placeOf(schedule) > after);
      const page = matching.slice(0, Number(MaxResults));
      const last = page.at(-1);
      return {
        Schedules: page.map((schedule) => ({
          Arn: arnOf(schedule),
          ...namesAndDates(schedule),
          State: schedule.document.State,
          Target: { Arn: schedule.document.Target.Arn },
        })),
        ...(last &&
          page.length < matching.length && { NextToken: Buffer.from(placeOf(last)).toString('base64url') }),
      };
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

/** Its place in the list, by group and name. Neither contains a character that sorts before the space. */
const placeOf = ({ group, name }: ScheduleKey): string => `${group} ${name}`;
