/** Every GET of the API: a record and its history, the list of records, a session, cancel jobs. It also serves the default route. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { RouteOf } from './contract/routes.ts';
import type { Account, PaymentRequestKey } from './domain/identifiers.ts';
import { apiHandler } from './http/api-handler.ts';
import { noQuery, recordQuery, reportQuery } from './http/query-schemas.ts';
import { accountNameOf, accountOf, keyOf, queryOf, sessionIdOf } from './http/parse-request.ts';
import { cancelJobReportResponse, cancelJobView, foundCancelJob } from './http/cancel-job-response.ts';
import { cancelJobKeyOf } from './http/cancel-job-request.ts';
import { composeReading } from './composition/composition-root.ts';
import { listResponse, listRequestOf } from './http/list-request.ts';
import { historyOf, viewOf } from './http/payment-request-view.ts';
import { type HttpResponse, jsonResponse, klarnaDenied, Problem } from './http/problem.ts';
import { sessionReadResponse } from './http/session-response.ts';
import { unknownRoute } from './http/unknown-route.ts';

const { accounts, read, refresh, readSession, list, jobs, warmUp } = composeReading();

export { warmUp };

/** Serves one route. Only a refresh calls Klarna, so only a refresh reads the account's settings from the secret. */
type RouteHandler = (event: APIGatewayProxyEventV2, account: Account) => Promise<HttpResponse>;

const getRecord: RouteHandler = async (event, account) => {
  const key = keyOf(event, { account });
  const query = queryOf(event, recordQuery);
  if (!query.refresh) return jsonResponse(200, viewOf(await recordOf(key)));
  const settings = await accountOf(event, accounts);
  const known = await read(key);
  const { outcome, record } = await refresh(key, settings, known);
  if (record) return jsonResponse(200, { ...viewOf(record), refresh: outcome });
  switch (outcome) {
    case 'not_found':
      throw unknownRequest(key, 'There is no record of this Payment Request, and Klarna does not know it.');
    case 'klarna_denied':
      throw klarnaDenied('There is no record of this Payment Request.', {
        payment_request_id: key.paymentRequestId,
      });
    case 'refreshed':
    case 'unknown':
      throw new Problem('unavailable', {
        detail:
          'There is no record of this Payment Request, and Klarna gave no clear response. Repeat the call.',
        retryAfter: 5,
      });
  }
};

const getHistory: RouteHandler = async (event, account) => {
  const key = keyOf(event, { account });
  queryOf(event, noQuery);
  return jsonResponse(200, historyOf(await recordOf(key)));
};

const getSession: RouteHandler = async (event, account) => {
  const sessionId = sessionIdOf(event);
  queryOf(event, noQuery);
  return sessionReadResponse(account, sessionId, await readSession(account, sessionId));
};

const getList: RouteHandler = async (event, account) => {
  const { filter, before, limit } = listRequestOf(event, account);
  return listResponse(account, filter, await list(account, filter, before, limit));
};

const getJob: RouteHandler = async (event, account) => {
  const key = cancelJobKeyOf(event, { account });
  queryOf(event, noQuery);
  return jsonResponse(200, cancelJobView(foundCancelJob(key, await jobs.read(key))));
};

const getJobReport: RouteHandler = async (event, account) => {
  const key = cancelJobKeyOf(event, { account });
  const { cursor: page } = queryOf(event, reportQuery);
  const job = foundCancelJob(key, await jobs.read(key));
  // A page that is written and not counted yet can be written again.
  return cancelJobReportResponse(job, page, page < job.pages ? await jobs.readPage(key, page) : []);
};

const getJobs: RouteHandler = async (event, account) => {
  queryOf(event, noQuery);
  const newest = await jobs.ofAccount(account, 100);
  return jsonResponse(200, { cancel_jobs: newest.map(cancelJobView) });
};

const served: Readonly<Record<RouteOf<'get-payment-request'>, RouteHandler>> = {
  'GET /accounts/{account}/payment-requests/{payment_request_id}': getRecord,
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': getHistory,
  'GET /accounts/{account}/sessions/{session_id}': getSession,
  'GET /accounts/{account}/payment-requests': getList,
  'GET /accounts/{account}/cancel-jobs/{job_id}': getJob,
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': getJobReport,
  'GET /accounts/{account}/cancel-jobs': getJobs,
};
const routes = new Map<string, RouteHandler>(Object.entries(served));

export const handler = apiHandler(async (event) => {
  const response = routes.get(event.routeKey);
  if (!response) throw unknownRoute(event);
  return response(event, accountNameOf(event));
});

async function recordOf(key: PaymentRequestKey) {
  const record = await read(key);
  if (record) return record;
  throw unknownRequest(
    key,
    'There is no record of this Payment Request: no registration, no cancel, no webhook.',
  );
}

const unknownRequest = ({ paymentRequestId }: PaymentRequestKey, detail: string): Problem =>
  new Problem('not-found', { detail, members: { payment_request_id: paymentRequestId } });
