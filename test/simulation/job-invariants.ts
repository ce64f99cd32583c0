/** What must hold for jobs that cancel many requests, in addition to what holds for each cancel. */
import type { CancelJobEntry } from '../../functions/domain/cancel-job.ts';
import { ranks } from '../../functions/domain/payment-request-state.ts';
import type { JobOutcome, Safety } from './evidence.ts';

/** The outcomes in a job's report for which a request was not tried, or not to its end. */
const words = (report: readonly CancelJobEntry[]): string => report.map(({ outcome }) => outcome).join(', ');

/** The counts of a job match its report, and the report has each request once. */
const jobCountsItsReport: Safety = (step) => {
  if (step.kind !== 'job-saved') return undefined;
  const { job, report } = step.file;
  const ids = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  if (ids.size !== report.length) return `a request is listed twice: ${words(report)}`;
  if (job.done !== report.length) return `${job.done} are done, and the report has ${report.length}`;
  for (const word of new Set([...Object.keys(job.outcomes), ...report.map(({ outcome }) => outcome)])) {
    const counted = job.outcomes[word as CancelJobEntry['outcome']] ?? 0;
    const told = report.filter(({ outcome }) => outcome === word).length;
    if (counted !== told) return `${counted} are ${word}, and the report has ${told}`;
  }
  return undefined;
};

/** The report of a finished job has a line for each request that the job names. */
const doneJobHasNamedAll: Safety = (step) => {
  if (step.kind !== 'job-saved' || step.file.job.status !== 'done') return undefined;
  const { ids, report } = step.file;
  const told = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  const missing = ids?.find((id) => !told.has(id));
  return missing && `${missing} is not in the report`;
};

/** A request is reported as untried after a fault of ours only if all attempts were used or the job was stopped. */
const faultsAreTriedAgain: Safety = (step) => {
  if (step.kind !== 'job-saved' || step.before.status === 'stopped') return undefined;
  const { before, file } = step;
  const untried = file.report.slice(before.done).find(({ outcome }) => outcome === 'untried');
  return untried && before.attempts < 4
    ? `${untried.paymentRequestId}, after ${before.attempts} attempts`
    : undefined;
};

/** A job that has ended stays ended. */
const endedJobsRest: Safety = (step) =>
  step.kind === 'job-saved' && step.before.status !== 'running' && step.file.job.status !== step.before.status
    ? `it was ${step.before.status} and is ${step.file.job.status}`
    : undefined;

const dryRunCancelsNothing: Safety = (step, { jobOf }) =>
  step.kind === 'written' && jobOf(step.after)?.job.dryRun
    ? 'a cancel is recorded in the name of a dry run'
    : undefined;

/** A job may not cancel a paid request, whatever callers may do, because no one has checked each request. */
const jobsSpareWhatIsPaid: Safety = (step, { jobOf }) =>
  step.kind === 'delete-sent' &&
  step.stored &&
  jobOf(step.stored) &&
  step.lastRead !== undefined &&
  ranks[step.lastRead.state] > 0
    ? `the read just before showed ${step.lastRead.state}`
    : undefined;

/** Checked after every step. */
export const jobSafety = {
  'a-job-counts-its-report': jobCountsItsReport,
  'a-done-job-has-named-all': doneJobHasNamedAll,
  'faults-are-tried-again': faultsAreTriedAgain,
  'ended-jobs-rest': endedJobsRest,
  'a-dry-run-cancels-nothing': dryRunCancelsNothing,
  'jobs-spare-what-is-paid': jobsSpareWhatIsPaid,
} as const satisfies Record<string, Safety>;

type JobLiveness = (outcome: JobOutcome) => string | undefined;

const jobsEnd: JobLiveness = ({ file: { job } }) =>
  job.status === 'running' ? `${job.jobId} is still running, ${job.done} done` : undefined;

/** Each line of a report is true. For requests that were open, the record shows the result. */
const reportsAreTrue: JobLiveness = ({ file: { job, report }, recordOf, truthOf }) => {
  const isLie = ({ paymentRequestId, outcome, state }: CancelJobEntry): boolean => {
    const record = recordOf(paymentRequestId);
    const truth = truthOf(paymentRequestId);
    const wasEver = (each: typeof state) =>
      truth?.life.some((lived) => lived.state === each) === true ||
      truth?.said.some((said) => said.state === each) === true;
    switch (outcome) {
      case 'canceled':
        return job.dryRun || !wasEver('CANCELED') || record?.state !== 'CANCELED';
      case 'already_canceled':
        return !wasEver('CANCELED');
      case 'already_final':
        return state === undefined || ranks[state] < 1 || (record?.state !== 'EXPIRED' && !wasEver(state));
      case 'would_cancel':
        return !job.dryRun;
      case 'pending':
        return !job.dryRun && record?.cancellation === undefined;
      // These outcomes claim nothing about the request.
      case 'untried':
      case 'not_found':
      case 'klarna_denied':
        return false;
    }
  };
  const lie = report.find(isLie);
  return (
    lie &&
    `it says ${lie.outcome} ${lie.state ?? ''}; the record says ${recordOf(lie.paymentRequestId)?.state ?? 'nothing'}, Klarna ${truthOf(lie.paymentRequestId)?.state ?? 'nothing'}`
  );
};

/**
 * Every request that a job canceled or started to cancel is in its report. A stopped job is excepted if a sweep died.
 */
const canceledIsReported: JobLiveness = ({ file: { job, report }, canceled, hasSweepFailed }) => {
  const told = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  const missing = canceled.find(({ paymentRequestId }) => !told.has(paymentRequestId));
  return missing && (job.status === 'done' || !hasSweepFailed)
    ? `${missing.paymentRequestId} is ${missing.state ?? 'without a state'} because of it`
    : undefined;
};

/** Checked for every job when no event is left. */
export const jobLiveness = {
  'jobs-end': jobsEnd,
  'reports-are-true': reportsAreTrue,
  'canceled-is-reported': canceledIsReported,
} as const satisfies Record<string, JobLiveness>;
