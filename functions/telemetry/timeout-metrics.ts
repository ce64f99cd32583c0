import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import { count, measure } from './telemetry.ts';

/** Counts what the end of a session's time came to, and by how many milliseconds it came late; says it in one word. */
export function countTimeout(outcome: TimeoutOutcome, lateness: number) {
  const result = outcome.kind === 'ended' ? outcome.cancel.outcome : outcome.kind;
  count(`Timer:${result}`);
  if (outcome.kind === 'ended') measure('TimerLateness', Math.max(0, lateness));
  return result;
}
