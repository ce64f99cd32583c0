import { isClosedTo, withoutLease } from './cancellation.ts';
import { notFoundObservationOf } from './klarna-read.ts';
import { klarnaEndOf } from './due.ts';
import type { HistoryEffect, HistoryEntry } from './history-entry.ts';
import { withEntry } from './history.ts';
import { ownEventId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, plusMillis } from './instant.ts';
import type { Observation } from './observation.ts';
import { type Attention, attentionAfterEnd, attentionWith } from './attention.ts';
import type { Cancellation, CancellationOutcome, PaymentRequest, ObserveReason } from './payment-request.ts';
import { nextAttempt, noAttempts } from './reconciliation.ts';
import { withDeadline, withWouldCancel } from './session-timer.ts';
import { applyObservation } from './transition.ts';

/**
 * How one attempt to cancel ended.
 * - `known`: the observations tell it. `not_found`: Klarna does not know the request. `unknown`: no clear response.
 * - `denied`: Klarna refuses our credentials. `unknown_state`: Klarna told a state that this version does not know.
 * - `grace`: the customer is paying and gets more time, once. `observed`: a switch was turned since the timer began the cancel.
 */
export type Conclusion =
  | { readonly kind: 'known' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown_state' }
  | { readonly kind: 'grace'; readonly millis: number }
  | { readonly kind: 'observed'; readonly by: ObserveReason };

/** Everything that one attempt learned from Klarna. */
export interface Attempt {
  readonly leaseId: string;
  /** Observations, and entries of responses that are not evidence, in the order in which they came. */
  readonly facts: readonly (Observation | HistoryEntry)[];
  readonly conclusion: Conclusion;
  /** Whether a DELETE was sent. */
  readonly sent: boolean;
  /** Whether it had leave to cancel a request that the customer had approved. */
  readonly allowCompleted: boolean;
  /** Ids and codes of Klarna's last response. */
  readonly proof: Readonly<Record<string, string>>;
}

/**
 * The record after an attempt. Every fact is applied, even if another attempt holds the claim by now: facts stay facts, and
 * every DELETE is recorded. Only the holder of the claim settles it. The same record where there is nothing to write.
 */
export function settled(record: PaymentRequest, attempt: Attempt, now: Instant): PaymentRequest {
  const judged = attempt.allowCompleted ? record : withoutLeave(record);
  let next = judged;
  for (const each of attempt.facts) {
    next = 'source' in each ? applyObservation(next, each).record : withEntry(next, each);
  }
  const end =
    attempt.conclusion.kind === 'not_found' &&
    notFoundObservationOf(next, attempt.leaseId, attempt.proof, now);
  if (end) next = applyObservation(next, end).record;
  next = next === judged ? record : { ...next, cancellation: record.cancellation };
  const { cancellation } = next;
  if (cancellation?.lease?.id !== attempt.leaseId) {
    if (!attempt.sent || !cancellation) return next;
    // A cancellation that has no leave itself says so already.
    const hadLeave = attempt.allowCompleted || !cancellation.allowCompleted;
    if (cancellation.sentBefore && (hadLeave || cancellation.sentWithoutLeave)) return next;
    const sent = { sentBefore: true, ...(!attempt.allowCompleted && { sentWithoutLeave: true as const }) };
    return { ...next, cancellation: { ...cancellation, ...sent } };
  }
  const done = attempt.conclusion.kind === 'known' || isClosedTo(cancellation, next.state);
  return done ? withEnd(next, cancellation, attempt, now) : withoutEnd(next, cancellation, attempt, now);
}

/** The record for the facts of an attempt without leave: another one, which has leave, may hold the claim by now. */
const withoutLeave = (record: PaymentRequest): PaymentRequest =>
  record.cancellation?.allowCompleted === true
    ? { ...record, cancellation: { ...record.cancellation, allowCompleted: false } }
    : record;

function withEnd(
  record: PaymentRequest,
  cancellation: Cancellation,
  attempt: Attempt,
  now: Instant,
): PaymentRequest {
  const byUs = attempt.sent || cancellation.sentBefore;
  const canceled = byUs ? 'canceled' : 'already_canceled';
  const outcome: CancellationOutcome = record.state === 'CANCELED' ? canceled : 'refused';
  const refused = settlementEntry(cancellation, { effect: 'refused', outcome }, attempt, now);
  const noted = outcome === 'refused' ? withEntry(record, { ...refused, state: record.state }) : record;
  return {
    ...noted,
    // Klarna may still carry out a DELETE, although the read after it showed the customer's approval.
    cancellation: { ...withoutLease(cancellation, outcome), sentBefore: byUs },
    timer: timerAfterEnd(record, cancellation, now),
    attention: attentionAfterEnd(record.attention),
    ...noAttempts,
  };
}

function withoutEnd(
  record: PaymentRequest,
  cancellation: Cancellation,
  attempt: Attempt,
  now: Instant,
): PaymentRequest {
  const { conclusion } = attempt;
  const sentBefore = cancellation.sentBefore || attempt.sent;
  // Klarna may still carry out a DELETE. Then the record must tell who wanted it.
  const left = sentBefore ? { ...withoutLease(cancellation, 'refused'), sentBefore } : undefined;
  if (conclusion.kind === 'observed') {
    const entry = settlementEntry(cancellation, { effect: 'noted', outcome: 'would_cancel' }, attempt, now);
    return {
      ...withWouldCancel(withEntry(record, entry), conclusion.by, now),
      cancellation: left,
      ...noAttempts,
    };
  }
  if (conclusion.kind === 'grace' && record.session) {
    const entry = settlementEntry(
      cancellation,
      { effect: 'noted', outcome: 'in_progress_grace' },
      attempt,
      now,
    );
    const deadlineAt = earlierOf(plusMillis(now, conclusion.millis), klarnaEndOf(record));
    return {
      ...withEntry(record, entry),
      cancellation: left,
      session: { ...record.session, graceGivenAt: now },
      ...withDeadline(record, deadlineAt),
    };
  }
  const outcome: CancellationOutcome = conclusion.kind === 'not_found' ? 'not_found' : 'pending';
  const obstacle = attentions[conclusion.kind];
  const attention = obstacle && attentionWith(record.attention, obstacle);
  // An entry with an attention is published: a failed attempt that changes nothing is not.
  const news = attention === record.attention ? undefined : attention;
  const noted = settlementEntry(cancellation, { effect: 'noted', outcome }, attempt, now);
  const entry = { ...noted, attention: news };
  const next: PaymentRequest = {
    ...withEntry(record, entry),
    cancellation: { ...withoutLease(cancellation, outcome), sentBefore },
    ...(attention && { attention }),
  };
  return { ...next, ...nextAttempt(next, now) };
}

/** The attention that a failed attempt sets. */
const attentions: Readonly<Record<Conclusion['kind'], Attention | undefined>> = {
  not_found: 'not_found',
  denied: 'klarna_denied',
  unknown_state: 'unknown_state',
  known: undefined,
  unknown: undefined,
  grace: undefined,
  observed: undefined,
};

const timerAfterEnd = (record: PaymentRequest, { cause }: Cancellation, now: Instant) => {
  if (record.timer === 'none' || record.timer === 'undecided') return record.timer;
  return cause === 'timeout' && record.deadlineAt && record.deadlineAt <= now ? 'fired' : 'removed';
};

const settlementEntry = (
  { cause }: Cancellation,
  { effect, outcome }: { readonly effect: HistoryEffect; readonly outcome: string },
  { leaseId, conclusion, proof }: Attempt,
  now: Instant,
): HistoryEntry => ({
  eventId: ownEventId('outcome', leaseId),
  kind: 'cancel_request',
  recordedAt: now,
  effect,
  detail: { cause, outcome, conclusion: conclusion.kind, at: formatInstant(now), ...proof },
});
