/** Every GET of the API: a record, how it came to be so, an account's records, a session, jobs. Serves the default route too. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { AccountSettings } from './application/ports.ts';
import type { PaymentRequestKey } from './domain/identifiers.ts';
import { apiHandler } from './runtime/api-handler.ts';
import { noQuery, recordQuery, reportQuery } from './runtime/api-queries.ts';
import { accountOf, keyOf, queryOf, sessionIdOf } from './runtime/api-request.ts';
import { cancelJobReportAnswer, cancelJobView, foundCancelJob } from './runtime/cancel-job-answer.ts';
import { cancelJobKeyOf } from './runtime/cancel-job-request.ts';
import { composeReading } from './runtime/composition-root.ts';
import { listAnswer, listRequestOf } from './runtime/list-request.ts';
import { historyOf, viewOf } from './runtime/payment-request-view.ts';
import { type HttpAnswer, jsonAnswer, klarnaDenied, Problem } from './runtime/problem.ts';
import { sessionReadAnswer } from './runtime/session-answer.ts';
import { unknownRoute } from './runtime/unknown-route.ts';

const { accounts, read, refresh, discover, readSession, list, jobs, warmUp } = composeReading();

export { warmUp };

type Answer = (event: APIGatewayProxyEventV2, settings: AccountSettings) => Promise<HttpAnswer>;

const getRecord: Answer = async (event, settings) => {
  const key = keyOf(event, settings);
  const query = queryOf(event, recordQuery);
  if (!query.refresh) return jsonAnswer(200, viewOf(await recordOf(key)));
  const known = await read(key);
  const { outcome, record } = await (known ? refresh(known, settings) : discover(key, settings));
  if (record) return jsonAnswer(200, { ...viewOf(record), refresh: outcome });
  switch (outcome) {
    case 'not_found':
      throw unknownRequest(key, 'Nothing is known of this Payment Request, and Klarna does not know it.');
    case 'klarna_denied':
      throw klarnaDenied('Nothing is known of this Payment Request.', {
        payment_request_id: key.paymentRequestId,
      });
    case 'refreshed':
    case 'unknown':
      throw new Problem('unavailable', {
        detail: 'Nothing is known of this Payment Request, and Klarna gave no answer that says anything.',
        retryAfter: 5,
      });
  }
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

const getJob: Answer = async (event, settings) => {
  const key = cancelJobKeyOf(event, settings);
  queryOf(event, noQuery);
  return jsonAnswer(200, cancelJobView(foundCancelJob(key, await jobs.read(key))));
};

const getJobReport: Answer = async (event, settings) => {
  const key = cancelJobKeyOf(event, settings);
  const { cursor: page } = queryOf(event, reportQuery);
  const job = foundCancelJob(key, await jobs.read(key));
  // What is written and not counted yet may be written anew.
  return cancelJobReportAnswer(job, page, page < job.pages ? await jobs.readPage(key, page) : []);
};

const getJobs: Answer = async (event, { account }) => {
  queryOf(event, noQuery);
  const newest = await jobs.ofAccount(account, 100);
  return jsonAnswer(200, { cancel_jobs: newest.map(cancelJobView) });
};

const routes: Readonly<Record<string, Answer>> = {
  'GET /accounts/{account}/payment-requests/{payment_request_id}': getRecord,
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': getHistory,
  'GET /accounts/{account}/sessions/{session_id}': getSession,
  'GET /accounts/{account}/payment-requests': getList,
  'GET /accounts/{account}/cancel-jobs/{job_id}': getJob,
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': getJobReport,
  'GET /accounts/{account}/cancel-jobs': getJobs,
};

export const handler = apiHandler(async (event) => {
  const answer = routes[event.routeKey];
  if (!answer) throw unknownRoute(event);
  return answer(event, await accountOf(event, accounts));
});

async function recordOf(key: PaymentRequestKey) {
  const record = await read(key);
  if (record) return record;
  throw unknownRequest(
    key,
    'Nothing is known of this Payment Request: no registration, no cancel, no webhook.',
  );
}

const unknownRequest = ({ paymentRequestId }: PaymentRequestKey, detail: string): Problem =>
  new Problem('not-found', { detail, members: { payment_request_id: paymentRequestId } });
