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

/** Milliseconds that the sweep leaves to whoever does the work in the ordinary course: the timer, or the holder of a claim. */
export const sweepMargin = 60_000;

/** Minutes until the next look, by how many have settled nothing so far: the first is the next sweep's. */
const lookIntervals = [0, 1, 5, 15, 60] as const;

/**
 * Looks in a row, the last ones an hour apart, after which a request that should be over at Klarna is let be, and one that it does not
 * know waits for its deadline or Klarna's end of it.
 */
const mostAttempts = 24;

/** When to look again at what could not be settled now. */
export const nextLook = (
  record: PaymentRequest,
  now: Instant,
): Pick<PaymentRequest, 'attempts' | 'reconcileAfter'> => ({
  attempts: record.attempts + 1,
  reconcileAfter: plusMillis(now, (lookIntervals[record.attempts] ?? 60) * 60_000),
});

/** What stood in the way of the end is over with it; what a person must see stays, also what newer code wants seen. */
export const attentionAfterEnd = (attention: Attention | undefined): Attention | undefined =>
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  attention !== undefined && inTheWay.includes(attention) ? undefined : attention;

const inTheWay: readonly Attention[] = ['not_found', 'klarna_denied', 'unknown_state'];

/** When a request that has ended is due again: not at all, unless a contradiction waits for a look. */
export const dueAfterEnd = ({ attention, reconcileAfter }: PaymentRequest): Instant | undefined =>
  attention === 'contradiction' ? reconcileAfter : undefined;

/**
 * When Klarna itself has ended the request, whatever it says: its expiry where we know it, else its longest lifetime; later where
 * it may have been moved without our knowing.
 */
export function klarnaEndOf({ klarnaExpiresAt, createdAt, session }: PaymentRequest): Instant {
  const end = klarnaExpiresAt ?? plusMillis(createdAt, klarnaLongestLifetime);
  return laterOf(end, session?.klarnaExpiryMayBe ?? end);
}

/**
 * What the sweep does with a due record.
 * - `nothing`: not due any more, or somebody is at it. `forget`: nothing is needed any more.
 * - `resume`: a cancel whose end is not known. `expire`: the deadline of a session whose timer is the sweep has come.
 * - `end`: open past its deadline, so the timer was lost.
 * - `arm`: the timer was never armed, or nobody knows; or Klarna's own expiry has not followed the deadline.
 * - `arm-default`: a request that only Klarna's webhook told us of.
 * - `ask`: Klarna's webhooks leave a question that only Klarna can answer. Its times have whole seconds, so that is no fault.
 * - `look`: Klarna is to be asked for the state: it did not know the request, or has ended it and nobody told us.
 */
export type ReconcileAction =
  'nothing' | 'forget' | 'resume' | 'expire' | 'end' | 'arm' | 'arm_default' | 'ask' | 'look';

/** The sweep's decision, from the record alone. */
export function decideReconciliation(record: PaymentRequest, now: Instant): ReconcileAction {
  if (record.reconcileAfter === undefined || record.reconcileAfter > now) return 'nothing';
  const { cancellation } = record;
  if (cancellation?.lease && cancellation.lease.until > now) return 'nothing';
  if (isUnsettled(record)) return 'resume';
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  const isOver = record.deadlineAt !== undefined && record.deadlineAt <= now;
  // The end of a session asks Klarna anyway.
  if (!(isOver && isOpen(record.state)) && ambiguityOf(record)) return 'ask';
  if (record.timer === 'sweep' && isOver) return 'expire';
  if (!isOpen(record.state)) return 'forget';
  // Klarna may have given it more time than we know of; that it says so for ever is not to be expected.
  const isOverAtKlarna = plusMillis(klarnaEndOf(record), sweepMargin) <= now && !mayBeEndedByUs(record);
  const look = record.attempts < mostAttempts ? 'look' : 'forget';
  if (isOverAtKlarna) return look;
  const lost = cancellation?.outcome === 'not_found' || record.attention === 'not_found';
  if (record.deadlineAt === undefined) {
    if (lost) return look;
    return record.state === undefined ? 'forget' : 'arm_default';
  }
  if (!isOver) {
    if (lost && record.timer !== 'pending') return look;
    // Due for a question that a later webhook has answered since.
    return dueWithTimer(record, now) ? 'forget' : 'arm';
  }
  if (record.timer !== 'fired') return 'end';
  return lost ? look : 'forget';
}

/** Whether the session's own end is still to come, which asks Klarna anyway. */
const mayBeEndedByUs = ({ deadlineAt, timer }: PaymentRequest): boolean =>
  deadlineAt !== undefined && timer !== 'fired';

/**
 * When a record of which Klarna has just been asked is due again: with its timer, at once where it has none, not at all once
 * it has ended. A cancel of which the end is not known stays due, whatever the state: somebody may have begun one meanwhile.
 * So does what Klarna did not know: it is to be looked at again.
 */
export function dueAfterLook(record: PaymentRequest, now: Instant): Instant | undefined {
  if (isUnsettled(record) || record.attention === 'not_found') return record.reconcileAfter;
  if (!isOpen(record.state)) return undefined;
  if (record.deadlineAt === undefined || isKlarnaExpiryEarly(record)) return now;
  if (record.timer === 'sweep') return record.deadlineAt;
  return record.timer === 'armed' ? plusMillis(record.deadlineAt, sweepMargin) : now;
}

/**
 * When an open request that needs nothing else is due: once Klarna itself has ended it, should its webhook be lost. Not at
 * all when that has passed, when it has ended, or when neither Klarna nor a registration has ever spoken of it.
 */
export function dueAtKlarnaEnd(record: PaymentRequest, now: Instant): Instant | undefined {
  const isKnown = record.state !== undefined || record.session !== undefined;
  const due = plusMillis(klarnaEndOf(record), sweepMargin);
  return isOpen(record.state) && isKnown && due > now ? due : undefined;
}

/** When a record is due whose timer is set for a deadline to come: with it where the timer is the sweep, else soon after. */
function dueWithTimer(record: PaymentRequest, now: Instant): Instant | undefined {
  const { state, timer, deadlineAt } = record;
  if (!isOpen(state) || deadlineAt === undefined || deadlineAt <= now || isKlarnaExpiryEarly(record))
    return undefined;
  if (timer === 'sweep') return deadlineAt;
  return timer === 'armed' ? plusMillis(deadlineAt, sweepMargin) : undefined;
}

/**
 * The record with nothing left to do, unless its own timer or Klarna's end of it is still to come. That Klarna did not know it is
 * over once Klarna has told of its payment or its end.
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

/** Milliseconds since the deadline; negative before it, none where there is no deadline. */
export const lateness = (record: PaymentRequest, now: Instant): number =>
  record.deadlineAt ? millisOf(now) - millisOf(record.deadlineAt) : 0;
