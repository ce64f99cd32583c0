import { earlierOf, type Instant, laterOf, millisOf } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/**
 * When the customer can no longer pay any of these Payment Requests: the latest end of an open one. An open one ends at its deadline or
 * at Klarna's expiry, whichever is first. `undefined` if none is open, or if one of them has no known end.
 */
export function payableUntil(records: readonly PaymentRequest[]): Instant | undefined {
  let latest: Instant | undefined;
  for (const record of records.filter(({ state }) => isOpen(state))) {
    const end = endOf(record);
    if (end === undefined) return undefined;
    latest = latest === undefined ? end : laterOf(latest, end);
  }
  return latest;
}

function endOf({ deadlineAt, klarnaExpiresAt }: PaymentRequest): Instant | undefined {
  if (deadlineAt === undefined || klarnaExpiresAt === undefined) return deadlineAt ?? klarnaExpiresAt;
  return earlierOf(deadlineAt, klarnaExpiresAt);
}

/** Whole seconds until then, rounded down, and 0 once it is over. */
export const secondsUntil = (end: Instant, now: Instant): number =>
  Math.max(0, Math.floor((millisOf(end) - millisOf(now)) / 1_000));
