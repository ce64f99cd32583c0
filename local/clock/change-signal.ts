import type { LocalClock } from './local-clock.ts';

/** Node's longest timer is about 25 days. A longer wait wakes early, and the caller checks again. */
const longestMillis = 2 ** 31 - 1;

/** Lets any number of waiters sleep until something may have changed, so none of them polls. */
export class ChangeSignal {
  readonly #clock: LocalClock;
  readonly #sleepers = new Set<() => void>();

  constructor(clock: LocalClock) {
    this.#clock = clock;
  }

  /** Wakes every waiter. */
  announce(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /**
   * Resolves at the next announcement, at the given time, when the clock moves, or when the signal aborts; never
   * rejects. The time is in milliseconds since 1970; Infinity means never. A waiter that wakes checks again: nothing
   * may have changed.
   */
  wait(untilMillis: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        forget();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const forget = this.#clock.onAdvance(wake);
      const wait = Math.min(Math.max(untilMillis - this.#clock.now(), 0), longestMillis);
      const timer = setTimeout(wake, wait);
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
