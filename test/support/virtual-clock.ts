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

/** 1, 2, 3, … as 32 hexadecimal characters. */
export class CountingIds implements Ids {
  #last = 0;

  next(): string {
    this.#last += 1;
    return this.#last.toString(16).padStart(32, '0');
  }
}
