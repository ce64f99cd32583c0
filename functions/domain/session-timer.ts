import { earlierOf, type Instant, plusMillis } from './instant.ts';
import { asNextVersion, isKlarnaExpiryEarly, isUnsettled, type PaymentRequest } from './payment-request.ts';
import { sweepMargin } from './reconciliation.ts';

/**
 * The record once its timer is armed for this deadline; `undefined` when the record has moved on meanwhile. The sweep leaves
 * a margin to a timer that goes off by itself; where it is the timer, it is due at the deadline.
 */
export function withArmedTimer(
  record: PaymentRequest,
  deadlineAt: Instant,
  now: Instant,
  timer: 'armed' | 'sweep' = 'armed',
): PaymentRequest | undefined {
  const waiting = record.timer === 'pending' || record.timer === 'armed' || record.timer === 'sweep';
  if (!waiting || record.deadlineAt !== deadlineAt) return undefined;
  const due = timer === 'sweep' ? deadlineAt : plusMillis(deadlineAt, sweepMargin);
  // A cancel that was begun while the timer was being armed is looked after in its own time, and so is Klarna's expiry.
  const reconcileAfter = isUnsettled(record) || isKlarnaExpiryEarly(record) ? record.reconcileAfter : due;
  return asNextVersion({ ...record, timer, attempts: 0, reconcileAfter }, now);
}

/** A deadline of which the timer is still to be armed: the sweep arms it if nobody else does within its margin. */
export const withDeadline = (deadlineAt: Instant, now: Instant) =>
  ({
    deadlineAt,
    timer: 'pending',
    attempts: 0,
    reconcileAfter: plusMillis(earlierOf(now, deadlineAt), sweepMargin),
  }) as const satisfies Partial<PaymentRequest>;
