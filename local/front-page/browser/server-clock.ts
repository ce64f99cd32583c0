/** By how much the system's clock is ahead of the browser's, in milliseconds. */
let ahead = 0;

/** Learns the system's time from an answer: it was then, some time between the question and the answer. */
export function setServerClock(now: string, askedAt: number, respondedAt: number): void {
  ahead = Date.parse(now) - (askedAt + respondedAt) / 2;
}

/** The system's time, in milliseconds since 1970: deadlines are reached by it and not by the browser's. */
export const serverNow = (): number => Date.now() + ahead;
