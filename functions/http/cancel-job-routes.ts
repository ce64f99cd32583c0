import type { CancelJobs } from '../application/ports.ts';
import type { startCancelJob, stopCancelJob } from '../application/start-cancel-job.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { Account } from '../domain/identifiers.ts';
import { cancelJobKeyOf, cancelJobRequestOf } from './cancel-job-request.ts';
import {
  cancelJobReportResponse,
  cancelJobStartResponse,
  cancelJobView,
  foundCancelJob,
} from './cancel-job-response.ts';
import { queryOf } from './parse-request.ts';
import { jsonResponse } from './response.ts';
import { noQuery, reportQuery } from './query-schemas.ts';
import type { RouteHandler } from './serve-routes.ts';

/** What the GET routes of cancel jobs need. */
export interface CancelJobReading {
  readonly jobs: Pick<CancelJobs, 'read' | 'readPage' | 'ofAccount'>;
}

/** How many jobs a list shows. */
const listedJobs = 100;

/** GET of a cancel job, of its report and of the newest jobs. */
export const cancelJobReadRoutes = ({ jobs }: CancelJobReading) =>
  ({
    'GET /accounts/{account}/cancel-jobs/{job_id}': async (event, account) => {
      const key = cancelJobKeyOf(event, { account });
      queryOf(event, noQuery);
      return jsonResponse(200, cancelJobView(foundCancelJob(key, await jobs.read(key))));
    },
    'GET /accounts/{account}/cancel-jobs/{job_id}/report': async (event, account) => {
      const key = cancelJobKeyOf(event, { account });
      const { cursor: page } = queryOf(event, reportQuery);
      const job = foundCancelJob(key, await jobs.read(key));
      // A page that the job does not count yet can still change.
      return cancelJobReportResponse(job, page, page < job.pages ? await jobs.readPage(key, page) : []);
    },
    'GET /accounts/{account}/cancel-jobs': async (event, account) => {
      queryOf(event, noQuery);
      const newest = await jobs.ofAccount(account, listedJobs);
      return jsonResponse(200, { cancel_jobs: newest.map(cancelJobView) });
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** What PUT and DELETE of a cancel job need. */
export interface CancelJobControl {
  readonly startJob: ReturnType<typeof startCancelJob>;
  readonly stopJob: ReturnType<typeof stopCancelJob>;
}

/** PUT of a cancel job starts it, and DELETE stops it. */
export const cancelJobControlRoutes = ({ startJob, stopJob }: CancelJobControl) =>
  ({
    'PUT /accounts/{account}/cancel-jobs/{job_id}': async (event, account) => {
      const key = cancelJobKeyOf(event, account);
      queryOf(event, noQuery);
      return cancelJobStartResponse(key, await startJob(key, cancelJobRequestOf(event)));
    },
    'DELETE /accounts/{account}/cancel-jobs/{job_id}': async (event, account) => {
      const key = cancelJobKeyOf(event, account);
      queryOf(event, noQuery);
      return jsonResponse(200, cancelJobView(foundCancelJob(key, await stopJob(key))));
    },
  }) satisfies Readonly<Record<string, RouteHandler<AccountSettings>>>;
