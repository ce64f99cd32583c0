import { pause } from './pause.ts';

/** A task that runs until it is closed. */
export interface BackgroundLoop {
  /** Asks it to stop. Resolves when the current work is done, or after ten seconds; never rejects. */
  close(): Promise<void>;
}

const closeWithinMilliseconds = 10_000;

/** Runs `run` until its signal aborts. A loop that fails is logged under its name and does not run again. */
export function startBackgroundLoop(
  name: string,
  run: (signal: AbortSignal) => Promise<void>,
  onLog: (line: string) => void,
  closeWithin = closeWithinMilliseconds,
): BackgroundLoop {
  const stop = new AbortController();
  const done = run(stop.signal).catch((error: unknown) => {
    onLog(`${name} has stopped: ${String(error)}`);
  });
  return {
    async close() {
      stop.abort();
      const bound = new AbortController();
      await Promise.race([done, pause(closeWithin, bound.signal)]);
      bound.abort();
    },
  };
}
