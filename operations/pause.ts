import { setTimeout as wait } from 'node:timers/promises';

/** Resolves after the time, or as soon as the signal aborts; never rejects. */
export async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await wait(millis, undefined, { signal }).catch(() => undefined);
}

/** Does work that an abort of the signal may end with an error, which is none then. */
export async function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
