import { type EventId, ownEventId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, plusMillis } from './instant.ts';
import {
  asNextVersion,
  hasRecorded,
  type HistoryEntry,
  isKlarnaExpiryEarly,
  isUnsettled,
  type PaymentRequest,
  type TimerState,
  withEntry,
} from './payment-request.ts';
import { isFinal, isOpen } from './payment-request-state.ts';
import { dueAfterEnd, dueAtKlarnaEnd, sweepMargin } from './reconciliation.ts';

/** The attributes of a deadline whose timer is not armed yet. The sweep arms it after its margin if nothing else does. */
export const withDeadline = (deadlineAt: Instant, now: Instant) =>
  ({
    deadlineAt,
    timer: 'pending',
    attempts: 0,
    reconcileAfter: plusMillis(earlierOf(now, deadlineAt), sweepMargin),
  }) as const satisfies Partial<PaymentRequest>;

/**
 * The record once its timer is armed for this deadline; `undefined` where the record has another deadline by now or needs no
 * timer. The sweep leaves a margin to a timer that fires by itself. Where the sweep is the timer, the record is due at the
 * deadline.
 */
export function withArmedTimer(
  record: PaymentRequest,
  deadlineAt: Instant,
  now: Instant,
  timer: 'armed' | 'sweep' = 'armed',
): PaymentRequest | undefined {
  const waiting = record.timer === 'pending' || record.timer === 'armed' || record.timer === 'sweep';
  if (!waiting || record.deadlineAt !== deadlineAt) return undefined;
  // A cancel that began meanwhile is due at its own time, and so is an expiry that Klarna has to move. Their attempts go on.
  if (isUnsettled(record) || isKlarnaExpiryEarly(record)) return asNextVersion({ ...record, timer }, now);
  const due = timer === 'sweep' ? deadlineAt : plusMillis(deadlineAt, sweepMargin);
  return asNextVersion({ ...record, timer, attempts: 0, reconcileAfter: due }, now);
}

/**
 * What a timer that fires means for a record. Its message is a hint: the record decides.
 * - `nothing`: there is no such session. `spare`: the request is paid or has ended.
 * - `not_yet`: the record's own deadline is still to come.
 * - `observe`: the end is only written down. `end`: the session is over and the request is open.
 */
export type TimeoutDecision = 'nothing' | 'spare' | 'not_yet' | 'observe' | 'end';

/** What the timer does with this record at this time. */
export function decideTimeout(record: PaymentRequest, now: Instant): TimeoutDecision {
  if (!record.session || record.deadlineAt === undefined) return 'nothing';
  if (!isOpen(record.state)) return 'spare';
  if (now < record.deadlineAt) return 'not_yet';
  return record.session.onTimeout === 'observe' ? 'observe' : 'end';
}

/**
 * The record after a timer that ended nothing. The history notes why, once per deadline. The record is then not due any more,
 * unless a cancel is to be settled. An observed session is due when Klarna has ended it, in case the webhook is lost.
 * `undefined` where there is nothing to write.
 */
export function withSparedTimer(record: PaymentRequest, now: Instant): PaymentRequest | undefined {
  const decision = decideTimeout(record, now);
  const { deadlineAt } = record;
  if ((decision !== 'spare' && decision !== 'observe') || deadlineAt === undefined) return undefined;
  const eventId = timerEventId(deadlineAt);
  if (hasRecorded(record, eventId)) return undefined;
  const detail: Readonly<Record<string, string>> = {
    deadline_at: formatInstant(deadlineAt),
    outcome: decision === 'observe' ? 'would_cancel' : 'spared',
  };
  const entry: HistoryEntry = {
    eventId,
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail,
  };
  const reconcileAfter = isUnsettled(record)
    ? record.reconcileAfter
    : (dueAtKlarnaEnd(record, now) ?? (decision === 'observe' ? now : dueAfterEnd(record)));
  return asNextVersion({ ...withEntry(record, entry), timer: 'fired', reconcileAfter, attempts: 0 }, now);
}

/**
 * The record after a timer that fired before the record's own deadline, noted once per deadline. Its message had an earlier
 * deadline, or a clock is ahead. Nothing else changes. `undefined` where there is nothing to write.
 */
export function withEarlyTimer(record: PaymentRequest, now: Instant): PaymentRequest | undefined {
  const { deadlineAt } = record;
  // Stryker disable next-line ConditionalExpression: only the compiler needs the second check
  if (decideTimeout(record, now) !== 'not_yet' || deadlineAt === undefined) return undefined;
  const entry: HistoryEntry = {
    eventId: ownEventId('timer', `early:${deadlineAt}`),
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { deadline_at: formatInstant(deadlineAt), outcome: 'not_yet' },
  };
  return hasRecorded(record, entry.eventId) ? undefined : asNextVersion(withEntry(record, entry), now);
}

const timerEventId = (deadlineAt: Instant): EventId => ownEventId('timer', deadlineAt);

/**
 * The timer as it is shown. A webhook ends a request without a read, so its write leaves the timer as it was. The timer of an ended
 * request ends nothing any more, whether its schedule is still there or not.
 */
export const shownTimer = ({ state, timer }: Pick<PaymentRequest, 'state' | 'timer'>): TimerState =>
  isFinal(state) && (timer === 'pending' || timer === 'armed' || timer === 'sweep') ? 'removed' : timer;

/** Milliseconds of grace for a customer who is paying, if the session has any left. A session gives grace once. */
export const graceLeft = (
  record: PaymentRequest | undefined,
  accountGrace: number | undefined,
): number | undefined =>
  record?.session && record.session.graceGivenAt === undefined
    ? (record.session.inProgressGrace ?? accountGrace)
    : undefined;
