/** DELETE of a Payment Request or of a session, and jobs that cancel many: ends what is open, unless the customer has paid. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { AccountSettings } from './domain/account-settings.ts';
import type { RouteOf } from './contract/routes.ts';
import { apiHandler } from './http/api-handler.ts';
import { noQuery, requestCancelQuery, sessionCancelQuery } from './http/query-schemas.ts';
import { accountOf, keyOf, queryOf, sessionIdOf } from './http/parse-request.ts';
import { callerOf } from './http/caller.ts';
import { cancelResponse } from './http/cancel-response.ts';
import { cancelJobStartResponse, cancelJobView, foundCancelJob } from './http/cancel-job-response.ts';
import { cancelJobKeyOf, cancelJobRequestOf } from './http/cancel-job-request.ts';
import { composeCancellation } from './composition/composition-root.ts';
import { type HttpResponse, jsonResponse } from './http/problem.ts';
import { sessionCancelResponse } from './http/session-response.ts';
import { count } from './telemetry/telemetry.ts';
import { unknownRoute } from './http/unknown-route.ts';

const { accounts, cancel, dryRun, cancelSession, dryRunSession, startJob, stopJob, warmUp } =
  composeCancellation();

export { warmUp };

type RouteHandler = (event: APIGatewayProxyEventV2, account: AccountSettings) => Promise<HttpResponse>;

const endRequest: RouteHandler = async (event, account) => {
  const key = keyOf(event, account);
  const query = queryOf(event, requestCancelQuery);
  const command = {
    cause: 'api',
    reason: query.reason,
    requestedBy: callerOf(event),
    allowCompleted: query.allow_completed || account.cancelCompleted,
  } as const;
  const result = await (query.dry_run ? dryRun : cancel)(key, command, account);
  count(`Cancel:${result.outcome}`);
  return cancelResponse(key, result);
};

const endSession: RouteHandler = async (event, account) => {
  const sessionId = sessionIdOf(event);
  const query = queryOf(event, sessionCancelQuery);
  // The caller has not looked at each request of the session, so no paid one is canceled, whatever the account allows.
  const command = {
    cause: 'api',
    reason: query.reason,
    requestedBy: callerOf(event),
    allowCompleted: false,
  } as const;
  const members = await (query.dry_run ? dryRunSession : cancelSession)(sessionId, command, account);
  for (const { outcome } of members) count(`Cancel:${outcome}`);
  return sessionCancelResponse(account.account, sessionId, members);
};

const start: RouteHandler = async (event, account) => {
  const key = cancelJobKeyOf(event, account);
  queryOf(event, noQuery);
  return cancelJobStartResponse(key, await startJob(key, cancelJobRequestOf(event)));
};

const stop: RouteHandler = async (event, account) => {
  const key = cancelJobKeyOf(event, account);
  queryOf(event, noQuery);
  return jsonResponse(200, cancelJobView(foundCancelJob(key, await stopJob(key))));
};

const served: Readonly<Record<RouteOf<'cancel-payment-request'>, RouteHandler>> = {
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}': endRequest,
  'DELETE /accounts/{account}/sessions/{session_id}': endSession,
  'PUT /accounts/{account}/cancel-jobs/{job_id}': start,
  'DELETE /accounts/{account}/cancel-jobs/{job_id}': stop,
};
const routes = new Map<string, RouteHandler>(Object.entries(served));

export const handler = apiHandler(async (event) => {
  const response = routes.get(event.routeKey);
  if (!response) throw unknownRoute(event);
  return response(event, await accountOf(event, accounts));
});
