import type { SettingsInForce } from './settings.ts';

const windowMillis = 60_000;

/** Counts calls by the minute, and reports the count in Klarna's headers. */
export class RateLimit {
  readonly #settings: SettingsInForce;
  #windowEnds = 0;
  #calls = 0;

  constructor(settings: SettingsInForce) {
    this.#settings = settings;
  }

  /** Counts a call. `exceeded` is true where it is over the limit. */
  count(): { readonly exceeded: boolean; readonly headers: Readonly<Record<string, string>> } {
    const now = Date.now();
    if (now >= this.#windowEnds) {
      this.#windowEnds = now + windowMillis;
      this.#calls = 0;
    }
    this.#calls += 1;
    const { rateLimit } = this.#settings.current;
    return {
      exceeded: this.#calls > rateLimit,
      headers: rateLimitHeaders(
        rateLimit,
        Math.max(rateLimit - this.#calls, 0),
        Math.ceil((this.#windowEnds - now) / 1000),
      ),
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
