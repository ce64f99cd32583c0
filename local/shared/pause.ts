import { setTimeout as wait } from 'node:timers/promises';

/** Resolves after the time, or as soon as the signal is aborted; never rejects. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, { signal });
  } catch {
    // Aborted: whoever aborts asks the signal, not this.
  }
}
