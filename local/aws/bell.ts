/** Node's longest timer, about 25 days: whoever wants to wait longer is woken early and looks again. */
const longestMillis = 2 ** 31 - 1;

/** Lets any number of waiters sleep until something may have changed, so that nobody has to poll. */
export class Bell {
  readonly #sleepers = new Set<() => void>();

  /** Wakes all who wait. */
  ring(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /**
   * Resolves at the next ring, at the time (milliseconds since 1970, Infinity for never) or when the signal is aborted,
   * whichever comes first, and never rejects. Being woken means to look again, no more.
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
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.max(untilMillis - Date.now(), 0), longestMillis));
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
