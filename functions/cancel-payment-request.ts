/** DELETE of a Payment Request, or of a session: ends what is open, unless the customer has paid. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { AccountSettings } from './application/ports.ts';
import { apiHandler } from './runtime/api-handler.ts';
import { accountOf, flag, keyOf, printable, queryOf, sessionIdOf } from './runtime/api-request.ts';
import { callerOf } from './runtime/caller.ts';
import { cancelAnswer } from './runtime/cancel-answer.ts';
import { composeCancellation } from './runtime/composition-root.ts';
import type { HttpAnswer } from './runtime/problem.ts';
import { sessionCancelAnswer } from './runtime/session-answer.ts';
import { count } from './runtime/telemetry.ts';

const { accounts, cancel, rehearse, cancelSession, rehearseSession, warmUp } = composeCancellation();

export { warmUp };

const sessionQuery = v.strictObject({ reason: v.optional(printable), dry_run: v.optional(flag, 'false') });
const requestQuery = v.strictObject({
  ...sessionQuery.entries,
  allow_completed: v.optional(flag, 'false'),
});

export const handler = apiHandler(async (event) => {
  const account = await accountOf(event, accounts);
  return event.routeKey === 'DELETE /accounts/{account}/sessions/{session_id}'
    ? endSession(event, account)
    : endRequest(event, account);
});

async function endRequest(event: APIGatewayProxyEventV2, account: AccountSettings): Promise<HttpAnswer> {
  const key = keyOf(event, account);
  const query = queryOf(event, requestQuery);
  const command = {
    cause: 'api',
    reason: query.reason,
    requestedBy: callerOf(event),
    allowCompleted: query.allow_completed || account.cancelCompleted,
  } as const;
  const outcome = await (query.dry_run ? rehearse : cancel)(key, command, account);
  count(`Cancel:${outcome.kind}`);
  return cancelAnswer(key, outcome);
}

async function endSession(event: APIGatewayProxyEventV2, account: AccountSettings): Promise<HttpAnswer> {
  const sessionId = sessionIdOf(event);
  const query = queryOf(event, sessionQuery);
  // Whoever ends a session has not looked at each of its requests: what is paid is spared, whatever the account allows.
  const command = {
    cause: 'api',
    reason: query.reason,
    requestedBy: callerOf(event),
    allowCompleted: false,
  } as const;
  const members = await (query.dry_run ? rehearseSession : cancelSession)(sessionId, command, account);
  for (const { outcome } of members) count(`Cancel:${outcome.kind}`);
  return sessionCancelAnswer(account.account, sessionId, members);
}
