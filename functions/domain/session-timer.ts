import type { HistoryEntry } from './history-entry.ts';
import { hasRecorded, withEntry } from './history.ts';
import { type EventId, ownEventId } from './identifiers.ts';
import { formatInstant, type Instant, plusMillis } from './instant.ts';
import { isUnsettled, type PaymentRequest, type TimerState, type ObserveReason } from './payment-request.ts';
import { isFinal, isOpen } from './payment-request-state.ts';
import { sweepMargin } from './due.ts';
import { noAttempts } from './reconciliation.ts';
import { observedSession, observeReasonOf, type TimeoutSwitches } from './timeout-switches.ts';

/**
 * The attributes of a new deadline. The write says `armed` before the timer is: its name is known, and the record is due soon after the
 * deadline in any case. Where arming fails, another write says `pending`.
 */
export const withDeadline = ({ timer }: Pick<PaymentRequest, 'timer'>, deadlineAt: Instant) =>
  ({
    deadlineAt,
    timer: timer === 'sweep' ? 'sweep' : 'armed',
    ...noAttempts,
  }) as const satisfies Partial<PaymentRequest>;

/**
 * The record of which arming the timer for this deadline failed. The sweep arms it after its margin. `undefined` where the record has
 * another deadline by now, or needs no timer.
 */
export function withPendingTimer(
  record: PaymentRequest,
  deadlineAt: Instant,
  now: Instant,
): PaymentRequest | undefined {
  if (record.timer !== 'armed' || record.deadlineAt !== deadlineAt) return undefined;
  return { ...record, timer: 'pending', retryAt: plusMillis(now, sweepMargin) };
}

/**
 * The record once its timer is armed for this deadline. `undefined` where the record says so already, has another deadline by now, or
 * needs no timer.
 */
export function withArmedTimer(
  record: PaymentRequest,
  deadlineAt: Instant,
  armed: 'armed' | 'sweep',
): PaymentRequest | undefined {
  const { timer } = record;
  const isWaiting = timer === 'pending' || timer === 'armed' || timer === 'sweep';
  if (!isWaiting || timer === armed || record.deadlineAt !== deadlineAt) return undefined;
  return { ...record, timer: armed, ...(!isUnsettled(record) && noAttempts) };
}

/**
 * What a timer that fires means for a record. Its message is a hint: the record decides.
 * - `nothing`: there is no such session. `spare`: the request is paid or has ended.
 * - `not_yet`: the record's own deadline is still to come.
 * - `observe`: the end is only written down. `end`: the session is over and the request is open.
 */
export type TimeoutDecision = 'nothing' | 'spare' | 'not_yet' | 'observe' | 'end';

/** What the timer does with this record at this time, by the switches of its account and stage. */
export function decideTimeout(
  record: PaymentRequest,
  switches: TimeoutSwitches,
  now: Instant,
): TimeoutDecision {
  const { session, deadlineAt } = record;
  if (!session || deadlineAt === undefined) return 'nothing';
  if (!isOpen(record.state)) return 'spare';
  if (now < deadlineAt) return 'not_yet';
  // A cancel that the timer has begun is settled first. If a switch was turned since, its attempt observes the session.
  if (isUnsettled(record) && record.cancellation.cause === 'timeout') return 'end';
  return observeReasonOf(session, switches) === undefined ? 'end' : 'observe';
}

/**
 * The record after the timer of a session that is only observed. The history notes what would have happened, and why not, once per
 * deadline. From then on the session is one that is observed. `undefined` where there is nothing to write: a request that is paid or has
 * ended stays as it is.
 */
export function withObservedTimer(
  record: PaymentRequest,
  switches: TimeoutSwitches,
  now: Instant,
): PaymentRequest | undefined {
  const { session, deadlineAt } = record;
  if (decideTimeout(record, switches, now) !== 'observe') return undefined;
  const reason = session && observeReasonOf(session, switches);
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  if (!reason || deadlineAt === undefined) return undefined;
  if (record.timer === 'fired' || hasRecorded(record, timerEventId(deadlineAt))) return undefined;
  return { ...withWouldCancel(record, reason, now), ...(!isUnsettled(record) && noAttempts) };
}

/** The record with the end of its session noted as observed, and the session as one that is observed. */
export function withWouldCancel(record: PaymentRequest, reason: ObserveReason, now: Instant): PaymentRequest {
  const { session, deadlineAt = now } = record;
  const entry: HistoryEntry = {
    eventId: timerEventId(deadlineAt),
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { deadline_at: formatInstant(deadlineAt), outcome: 'would_cancel', reason },
  };
  if (hasRecorded(record, entry.eventId)) return record;
  return {
    ...withEntry(record, entry),
    session: session && observedSession(session, reason),
    wouldCancel: { at: now, reason },
    timer: 'fired',
  };
}

/**
 * The record after a timer that fired before the record's own deadline, noted once per deadline. Its message had an earlier
 * deadline, or a clock is ahead. Nothing else changes. `undefined` where there is nothing to write.
 */
export function withEarlyTimer(record: PaymentRequest, now: Instant): PaymentRequest | undefined {
  const { session, deadlineAt, state } = record;
  if (!session || deadlineAt === undefined || !isOpen(state) || now >= deadlineAt) return undefined;
  const entry: HistoryEntry = {
    eventId: ownEventId('timer', `early:${deadlineAt}`),
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { deadline_at: formatInstant(deadlineAt), outcome: 'not_yet' },
  };
  return hasRecorded(record, entry.eventId) ? undefined : withEntry(record, entry);
}

const timerEventId = (deadlineAt: Instant): EventId => ownEventId('timer', deadlineAt);

/**
 * The timer as it is shown. Webhooks end requests without a read, and a timer that finds a request paid writes nothing, so the stored
 * state may be older. The timer of an ended request ends nothing any more, whether its schedule is still there or not.
 */
export function shownTimer(
  { state, timer, deadlineAt }: Pick<PaymentRequest, 'state' | 'timer' | 'deadlineAt'>,
  now: Instant,
): Exclude<TimerState, 'undecided'> {
  if (timer === 'undecided') return 'none';
  const isWaiting = timer === 'pending' || timer === 'armed' || timer === 'sweep';
  if (!isWaiting || isOpen(state)) return timer;
  if (isFinal(state)) return 'removed';
  // Stryker disable next-line ConditionalExpression: only the compiler needs the first check
  return deadlineAt !== undefined && deadlineAt <= now ? 'fired' : timer;
}

/** Milliseconds of grace for a customer who is paying, if the session has any left. A session gives grace once. */
export const graceLeft = (
  record: PaymentRequest | undefined,
  accountGrace: number | undefined,
): number | undefined =>
  record?.session && record.session.graceGivenAt === undefined
    ? (record.session.inProgressGrace ?? accountGrace)
    : undefined;
