import { type Instant, millisOf } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';

/** Node's longest timer, about 25 days; a later one is set in stages. */
const longestMillis = 2 ** 31 - 1;

interface Armed {
  readonly at: Instant;
  readonly timeout: NodeJS.Timeout;
}

/** At most one timer for each id. Kept in memory: whoever sets them sets them again after a restart. */
export class Timers {
  readonly #clock: Clock;
  readonly #ring: (id: string) => void;
  readonly #armed = new Map<string, Armed>();

  constructor(clock: Clock, ring: (id: string) => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at this time, and not a nanosecond before it; a time that has passed rings at once. */
  set(id: string, at: Instant): void {
    this.clear(id);
    const ring = () => {
      this.#armed.delete(id);
      if (at > this.#clock()) this.set(id, at);
      else this.#ring(id);
    };
    const waitMillis = Math.min(Math.max(millisOf(at) - millisOf(this.#clock()), 0), longestMillis);
    this.#armed.set(id, { at, timeout: setTimeout(ring, waitMillis) });
  }

  /** For when the clock was set: every timer waits anew for its time. */
  lookAgain(): void {
    for (const [id, { at }] of [...this.#armed]) this.set(id, at);
  }

  clear(id: string): void {
    clearTimeout(this.#armed.get(id)?.timeout);
    this.#armed.delete(id);
  }

  clearAll(): void {
    for (const { timeout } of this.#armed.values()) clearTimeout(timeout);
    this.#armed.clear();
  }
}
