/** DELETE /accounts/{account}/payment-requests/{payment_request_id}: ends the request, unless the customer has paid. */
import * as v from 'valibot';
import { apiHandler } from './runtime/api-handler.ts';
import { accountOf, flag, keyOf, printable, queryOf } from './runtime/api-request.ts';
import { callerOf } from './runtime/caller.ts';
import { cancelAnswer } from './runtime/cancel-answer.ts';
import { composeCancellation } from './runtime/composition-root.ts';
import { count } from './runtime/telemetry.ts';

const { accounts, cancel, rehearse } = composeCancellation();

const cancelQuery = v.strictObject({
  reason: v.optional(printable),
  allow_completed: v.optional(flag, 'false'),
  dry_run: v.optional(flag, 'false'),
});

export const handler = apiHandler(async (event) => {
  const account = await accountOf(event, accounts);
  const key = keyOf(event, account);
  const query = queryOf(event, cancelQuery);
  const command = {
    cause: 'api',
    reason: query.reason,
    requestedBy: callerOf(event),
    allowCompleted: query.allow_completed || account.cancelCompleted,
  } as const;
  const outcome = await (query.dry_run ? rehearse : cancel)(key, command, account);
  count(`Cancel:${outcome.kind}`);
  return cancelAnswer(key, outcome);
});
