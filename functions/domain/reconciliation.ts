import { klarnaEndOf, mostAttempts, sweepMargin, workOf, type WorkKind } from './due.ts';
import { type Instant, millisOf, plusMillis } from './instant.ts';
import { attentionAfterEnd } from './attention.ts';
import { isKlarnaExpiryEarly, isUnsettled, type PaymentRequest } from './payment-request.ts';
import type { WaitingSince } from './sweep-memory.ts';
import { isOpen } from './payment-request-state.ts';

/** Minutes until the next attempt, by how many attempts have settled nothing. The first is the next sweep's. */
const attemptIntervals = [0, 1, 5, 15, 60] as const;

/**
 * When the sweep tries again what it could not settle now. A request that reads do not show is left alone after {@link mostAttempts},
 * until Klarna itself has ended it. A cancel whose end is not known and a session that is over are never left alone.
 */
export function nextAttempt(
  record: PaymentRequest,
  now: Instant,
): Pick<PaymentRequest, 'attempts' | 'retryAt'> {
  const attempts = record.attempts + 1;
  const end = plusMillis(klarnaEndOf(record), sweepMargin);
  const mustEnd = isUnsettled(record) || isOver(record, now);
  if (attempts >= mostAttempts && !mustEnd && end > now) return { attempts: 0, retryAt: end };
  const next = plusMillis(now, (attemptIntervals[record.attempts] ?? 60) * 60_000);
  return { attempts, retryAt: notAfterEarlyExpiry(record, now, next) };
}

/** The time of the next attempt, with one more before Klarna ends the request by an expiry of ours that is too early. */
function notAfterEarlyExpiry(record: PaymentRequest, now: Instant, next: Instant): Instant {
  const early = record.session?.klarnaExpiry?.askedFor;
  if (early === undefined || !isKlarnaExpiryEarly(record)) return next;
  const last = plusMillis(early, -2 * sweepMargin);
  return last > now && last < next ? last : next;
}

/** Whether the session is over and the request is still open, so that its end is left to do. */
const isOver = (record: PaymentRequest, now: Instant): boolean =>
  workOf(record).some(
    // Stryker disable next-line ConditionalExpression: the end of a session has a moment
    ({ kind, from }) => (kind === 'end' || kind === 'expire') && from !== undefined && from <= now,
  );

/** What remains of earlier attempts once one of them has settled something. */
export const noAttempts = { attempts: 0, retryAt: undefined } as const satisfies Partial<PaymentRequest>;

/**
 * What the sweep does with a due record: the most important work that is due.
 * - `nothing`: not due any more, or another attempt is under way.
 * - `forget`: the work that it was due for is done. A write derives when it is due again.
 */
export type ReconcileAction = 'nothing' | 'forget' | WorkKind;

/** The sweep's decision, from the record alone. */
export function decideReconciliation(record: PaymentRequest, now: Instant): ReconcileAction {
  const { dueAt, cancellation } = record;
  if (dueAt === undefined || dueAt > now) return 'nothing';
  if (cancellation?.lease && cancellation.lease.until > now) return 'nothing';
  return workOf(record).find(({ from }) => from === undefined || from <= now)?.kind ?? 'forget';
}

/** Whether this work is due now. */
export const isWorkDue = (record: PaymentRequest, kind: WorkKind, now: Instant): boolean =>
  workOf(record).some((work) => work.kind === kind && (work.from === undefined || work.from <= now));

/**
 * The record without the work that it was due for. Obstacles are removed from `attention` once the request is paid or has ended.
 * After {@link mostAttempts} the attempts stay, so that the sweep does not begin again.
 */
export const forgotten = (record: PaymentRequest): PaymentRequest => ({
  ...record,
  attention: isOpen(record.state) ? record.attention : attentionAfterEnd(record.attention),
  ...(record.attempts < mostAttempts && noAttempts),
});

/** The record of which the sweep has decided that the account's default timer does not apply. */
export const withoutDefaultTimer = (record: PaymentRequest): PaymentRequest => ({
  ...forgotten(record),
  timer: record.timer === 'undecided' ? 'none' : record.timer,
});

/** Since when this record has waited, or from when it will wait. */
export function waitingSince(record: PaymentRequest): WaitingSince {
  const { state, session, timer, deadlineAt } = record;
  const isToEnd = isOpen(state) && session?.onTimeout === 'cancel' && timer !== 'fired';
  return {
    pendingCancel: isUnsettled(record) ? record.cancellation.requestedAt : undefined,
    overdueSession: isToEnd ? deadlineAt : undefined,
  };
}

/** Milliseconds since the deadline. Negative before it, 0 where there is no deadline. */
export const lateness = (record: PaymentRequest, now: Instant): number =>
  record.deadlineAt ? millisOf(now) - millisOf(record.deadlineAt) : 0;
