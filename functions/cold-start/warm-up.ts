import { flush, note } from '../telemetry/telemetry.ts';

/** Milliseconds that a warm-up may add to init at most, whatever the network does. */
const limitMillis = 800;

/**
 * The work that a bundle's entry awaits before the first event: it runs code once and opens connections while init has a whole
 * core (docs/adr/0021-prime-functions-during-init.md). Never rejects and never takes longer than the limit. Work that fails is
 * done again, and its error reported, by the call that needs it. The last step logs the duration and the memory, which primes logging
 * too.
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
    note('process.warm', {
      warm_up_millis: Math.round(performance.now() - startedAt),
      // Since the process started: about what Lambda reports as init duration.
      init_millis: Math.round(performance.now()),
      memory_megabytes: Math.round(process.memoryUsage.rss() / 1_048_576),
    });
    flush();
  };
