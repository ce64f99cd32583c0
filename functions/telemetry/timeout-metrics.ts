import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import type { Waiting } from '../domain/reconciliation.ts';
import { count, measure } from './telemetry.ts';

/** Measures how long a due record has waited. The alarms look at the longest time. */
export function measureWaiting({ pendingCancel, overdueSession }: Waiting): void {
  measure('PendingCancelAge', pendingCancel);
  measure('OverdueSessionAge', overdueSession);
}

/** Counts the result of a session's timeout, measures how many milliseconds late it was, and returns the result. */
export function countTimeout(outcome: TimeoutOutcome, lateness: number) {
  const result = outcome.kind === 'ended' ? outcome.cancel.outcome : outcome.kind;
  count(`Timer:${result}`);
  if (outcome.kind === 'ended') measure('TimerLateness', Math.max(0, lateness));
  return result;
}
