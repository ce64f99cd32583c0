/** Every GET of the API: a record, how it came to be so, an account's records, a session. Serves the default route too. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { AccountSettings } from './application/ports.ts';
import { apiHandler } from './runtime/api-handler.ts';
import { accountOf, flag, keyOf, queryOf, sessionIdOf } from './runtime/api-request.ts';
import { composeReading } from './runtime/composition-root.ts';
import { listAnswer, listRequestOf } from './runtime/list-request.ts';
import { historyOf, viewOf } from './runtime/payment-request-view.ts';
import { type HttpAnswer, jsonAnswer, Problem } from './runtime/problem.ts';
import { sessionReadAnswer } from './runtime/session-answer.ts';
import { unknownRoute } from './runtime/unknown-route.ts';

const { accounts, read, refresh, readSession, list, warmUp } = composeReading();

export { warmUp };

const recordQuery = v.strictObject({ refresh: v.optional(flag, 'false') });
const noQuery = v.strictObject({});

type Answer = (event: APIGatewayProxyEventV2, settings: AccountSettings) => Promise<HttpAnswer>;

const getRecord: Answer = async (event, settings) => {
  const key = keyOf(event, settings);
  const query = queryOf(event, recordQuery);
  const record = await recordOf(key);
  if (!query.refresh) return jsonAnswer(200, viewOf(record));
  const refreshed = await refresh(record, settings);
  return jsonAnswer(200, { ...viewOf(refreshed.record), refresh: refreshed.outcome });
};

const getHistory: Answer = async (event, settings) => {
  const key = keyOf(event, settings);
  queryOf(event, noQuery);
  return jsonAnswer(200, historyOf(await recordOf(key)));
};

const getSession: Answer = async (event, { account }) => {
  const sessionId = sessionIdOf(event);
  queryOf(event, noQuery);
  return sessionReadAnswer(account, sessionId, await readSession(account, sessionId));
};

const getList: Answer = async (event, { account }) => {
  const { filter, before, limit } = listRequestOf(event, account);
  return listAnswer(account, filter, await list(account, filter, before, limit));
};

const routes: Readonly<Record<string, Answer>> = {
  'GET /accounts/{account}/payment-requests/{payment_request_id}': getRecord,
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': getHistory,
  'GET /accounts/{account}/sessions/{session_id}': getSession,
  'GET /accounts/{account}/payment-requests': getList,
};

export const handler = apiHandler(async (event) => {
  const answer = routes[event.routeKey];
  if (!answer) throw unknownRoute(event);
  return answer(event, await accountOf(event, accounts));
});

async function recordOf(key: Parameters<typeof read>[0]) {
  const record = await read(key);
  if (record) return record;
  throw new Problem('not-found', {
    detail: 'Nothing is known of this Payment Request: no registration, no cancel, no webhook.',
    members: { payment_request_id: key.paymentRequestId },
  });
}
