import { type Instant, millisOf } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';

/** Node's longest timer is about 25 days; a later one is set in stages. */
const longestMillis = 2 ** 31 - 1;

interface Armed {
  readonly at: Instant;
  readonly timeout: NodeJS.Timeout;
}

/** At most one timer for each id. Timers are in memory only: their owner sets them again after a restart. */
export class Timers {
  readonly #clock: Clock;
  readonly #onFire: (id: string) => void;
  readonly #armed = new Map<string, Armed>();

  constructor(clock: Clock, onFire: (id: string) => void) {
    this.#clock = clock;
    this.#onFire = onFire;
  }

  /** Fires at this time, and not a nanosecond earlier. A time that has passed fires at once. */
  set(id: string, at: Instant): void {
    this.clear(id);
    const fire = () => {
      this.#armed.delete(id);
      if (at > this.#clock()) this.set(id, at);
      else this.#onFire(id);
    };
    const waitMillis = Math.min(Math.max(millisOf(at) - millisOf(this.#clock()), 0), longestMillis);
    this.#armed.set(id, { at, timeout: setTimeout(fire, waitMillis) });
  }

  /** Sets every timer again, after a change of the clock. */
  reset(): void {
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
