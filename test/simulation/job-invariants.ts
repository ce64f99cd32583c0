/** What must hold of jobs that cancel many requests, beside what holds of each cancel. */
import type { CancelJobEntry } from '../../functions/domain/cancel-job.ts';
import { ranks } from '../../functions/domain/payment-request-state.ts';
import type { JobOutcome, Safety } from './evidence.ts';

/** The words of a job's report in which a request was not tried, or not to its end. */
const words = (report: readonly CancelJobEntry[]): string => report.map(({ outcome }) => outcome).join(', ');

/** What a job says of how far it has come is what its report says, in which each request stands once. */
const jobCountsItsReport: Safety = (step) => {
  if (step.kind !== 'job-saved') return undefined;
  const { job, report } = step.file;
  const ids = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  if (ids.size !== report.length) return `a request stands twice: ${words(report)}`;
  if (job.done !== report.length) return `${job.done} are done, and the report has ${report.length}`;
  for (const word of new Set([...Object.keys(job.outcomes), ...report.map(({ outcome }) => outcome)])) {
    const counted = job.outcomes[word as CancelJobEntry['outcome']] ?? 0;
    const told = report.filter(({ outcome }) => outcome === word).length;
    if (counted !== told) return `${counted} are ${word}, and the report has ${told}`;
  }
  return undefined;
};

/** A job that is done has a line for each request that it names. */
const doneJobHasNamedAll: Safety = (step) => {
  if (step.kind !== 'job-saved' || step.file.job.status !== 'done') return undefined;
  const { ids, report } = step.file;
  const told = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  const missing = ids?.find((id) => !told.has(id));
  return missing && `${missing} is not in the report`;
};

/** A request that is left untried for a fault of ours was tried as often as there is patience for, unless the job was stopped. */
const faultsAreTriedAgain: Safety = (step) => {
  if (step.kind !== 'job-saved' || step.before.status === 'stopped') return undefined;
  const { before, file } = step;
  const untried = file.report.slice(before.done).find(({ outcome }) => outcome === 'untried');
  return untried && before.attempts < 4
    ? `${untried.paymentRequestId}, after ${before.attempts} attempts`
    : undefined;
};

/** A job that is over stays over. */
const endedJobsRest: Safety = (step) =>
  step.kind === 'job-saved' && step.before.status !== 'running' && step.file.job.status !== step.before.status
    ? `it was ${step.before.status} and is ${step.file.job.status}`
    : undefined;

const dryRunCancelsNothing: Safety = (step, { jobOf }) =>
  step.kind === 'written' && jobOf(step.after)?.job.dryRun
    ? 'a cancel is recorded in the name of a rehearsal'
    : undefined;

/** Whoever ends many has not looked at each of them: whatever callers may do, a job has no leave to cancel what is paid. */
const jobsSpareWhatIsPaid: Safety = (step, { jobOf }) =>
  step.kind === 'delete-sent' &&
  step.stored &&
  jobOf(step.stored) &&
  step.lastRead !== undefined &&
  ranks[step.lastRead] > 0
    ? `the read just before showed ${step.lastRead}`
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
  job.status === 'running' ? `${job.jobId} is still at it, ${job.done} done` : undefined;

/** Each line of a report is so, whoever was at it; of what was open then, the record says the end. */
const reportsAreTrue: JobLiveness = ({ file: { job, report }, recordOf, truthOf }) => {
  const isLie = ({ paymentRequestId, outcome, state }: CancelJobEntry): boolean => {
    const record = recordOf(paymentRequestId);
    const truth = truthOf(paymentRequestId);
    const wasEver = (each: typeof state) =>
      truth?.life.some((lived) => lived.state === each) === true ||
      truth?.said.some((said) => said.state === each) === true;
    switch (outcome) {
      case 'canceled':
        return job.dryRun || truth?.state !== 'CANCELED' || record?.state !== 'CANCELED';
      case 'already_canceled':
        return !wasEver('CANCELED');
      case 'already_final':
        return state === undefined || ranks[state] < 1 || (record?.state !== 'EXPIRED' && !wasEver(state));
      case 'would_cancel':
        return !job.dryRun;
      case 'pending':
        return !job.dryRun && record?.cancellation === undefined;
      // Nobody says what became of it.
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

/** What a job has canceled, or begun to, stands in its report; of one that was stopped a sweep that died may not have said so. */
const canceledIsReported: JobLiveness = ({ file: { job, report }, canceled, hasSweepFailed }) => {
  const told = new Set(report.map(({ paymentRequestId }) => paymentRequestId));
  const missing = canceled.find(({ paymentRequestId }) => !told.has(paymentRequestId));
  return missing && (job.status === 'done' || !hasSweepFailed)
    ? `${missing.paymentRequestId} is ${missing.state ?? 'not heard of'} by it`
    : undefined;
};

/** Checked of every job when nothing is left to happen. */
export const jobLiveness = {
  'jobs-end': jobsEnd,
  'reports-are-true': reportsAreTrue,
  'canceled-is-reported': canceledIsReported,
} as const satisfies Record<string, JobLiveness>;
