/** The sweep, every minute: does what a timer, a webhook or a caller missed, and continues jobs. */
import { dueIn, repairs } from './application/reconcile-payment-requests.ts';
import { composeReconciliation } from './composition/composition-root.ts';
import type { SweepMemory } from './domain/sweep-memory.ts';
import { count, measure, note } from './telemetry/telemetry.ts';
import { recurringHandler } from './triggers/scheduled-handler.ts';

const { alone, reconcile, watch, open, runJobs, warmUp } = composeReconciliation();

export { warmUp };

export const handler = recurringHandler(async (until, timeLimit) => {
  const done = await alone(timeLimit, (known) => sweep(until, known));
  // Where another run holds the lease, it does this work.
  note(done ? 'sweep.done' : 'sweep.overlapped', done && withoutZeros(done));
  return done;
});

async function sweep(until: number, known: SweepMemory) {
  const { see, view } = watch(known);
  // Where Klarna's limit is near, timers go first, then jobs, then the rest of the sweep.
  const [report, jobs] = await Promise.all([reconcile(until, see), runJobs(until)]);
  const { pendingCancelAge, overdueSessionAge, failing, memory } = await view();
  count('SweepRepairs', repairs(report));
  measure('PendingCancelAge', pendingCancelAge);
  measure('OverdueSessionAge', overdueSessionAge);
  measure('SweepFailures', failing);
  measure('DueRecords', dueIn(report));
  measure('OpenRequests', await open.countAtLeast());
  return { report: { ...report, job_pages: jobs.pages }, memory };
}

const withoutZeros = (report: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(report).filter(([, records]) => records > 0));
