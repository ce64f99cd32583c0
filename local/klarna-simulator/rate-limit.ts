import { millisOf } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import type { SettingsInForce } from './settings.ts';

interface Window {
  readonly began: number;
  calls: number;
}

/**
 * Counts the calls of each caller by windows of Klarna's clock, and reports the count in Klarna's headers. Callers with the same
 * `Authorization` are one.
 */
export class RateLimit {
  readonly #settings: SettingsInForce;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(settings: SettingsInForce, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Counts a call. `exceeded` is true where it is over the limit. */
  count(caller: string): {
    readonly exceeded: boolean;
    readonly headers: Readonly<Record<string, string>>;
  } {
    const { rateLimit, rateWindowMs } = this.#settings.current;
    const now = millisOf(this.#clock());
    const before = this.#windows.get(caller);
    // A clock that was set back is before the window.
    const isOver = !before || now < before.began || now >= before.began + rateWindowMs;
    const window = isOver ? { began: now, calls: 0 } : before;
    this.#windows.set(caller, window);
    window.calls += 1;
    const resetSeconds = Math.ceil((window.began + rateWindowMs - now) / 1000);
    return {
      exceeded: window.calls > rateLimit,
      headers: rateLimitHeaders(rateLimit, Math.max(rateLimit - window.calls, 0), resetSeconds),
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
