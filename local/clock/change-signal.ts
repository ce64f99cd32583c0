import type { LocalClock } from './local-clock.ts';

/** Node's longest timer, about 25 days: whoever wants to wait longer is woken early and looks again. */
const longestMillis = 2 ** 31 - 1;

/** Lets any number of waiters sleep until something may have changed, so that nobody has to poll. */
export class ChangeSignal {
  readonly #clock: LocalClock;
  readonly #sleepers = new Set<() => void>();

  constructor(clock: LocalClock) {
    this.#clock = clock;
  }

  /** Wakes all who wait. */
  announce(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /**
   * Resolves at the next ring, at the time (milliseconds since 1970, Infinity for never), when the clock is moved on or when the
   * signal is aborted, whichever comes first, and never rejects. Being woken means to look again, no more.
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
