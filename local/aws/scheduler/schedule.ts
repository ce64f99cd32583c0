import * as v from 'valibot';
import { wholeNumber } from '../../shared/checked-json.ts';
import { text } from '../wire/text.ts';
import { parseAtExpression } from './at-expression.ts';

/** AWS's defaults: 185 retries within a day. */
const retryPolicySchema = v.object({
  MaximumEventAgeInSeconds: v.exactOptional(wholeNumber(60, 86_400), 86_400),
  MaximumRetryAttempts: v.exactOptional(wholeNumber(0, 185), 185),
});

const queueArn = text(/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]+$/, 'the ARN of a standard queue');

/** The local system can deliver to queues only. */
const targetSchema = v.object({
  Arn: queueArn,
  RoleArn: text(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role'),
  Input: text(/./s, 'the text of the message'),
  DeadLetterConfig: v.exactOptional(v.object({ Arn: v.exactOptional(queueArn) })),
  RetryPolicy: v.exactOptional(retryPolicySchema, {}),
});

const flexibleTimeWindowSchema = v.variant('Mode', [
  v.object({ Mode: v.literal('OFF') }),
  v.object({ Mode: v.literal('FLEXIBLE'), MaximumWindowInMinutes: wholeNumber(1, 1_440) }),
]);

/** The input of CreateSchedule and UpdateSchedule besides the name, with AWS's defaults filled in. */
export const scheduleRequestSchema = v.object({
  GroupName: v.exactOptional(v.string(), 'default'),
  ClientToken: v.exactOptional(text(/^[\w-]{1,64}$/, '1 to 64 letters, digits, underscores and hyphens')),
  ScheduleExpression: v.pipe(
    v.string(),
    v.check(
      (given) => parseAtExpression(given) !== undefined,
      'at(yyyy-mm-ddThh:mm:ss); the local Scheduler supports one-time schedules only',
    ),
  ),
  ScheduleExpressionTimezone: v.exactOptional(
    text(/^UTC$/, 'UTC; the local Scheduler supports no other time zone'),
    'UTC',
  ),
  FlexibleTimeWindow: flexibleTimeWindowSchema,
  State: v.exactOptional(v.picklist(['ENABLED', 'DISABLED']), 'ENABLED'),
  ActionAfterCompletion: v.exactOptional(v.picklist(['NONE', 'DELETE']), 'NONE'),
  Description: v.exactOptional(text(/^.{0,512}$/s, 'at most 512 characters')),
  KmsKeyArn: v.exactOptional(v.string()),
  /** Seconds since 1970, kept for GetSchedule. AWS applies both dates to recurring schedules only. */
  StartDate: v.exactOptional(v.number()),
  EndDate: v.exactOptional(v.number()),
  Target: targetSchema,
});

/** A stored schedule as GetSchedule shows it, without its names and dates. */
export type ScheduleDocument = Omit<v.InferOutput<typeof scheduleRequestSchema>, 'GroupName' | 'ClientToken'>;

/** Identifies a schedule. */
export interface ScheduleKey {
  readonly group: string;
  readonly name: string;
}

/** A schedule in the store. Times are milliseconds since 1970. */
export interface Schedule extends ScheduleKey {
  readonly document: ScheduleDocument;
  readonly clientToken: string | undefined;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly firesAt: number;
  /** When to deliver it, for the first time or again; undefined when it is disabled or done. */
  readonly nextAttemptAt: number | undefined;
  readonly failedAttempts: number;
}
