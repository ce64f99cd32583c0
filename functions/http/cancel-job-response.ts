import type { CancelJobStart } from '../application/start-cancel-job.ts';
import type { CancelJob, CancelJobEntry, CancelJobKey, CancelJobSelection } from '../domain/cancel-job.ts';
import { cancelOutcomes } from '../domain/cancel-outcome.ts';
import { formatInstant } from '../domain/instant.ts';
import { invalid, Problem, shown } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

/** A job as the API shows it. `total` is `null` where it is not known before the end. */
export const cancelJobView = (job: CancelJob) => ({
  account: job.account,
  job_id: job.jobId,
  status: job.status,
  dry_run: job.dryRun,
  selected: selectedView(job.selection),
  total: job.selection.by === 'created_before' ? null : job.selection.total,
  done: job.done,
  outcomes: Object.fromEntries(cancelOutcomes.map((outcome) => [outcome, job.outcomes[outcome] ?? 0])),
  reason: job.reason ?? null,
  requested_by: job.requestedBy,
  attempts: job.attempts,
  due_at: job.status === 'running' && job.dueAt ? formatInstant(job.dueAt) : null,
  created_at: formatInstant(job.createdAt),
  updated_at: formatInstant(job.updatedAt),
});

const selectedView = (selection: CancelJobSelection) => ({
  by: selection.by,
  session_id: selection.by === 'session_id' ? (selection.sessionId ?? null) : null,
  reference: selection.by === 'reference' ? (selection.reference ?? null) : null,
  created_before: selection.by === 'created_before' ? formatInstant(selection.createdBefore) : null,
});

/** The response to the start of a job. */
export function cancelJobStartResponse({ jobId }: CancelJobKey, start: CancelJobStart): HttpResponse {
  switch (start.kind) {
    case 'started':
      return jsonResponse(201, cancelJobView(start.job));
    case 'unchanged':
      return jsonResponse(200, cancelJobView(start.job));
    case 'taken':
      throw new Problem('job-exists', {
        detail: 'A cancel job with different content has this id. Choose another id.',
        members: { job_id: jobId },
      });
    case 'empty':
      throw new Problem('not-found', {
        detail: 'No Payment Request is known for this session or reference.',
        members: { job_id: jobId },
      });
    case 'not_yet':
      throw invalid({
        field: 'created_before',
        given: shown(start.given),
        allowed: 'a time in the past',
      });
  }
}

/** A page of a job's report. A running job always has a next page, which can still be empty. */
export const cancelJobReportResponse = (
  job: CancelJob,
  page: number,
  entries: readonly CancelJobEntry[],
): HttpResponse =>
  jsonResponse(200, {
    account: job.account,
    job_id: job.jobId,
    status: job.status,
    payment_requests: entries.map(({ paymentRequestId, outcome, state }) => ({
      payment_request_id: paymentRequestId,
      outcome,
      state: state ?? null,
    })),
    next_cursor: nextCursorOf(job, page, entries.length === 0),
  });

/** The cursor of a page that is not written yet is that page again. */
function nextCursorOf({ pages, status }: CancelJob, page: number, isEmpty: boolean): string | null {
  if (page + 1 < pages) return String(page + 1);
  return status === 'running' ? String(isEmpty ? page : page + 1) : null;
}

/** The job, if there is one. Throws the problem to respond with. */
export function foundCancelJob({ jobId }: CancelJobKey, job: CancelJob | undefined): CancelJob {
  if (job) return job;
  throw new Problem('not-found', {
    detail: 'There is no cancel job with this id.',
    members: { job_id: jobId },
  });
}
