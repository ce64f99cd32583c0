/** The end of a session at its deadline as a careful team writes it: Scheduler invokes this function itself. */
import middy from '@middy/core';
import * as v from 'valibot';
import { cancelUnlessPaid } from './lean-cancellation.ts';
import { accountSchema, note, oneLine, requestIdSchema } from './lean-services.ts';

const eventSchema = v.object({
  account: accountSchema,
  payment_request_id: requestIdSchema,
  deadline_at: v.string(),
});

async function end(event: unknown) {
  const { account, payment_request_id: id, deadline_at } = v.parse(eventSchema, event);
  note({ account, payment_request_id: id });
  // A schedule of an earlier deadline ends nothing. The schedule removes itself after it has fired.
  const isWanted = (record: Readonly<Record<string, unknown>> | undefined): boolean =>
    record?.['deadline_at'] === deadline_at;
  const result = await cancelUnlessPaid({ account, id, reason: 'timeout', isWanted });
  note(result ?? { outcome: 'moved' });
  return result ?? { outcome: 'moved' };
}

export const handler = middy().use(oneLine('timer')).handler(end);
