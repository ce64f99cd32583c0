import { setTimeout as wait } from 'node:timers/promises';

/** Resolves after the time, or as soon as the signal aborts; never rejects. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, { signal });
  } catch {
    // Aborted: the caller checks the signal.
  }
}
