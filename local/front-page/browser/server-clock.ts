/** By how many milliseconds the system's clock is ahead of the browser's. */
let ahead = 0;

/** Sets the system's time from a response. The time was read between the call and its response. */
export function setServerClock(now: string, askedAt: number, respondedAt: number): void {
  ahead = Date.parse(now) - (askedAt + respondedAt) / 2;
}

/** The system's time in milliseconds since 1970. Deadlines use it, not the browser's time. */
export const serverNow = (): number => Date.now() + ahead;
