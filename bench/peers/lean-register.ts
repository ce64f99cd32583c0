/** A registration as a careful team writes it: one conditional write, and one schedule. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import {
  accountSchema,
  clientSettings,
  documents,
  httpErrors,
  keyOf,
  note,
  oneLine,
  parseJson,
  Refusal,
  reply,
  requestIdSchema,
  scheduleGroup,
  scheduleNameOf,
  tableName,
} from './lean-services.ts';

const scheduler = new SchedulerClient(clientSettings);

const pathSchema = v.object({ account: accountSchema, payment_request_id: requestIdSchema });

const bodySchema = v.object({
  session_timeout: v.pipe(v.string(), v.regex(/^PT\d{1,4}M$/)),
  session_id: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  reference: v.optional(v.pipe(v.string(), v.maxLength(255))),
});

async function register({ pathParameters, body }: APIGatewayProxyEventV2) {
  const { account, payment_request_id: id } = v.parse(pathSchema, pathParameters);
  const session = v.parse(bodySchema, parseJson(body ?? ''));
  note({ account, payment_request_id: id });
  const minutes = Number(session.session_timeout.slice(2, -1));
  const deadlineAt = `${new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 19)}Z`;
  await write(account, id, session, deadlineAt);
  await schedule(account, id, deadlineAt);
  note({ deadline_at: deadlineAt });
  return reply(201, { account, payment_request_id: id, ...session, deadline_at: deadlineAt });
}

async function write(
  account: string,
  id: string,
  session: v.InferOutput<typeof bodySchema>,
  deadlineAt: string,
): Promise<void> {
  try {
    await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(account, id),
        UpdateExpression:
          'SET session_id = :session, reference = :reference, deadline_at = :deadline, updated_at = :now',
        ConditionExpression: 'attribute_not_exists(#state) OR #state IN (:submitted, :started)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':session': session.session_id,
          ':reference': session.reference ?? null,
          ':deadline': deadlineAt,
          ':now': new Date().toISOString(),
          ':submitted': 'SUBMITTED',
          ':started': 'IN_PROGRESS',
        },
      }),
    );
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) throw new Refusal(409, 'already final');
    throw error;
  }
}

/** Creates the schedule, or moves it where the session is registered again. */
async function schedule(account: string, id: string, deadlineAt: string): Promise<void> {
  const input: CreateScheduleCommandInput = {
    Name: scheduleNameOf(id),
    GroupName: scheduleGroup,
    ScheduleExpression: `at(${deadlineAt.slice(0, 19)})`,
    ScheduleExpressionTimezone: 'UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: {
      Arn: process.env['TIMER_FUNCTION_ARN'] ?? '',
      RoleArn: process.env['SCHEDULER_ROLE_ARN'] ?? '',
      DeadLetterConfig: { Arn: process.env['DEAD_LETTER_QUEUE_ARN'] ?? '' },
      Input: JSON.stringify({ account, payment_request_id: id, deadline_at: deadlineAt }),
    },
  };
  try {
    await scheduler.send(new CreateScheduleCommand(input));
  } catch (error) {
    if (!(error instanceof ConflictException)) throw error;
    await scheduler.send(new UpdateScheduleCommand(input));
  }
}

export const handler = middy<APIGatewayProxyEventV2>()
  .use(httpErrors())
  .use(oneLine('register'))
  .handler(register);
