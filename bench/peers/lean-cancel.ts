/** A cancel as a careful team writes it in a week. */
import { DeleteScheduleCommand, ResourceNotFoundException, SchedulerClient } from '@aws-sdk/client-scheduler';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import { cancelUnlessPaid } from './lean-cancellation.ts';
import {
  accountSchema,
  clientSettings,
  httpErrors,
  note,
  oneLine,
  reply,
  requestIdSchema,
  scheduleGroup,
  scheduleNameOf,
} from './lean-services.ts';

const scheduler = new SchedulerClient(clientSettings);

const eventSchema = v.object({
  pathParameters: v.object({ account: accountSchema, payment_request_id: requestIdSchema }),
  queryStringParameters: v.optional(
    v.object({ reason: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(255)), 'none') }),
    {},
  ),
});

const statusOf = { canceled: 200, already_canceled: 200, already_final: 409 } as const;

async function cancel(event: APIGatewayProxyEventV2) {
  const {
    pathParameters: { account, payment_request_id: id },
    queryStringParameters: { reason },
  } = v.parse(eventSchema, event);
  note({ account, payment_request_id: id });
  const result = await cancelUnlessPaid({
    account,
    id,
    reason,
    alongside: () => removeSchedule(id),
  });
  if (!result) throw new Error('a cancel by API is always wanted');
  note(result);
  return reply(statusOf[result.outcome], { account, payment_request_id: id, ...result });
}

async function removeSchedule(id: string): Promise<void> {
  try {
    await scheduler.send(new DeleteScheduleCommand({ Name: scheduleNameOf(id), GroupName: scheduleGroup }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

export const handler = middy<APIGatewayProxyEventV2>()
  .use(httpErrors())
  .use(oneLine('cancel'))
  .handler(cancel);
