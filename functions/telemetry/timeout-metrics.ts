import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import { measure } from './telemetry.ts';

/** Measures how many milliseconds late a session ended, and returns the result of its timeout in one word. */
export function measureTimeout(outcome: TimeoutOutcome, lateness: number) {
  if (outcome.kind === 'ended') measure('TimerLateness', Math.max(0, lateness));
  return outcome.kind === 'ended' ? outcome.cancel.outcome : outcome.kind;
}
