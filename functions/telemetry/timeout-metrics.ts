import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import { count, measure } from './telemetry.ts';

<<<<<<< HEAD
/** Counts the outcome of a timeout and its lateness in milliseconds. Returns the outcome. */
=======
/** Counts the result of a session's timeout, measures how many milliseconds late it was, and returns the result. */
>>>>>>> main
export function countTimeout(outcome: TimeoutOutcome, lateness: number) {
  const result = outcome.kind === 'ended' ? outcome.cancel.outcome : outcome.kind;
  count(`Timer:${result}`);
  if (outcome.kind === 'ended') measure('TimerLateness', Math.max(0, lateness));
  return result;
}
