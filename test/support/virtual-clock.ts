import type { Clock, Ids } from '../../functions/application/ports.ts';
import { type Instant, instantFromMillis } from '../../functions/domain/instant.ts';

/** A clock whose time passes only by `advance` and `wait`. */
export class VirtualClock implements Clock {
  /** The milliseconds of each `wait`. */
  readonly waits: number[] = [];
  #millis: number;

  constructor(start = '2026-03-01T12:00:00Z') {
    this.#millis = Date.parse(start);
  }

  now(): number {
    return this.#millis;
  }

  instant(): Instant {
    return instantFromMillis(this.#millis);
  }

  wait(millis: number): Promise<void> {
    this.waits.push(millis);
    this.#millis += millis;
    return Promise.resolve();
  }

  advance(millis: number): void {
    this.#millis += millis;
  }
}

/** A clock of many callers at once. When all of them wait, it moves on to the moment at which the first of them goes on. */
export class SharedClock implements Clock {
  readonly #waiting: { readonly at: number; readonly resume: () => void }[] = [];
  #millis = Date.parse('2026-03-01T12:00:00Z');
  #isMoving = false;

  now(): number {
    return this.#millis;
  }

  instant(): Instant {
    return instantFromMillis(this.#millis);
  }

  wait(millis: number): Promise<void> {
    return new Promise((resume) => {
      this.#waiting.push({ at: this.#millis + millis, resume });
      if (!this.#isMoving) this.#moveSoon();
    });
  }

  /** Node runs an immediate when no microtask is left, which is when every caller waits. */
  #moveSoon(): void {
    this.#isMoving = true;
    setImmediate(() => {
      this.#isMoving = false;
      this.#waiting.sort((a, b) => a.at - b.at);
      const first = this.#waiting.shift();
      if (!first) return;
      this.#millis = first.at;
      first.resume();
      if (this.#waiting.length > 0) this.#moveSoon();
    });
  }
}

/** How tests retry a write while other writers are faster: with pauses of half their longest. */
export const retries = { chance: () => 0.5, conflictBudget: 2_500 } as const;

/** 1, 2, 3, … as 32 hexadecimal characters. */
export class CountingIds implements Ids {
  #last = 0;

  next(): string {
    this.#last += 1;
    return this.#last.toString(16).padStart(32, '0');
  }
}
