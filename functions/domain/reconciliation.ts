import { type Instant, laterOf, millisOf, plusMillis } from './instant.ts';
import {
  asNextVersion,
  type Attention,
  isKlarnaExpiryEarly,
  isUnsettled,
  klarnaLongestLifetime,
  type PaymentRequest,
} from './payment-request.ts';
import { ambiguityOf } from './ambiguity.ts';
import { isOpen } from './payment-request-state.ts';

/** Milliseconds that the sweep leaves to the timer or to the holder of a claim before it does their work. */
export const sweepMargin = 60_000;

/** Minutes until the next attempt, by how many attempts have settled nothing. The first is the next sweep's. */
const attemptIntervals = [0, 1, 5, 15, 60] as const;

/**
 * Attempts in a row, the last ones an hour apart. After them the sweep stops reading a request that should be over at Klarna.
 * A request that Klarna does not know then waits for its deadline or Klarna's end of it.
 */
const mostAttempts = 24;

/** When the sweep tries again what it could not settle now. */
export const nextAttempt = (
  record: PaymentRequest,
  now: Instant,
): Pick<PaymentRequest, 'attempts' | 'reconcileAfter'> => ({
  attempts: record.attempts + 1,
  reconcileAfter: plusMillis(now, (attemptIntervals[record.attempts] ?? 60) * 60_000),
});

/** The attention after the end of a request. Obstacles to the end are removed. Everything else stays for a person to see. */
export const attentionAfterEnd = (attention: Attention | undefined): Attention | undefined =>
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  attention !== undefined && obstacles.includes(attention) ? undefined : attention;

const obstacles: readonly Attention[] = ['not_found', 'klarna_denied', 'unknown_state'];

/** When a request that has ended is due again: never, unless a contradiction waits for a read. */
export const dueAfterEnd = ({ attention, reconcileAfter }: PaymentRequest): Instant | undefined =>
  attention === 'contradiction' ? reconcileAfter : undefined;

/**
 * When Klarna itself has ended the request at the latest: its expiry where we know it, else its longest lifetime. Later where
 * a call of ours may have moved the expiry and its response is not known.
 */
export function klarnaEndOf({ klarnaExpiresAt, createdAt, session }: PaymentRequest): Instant {
  const end = klarnaExpiresAt ?? plusMillis(createdAt, klarnaLongestLifetime);
  return laterOf(end, session?.klarnaExpiryMayBe ?? end);
}

/**
 * What the sweep does with a due record.
 * - `nothing`: not due any more, or another attempt is under way. `forget`: nothing is left to do.
 * - `resume`: a cancel whose end is not known.
 * - `expire`: the deadline of a session whose only timer is the sweep has passed.
 * - `end`: open past its deadline, so the timer was lost.
 * - `arm`: the timer was not armed, or Klarna's expiry has not followed the deadline.
 * - `arm_default`: only a webhook has told of the request. The account's default timer may apply.
 * - `ask`: the webhooks leave a question that a read answers. Their times have whole seconds, so that is not a fault.
 * - `read`: Klarna did not know the request, or has ended it and no webhook told us.
 */
export type ReconcileAction =
  'nothing' | 'forget' | 'resume' | 'expire' | 'end' | 'arm' | 'arm_default' | 'ask' | 'read';

/** The sweep's decision, from the record alone. */
export function decideReconciliation(record: PaymentRequest, now: Instant): ReconcileAction {
  if (record.reconcileAfter === undefined || record.reconcileAfter > now) return 'nothing';
  const { cancellation } = record;
  if (cancellation?.lease && cancellation.lease.until > now) return 'nothing';
  if (isUnsettled(record)) return 'resume';
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  const isOver = record.deadlineAt !== undefined && record.deadlineAt <= now;
  // The end of a session reads Klarna in any case.
  if (!(isOver && isOpen(record.state)) && ambiguityOf(record)) return 'ask';
  if (record.timer === 'sweep' && isOver) return 'expire';
  if (!isOpen(record.state)) return 'forget';
  // Klarna may have given it more time than we know. The attempts are limited all the same.
  const isOverAtKlarna = plusMillis(klarnaEndOf(record), sweepMargin) <= now && !mayBeEndedByUs(record);
  const read = record.attempts < mostAttempts ? 'read' : 'forget';
  if (isOverAtKlarna) return read;
  const lost = cancellation?.outcome === 'not_found' || record.attention === 'not_found';
  if (record.deadlineAt === undefined) {
    if (lost) return read;
    return record.state === undefined ? 'forget' : 'arm_default';
  }
  if (!isOver) {
    if (lost && record.timer !== 'pending') return read;
    // It was due for a question that a later webhook has answered.
    return dueWithTimer(record, now) ? 'forget' : 'arm';
  }
  if (record.timer !== 'fired') return 'end';
  return lost ? read : 'forget';
}

