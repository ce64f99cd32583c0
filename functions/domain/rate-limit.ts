/** Klarna's rate limit for one API key, and the part of it that Lapse takes. Times are milliseconds since 1970. */

/** The three headers of a response: calls in a window, calls left in this one, and the time until the next. */
export interface RateSignal {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMillis: number;
}

/** What is known of the window that is running. */
export interface RateWindow {
  readonly limit: number;
  readonly remaining: number;
  readonly resetsAt: number;
  /** Its length, as far as it was seen: the longest time until a reset. */
  readonly windowMillis: number;
  /** When the last response came. */
  readonly seenAt: number;
  /** No response of this window was seen yet: it follows one that has ended. */
  readonly isAssumed?: boolean;
}

/** Two responses speak of the same window if their resets differ by less. Klarna rounds the time to seconds. */
export const sameWindowMillis = 1_500;

/** What is known after another response. A response may overtake one that was sent before it: the fewest remaining calls count. */
export function windowAfter(
  before: RateWindow | undefined,
  { limit, remaining, resetMillis }: RateSignal,
  now: number,
): RateWindow {
  const resetsAt = now + resetMillis;
  const windowMillis = Math.max(before?.windowMillis ?? 0, resetMillis, 1_000);
  const isSame =
    before !== undefined && !before.isAssumed && Math.abs(before.resetsAt - resetsAt) < sameWindowMillis;
  return isSame
    ? { ...before, limit, remaining: Math.min(remaining, before.remaining), windowMillis, seenAt: now }
    : { limit, remaining, resetsAt, windowMillis, seenAt: now };
}

/** The window at this time: a window that has ended is followed by one of which nothing is used. */
export function windowAt(window: RateWindow, now: number): RateWindow {
  if (now < window.resetsAt) return window;
  const passed = Math.floor((now - window.resetsAt) / window.windowMillis) + 1;
  return {
    ...window,
    remaining: window.limit,
    resetsAt: window.resetsAt + passed * window.windowMillis,
    isAssumed: true,
  };
}

/** The part of its share that Lapse may use at once, and the rest evenly over the window. */
const burst = 0.1;

/** Calls that Lapse may have made in this window by now: its share grows evenly, so that no account uses all of it at once. */
export function allowance({ limit, resetsAt, windowMillis }: RateWindow, share: number, now: number): number {
  const passed = 1 - Math.min(1, Math.max(0, resetsAt - now) / windowMillis);
  return Math.max(2, Math.floor(limit * share * (burst + (1 - burst) * passed)));
}

/**
 * Whether all callers of the API key together have made less than half of the calls that Lapse alone may have made. Then Lapse is far
 * from its share, and its processes need not count their calls together.
 *
 * @param own calls that this process has made in the window. The last response may not show all of them yet.
 */
export const isRelaxed = (window: RateWindow, share: number, own: number, now: number): boolean =>
  Math.max(window.limit - window.remaining, own) * 2 < allowance(window, share, now);

/** Milliseconds for which a response shows what all processes together have used. */
const freshMillis = 2_000;

/** Whether a response of this moment shows the use of half a window, or more. */
export const isHalfSeen = ({ resetsAt, windowMillis, seenAt }: RateWindow, now: number): boolean =>
  (resetsAt - now) * 2 < windowMillis && now - seenAt < freshMillis;

/** Milliseconds after which a process that was refused asks again at the earliest: each question costs a write. */
const shortestWait = 250;

/** Milliseconds until the share has grown by this many calls, or the window ends. */
export const untilGrown = (
  { limit, windowMillis, resetsAt }: RateWindow,
  share: number,
  calls: number,
  now: number,
): number => {
  const growing = (calls * windowMillis) / (limit * share * (1 - burst));
  return Math.max(shortestWait, Math.min(growing, resetsAt - now));
};
