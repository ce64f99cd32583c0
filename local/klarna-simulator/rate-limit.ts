import { millisOf } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import type { SettingsInForce } from './settings.ts';

const windowMillis = 60_000;

/** Counts calls by the minute of Klarna's clock, and reports the count in Klarna's headers. */
export class RateLimit {
  readonly #settings: SettingsInForce;
  readonly #clock: Clock;
  #windowBegan = Number.NEGATIVE_INFINITY;
  #calls = 0;

  constructor(settings: SettingsInForce, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Counts a call. `exceeded` is true where it is over the limit. */
  count(): { readonly exceeded: boolean; readonly headers: Readonly<Record<string, string>> } {
    const now = millisOf(this.#clock());
    // A clock that was set back is before the window.
    if (now < this.#windowBegan || now >= this.#windowBegan + windowMillis) {
      this.#windowBegan = now;
      this.#calls = 0;
    }
    this.#calls += 1;
    const { rateLimit } = this.#settings.current;
    const resetSeconds = Math.ceil((this.#windowBegan + windowMillis - now) / 1000);
    return {
      exceeded: this.#calls > rateLimit,
      headers: rateLimitHeaders(rateLimit, Math.max(rateLimit - this.#calls, 0), resetSeconds),
    };
  }
}

/** Klarna's three headers. `resetSeconds` is the time until the next window. */
export const rateLimitHeaders = (
  limit: number,
  remaining: number,
  resetSeconds: number,
): Readonly<Record<string, string>> => ({
  'x-ratelimit-limit': String(limit),
  'x-ratelimit-remaining': String(remaining),
  'x-ratelimit-reset': String(resetSeconds),
});

export const rateLimited = {
  status: 429,
  errorCode: 'RATE_LIMITED',
  message: 'The rate limit is exceeded.',
} as const;