/** Whether the session's own end is still to come. It reads Klarna in any case. */
const mayBeEndedByUs = ({ deadlineAt, timer }: PaymentRequest): boolean =>
  deadlineAt !== undefined && timer !== 'fired';

/**
 * When a record is due again after a read of Klarna: with its timer, at once where it has none, never once it has ended. A
 * cancel whose end is not known stays due in every state, and so does a request that Klarna did not know.
 */
export function dueAfterRead(record: PaymentRequest, now: Instant): Instant | undefined {
  if (isUnsettled(record) || record.attention === 'not_found') return record.reconcileAfter;
  if (!isOpen(record.state)) return undefined;
  if (record.deadlineAt === undefined || isKlarnaExpiryEarly(record)) return now;
  if (record.timer === 'sweep') return record.deadlineAt;
  return record.timer === 'armed' ? plusMillis(record.deadlineAt, sweepMargin) : now;
}

/**
 * When an open request without other work is due: after Klarna itself has ended it, in case the webhook is lost. `undefined`
 * where that moment has passed, the request has ended, or neither Klarna nor a registration has told of it.
 */
export function dueAtKlarnaEnd(record: PaymentRequest, now: Instant): Instant | undefined {
  const isKnown = record.state !== undefined || record.session !== undefined;
  const due = plusMillis(klarnaEndOf(record), sweepMargin);
  return isOpen(record.state) && isKnown && due > now ? due : undefined;
}

/** When a record with a timer for a future deadline is due: at the deadline where the sweep is the timer, else after a margin. */
function dueWithTimer(record: PaymentRequest, now: Instant): Instant | undefined {
  const { state, timer, deadlineAt } = record;
  if (!isOpen(state) || deadlineAt === undefined || deadlineAt <= now || isKlarnaExpiryEarly(record))
    return undefined;
  if (timer === 'sweep') return deadlineAt;
  return timer === 'armed' ? plusMillis(deadlineAt, sweepMargin) : undefined;
}

/**
 * The record without work, unless its timer or Klarna's end of it is still to come. Removes obstacles from `attention` once the
 * request is paid or has ended.
 */
export const forgotten = (record: PaymentRequest, now: Instant): PaymentRequest =>
  asNextVersion(
    {
      ...record,
      attention: isOpen(record.state) ? record.attention : attentionAfterEnd(record.attention),
      reconcileAfter: dueWithTimer(record, now) ?? dueAtKlarnaEnd(record, now),
      attempts: 0,
    },
    now,
  );

/** For how many milliseconds a record has waited for an end that it should have; 0 where it waits for none. */
export interface Waiting {
  /** Since a cancel was requested whose end is not known. */
  readonly pendingCancel: number;
  /** Since the deadline of a session that is to be canceled, while the request is open. */
  readonly overdueSession: number;
}

/** How long this record has waited. */
export function waitingOf(record: PaymentRequest, now: Instant): Waiting {
  const { state, session, timer } = record;
  const isToEnd = isOpen(state) && session?.onTimeout === 'cancel' && timer !== 'fired';
  return {
    pendingCancel: isUnsettled(record) ? millisOf(now) - millisOf(record.cancellation.requestedAt) : 0,
    overdueSession: isToEnd ? Math.max(0, lateness(record, now)) : 0,
  };
}

/** Milliseconds since the deadline. Negative before it, 0 where there is no deadline. */
export const lateness = (record: PaymentRequest, now: Instant): number =>
  record.deadlineAt ? millisOf(now) - millisOf(record.deadlineAt) : 0;
