import { measure, note, publishMetrics } from '../telemetry/telemetry.ts';

/** Milliseconds that a warm-up may add to init at most, whatever the network does. */
const limitMillis = 800;

/**
 * The work that a bundle's entry awaits before the first event: it runs code once and opens connections while init has a whole
 * core (docs/adr/0021-prime-functions-during-init.md). Never rejects and never takes longer than the limit. Work that fails is
 * done again, and its error reported, by the call that needs it. The last step logs the duration, which primes logging too.
 */
export const warmUpOf =
  (...steps: readonly (() => Promise<unknown>)[]) =>
  async (): Promise<void> => {
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, limitMillis);
    });
    const all = Promise.allSettled(steps.map(async (prime) => prime()));
    await Promise.race([all, limit]);
    clearTimeout(timer);
    const millis = Math.round(performance.now() - startedAt);
    measure('WarmUpMillis', millis);
    note('process.warm', { millis });
    publishMetrics();
  };
