import { millisOf } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';

/** Node's longest timer, about 25 days; a later one is set in stages. */
const longestMillis = 2 ** 31 - 1;

interface Armed {
  readonly atMillis: number;
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

  /** Rings at this time, in milliseconds since 1970 and never before it; a time that has passed rings at once. */
  set(id: string, atMillis: number): void {
    this.clear(id);
    const ring = () => {
      this.#armed.delete(id);
      if (atMillis > this.#now()) this.set(id, atMillis);
      else this.#ring(id);
    };
    const waitMillis = Math.min(Math.max(atMillis - this.#now(), 0), longestMillis);
    this.#armed.set(id, { atMillis, timeout: setTimeout(ring, waitMillis) });
  }

  /** For when the clock was set: every timer waits anew for its time. */
  lookAgain(): void {
    for (const [id, { atMillis }] of [...this.#armed]) this.set(id, atMillis);
  }

  clear(id: string): void {
    clearTimeout(this.#armed.get(id)?.timeout);
    this.#armed.delete(id);
  }

  clearAll(): void {
    for (const { timeout } of this.#armed.values()) clearTimeout(timeout);
    this.#armed.clear();
  }

  #now(): number {
    return millisOf(this.#clock());
  }
}
