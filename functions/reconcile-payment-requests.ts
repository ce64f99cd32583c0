/** The sweep, every minute: does what a timer, a webhook or a caller missed, and continues jobs. */
import { dueIn, repairs } from './application/reconcile-payment-requests.ts';
import { largestOf } from './application/view-accounts.ts';
import type { SeenRecord } from './application/watch-unsettled.ts';
import { composeReconciliation } from './composition/composition-root.ts';
import type { PaymentRequestKey } from './domain/identifiers.ts';
import type { SweepMemory } from './domain/sweep-memory.ts';
import { count, measure, note } from './telemetry/telemetry.ts';
import { recurringHandler } from './triggers/scheduled-handler.ts';

const {
  alone,
  join,
  reconcile,
  settleReferences,
  watch,
  open,
  runJobs,
  checkSecrets,
  watchCredentials,
  warmUp,
} = composeReconciliation();

export { warmUp };

export const handler = recurringHandler(async (until, timeLimit) => {
  const done = await alone(timeLimit, (known) => sweep(until, known));
  // Where another run holds the lease, it does this work.
  note(done ? 'sweep.done' : 'sweep.overlapped', done && withoutZeros(done));
  return done;
});

async function sweep(until: number, known: SweepMemory) {
  const { see, view } = watch(known);
  const found: PaymentRequestKey[] = [];
  const seeing = (seen: SeenRecord): void => {
    found.push(seen.key);
    see(seen);
  };
  // Where Klarna's limit is near, timers go first, then jobs, then the rest of the sweep.
  const [report, references, jobs] = await Promise.all([
    reconcile(until, seeing),
    settleReferences(until),
    runJobs(until),
    checkSecrets(),
    watchCredentials(until),
  ]);
  const joined = await join(until);
  const { pendingCancelAge, overdueSessionAge, failing, memory } = await view();
  count('SweepRepairs', repairs(report));
  measure('PendingCancelAge', pendingCancelAge);
  measure('OverdueSessionAge', overdueSessionAge);
  measure('SweepFailures', failing);
  measure('DueRecords', dueIn(report));
  measure('OpenRequests', await open.countAtLeast());
  tellLargest(found);
  const settled = Object.entries(references).map(
    ([outcome, count]) => [`references_${outcome}`, count] as const,
  );
  return { report: { ...report, ...Object.fromEntries(settled), joined, job_pages: jobs.pages }, memory };
}

/** Records of one run from which it tells whose they are. */
const many = 100;

/** Tells the accounts with the most work, where there is much. A metric for each account would cost more than it tells. */
function tellLargest(found: readonly PaymentRequestKey[]): void {
  if (found.length < many) return;
  const largest = largestOf(found, 5).map(({ account, count: records }) => `${account}: ${records}`);
  note('sweep.largest', { records: found.length, accounts: largest.join(', ') });
}

const withoutZeros = (report: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(report).filter(([, records]) => records > 0));
