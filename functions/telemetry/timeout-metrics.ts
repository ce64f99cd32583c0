import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import { count, measure } from './telemetry.ts';

/** Counts the result of a session's timeout, measures how many milliseconds late it was, and returns the result. */
export function countTimeout(outcome: TimeoutOutcome, lateness: number) {
  const result = outcome.kind === 'ended' ? outcome.cancel.outcome : outcome.kind;
  count(`Timer:${result}`);
  if (outcome.kind === 'ended') measure('TimerLateness', Math.max(0, lateness));
  return result;
}
