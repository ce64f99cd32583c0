import { measure, note, publishMetrics } from '../telemetry/telemetry.ts';

/** Milliseconds that a warm-up may add to an init, whatever the network does: less than a second, with the timer's lateness. */
const limitMillis = 800;

/**
 * What the entry of a bundle waits for before the function's first event: code that has run once, connections that are open. It
 * is done while init has the whole core (docs/adr/0021). Never rejects and never takes longer than the limit: what did not
 * come through is done, and reported, when a call needs it. Ends with a line of how long it took: that has to run once, too.
 */
export const warmUpOf =
  (...rounds: readonly (() => Promise<unknown>)[]) =>
  async (): Promise<void> => {
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, limitMillis);
    });
    const all = Promise.allSettled(rounds.map(async (prime) => prime()));
    await Promise.race([all, limit]);
    clearTimeout(timer);
    const millis = Math.round(performance.now() - startedAt);
    measure('WarmUpMillis', millis);
    note('process.warm', { millis });
    publishMetrics();
  };
