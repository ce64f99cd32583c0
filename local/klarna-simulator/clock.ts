import { type Instant, instantFromMillis, plusMillis } from '../../functions/domain/instant.ts';
import type { SettingsInForce } from './settings.ts';

/** The time, with nine fractional digits. */
export type Clock = () => Instant;

/**
 * A clock that never shows the same time twice, so Klarna's own record is ordered even within a millisecond. It goes
 * back only where the settings set it back.
 */
export function createClock(settings: SettingsInForce): Clock {
  let last: Instant | undefined;
  let lastAhead = 0;
  return () => {
    const { clockAheadMs: ahead } = settings.current;
    const now = instantFromMillis(Date.now() + ahead);
    last = last === undefined || now > last || ahead < lastAhead ? now : nextNanosecond(last);
    lastAhead = ahead;
    return last;
  };
}

/** One nanosecond later. */
export function nextNanosecond(instant: Instant): Instant {
  const nanos = Number(instant.slice(20, 29)) + 1;
  return nanos < 1_000_000_000
    ? (`${instant.slice(0, 20)}${String(nanos).padStart(9, '0')}Z` as Instant)
    : plusMillis(`${instant.slice(0, 20)}000000000Z` as Instant, 1000);
}
