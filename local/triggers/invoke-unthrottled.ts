import type { InvocationResult, Invoke } from '../lambda/invoke.ts';
import { doublingDelay } from '../shared/backoff.ts';
import { pause } from '../shared/pause.ts';

const throttledDelay = doublingDelay(50, 1_000);

/** Invokes until the result is not `throttled`, or until the signal aborts. */
export async function invokeUnthrottled(
  invoke: Invoke,
  payload: unknown,
  signal: AbortSignal,
): Promise<InvocationResult> {
  for (let refusals = 1; ; refusals += 1) {
    const result = await invoke(payload);
    if (result.kind !== 'throttled') return result;
    await pause(throttledDelay(refusals), signal);
    if (signal.aborted) return result;
  }
}
