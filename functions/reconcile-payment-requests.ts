/** The sweep, every minute: does what a timer, a webhook or a caller missed, and continues jobs. */
import { dueIn, repairs } from './application/reconcile-payment-requests.ts';
import { composeReconciliation } from './composition/composition-root.ts';
import { recurringHandler } from './triggers/scheduled-handler.ts';
import { count, note } from './telemetry/telemetry.ts';
import { measureWaiting } from './telemetry/timeout-metrics.ts';

const { alone, reconcile, runJobs, warmUp } = composeReconciliation();

export { warmUp };

export const handler = recurringHandler(async (until, timeLimit) => {
  const done = await alone(timeLimit, () => sweep(until));
  if (done) note('sweep.done', done);
  // Another run holds the lease and does this work.
  else note('sweep.overlapped', {});
  return done;
});

async function sweep(until: number) {
  // Written by every run, also by one without work.
  measureWaiting({ pendingCancel: 0, overdueSession: 0 });
  const report = await reconcile(until);
  count('DueRecords', dueIn(report));
  count('SweepRepairs', repairs(report));
  count('SweepFailures', report.failed);
  count('PendingCancels', report.resume);
  // Due records come first. Jobs get the rest of the time.
  const jobs = await runJobs(until);
  count('CancelJobPages', jobs.pages);
  return { ...report, job_pages: jobs.pages };
}
