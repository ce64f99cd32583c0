import { type Instant, instantFromMillis, nextNanosecond } from '../../functions/domain/instant.ts';

/** The time, with nine fractional digits. */
export type Clock = () => Instant;

/** A clock that never tells the same time twice, so that Klarna's own record has an order even within a millisecond. */
export function createClock(): Clock {
  let last: Instant | undefined;
  return () => {
    const now = instantFromMillis(Date.now());
    last = last === undefined || now > last ? now : nextNanosecond(last);
    return last;
  };
}
