import { absenceOf } from './empty-answer.ts';
import { type EventId, ownEventId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, plusMillis } from './instant.ts';
import type { Observation } from './observation.ts';
import {
  asNextVersion,
  type Attention,
  type Cancellation,
  type CancellationCause,
  type CancellationOutcome,
  type HistoryEffect,
  type HistoryEntry,
  isUnsettled,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isFinal, type PaymentRequestState } from './payment-request-state.ts';
import { attentionAfterEnd, dueAfterEnd, klarnaEndOf, nextLook } from './reconciliation.ts';
import { withDeadline } from './session-timer.ts';
import { applyObservation } from './transition.ts';

/** Milliseconds for which a claim keeps everybody else from asking Klarna: longer than any one attempt may take. */
export const leaseLength = 30_000;

/** Who wants the request ended, and why. */
export interface CancelCommand {
  readonly cause: CancellationCause;
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  /** Ends the request even when the customer has approved it, if Klarna lets us. */
  readonly allowCompleted: boolean;
  /** Of a cancel that was asked for before: who carries it on now, and when it was asked for. */
  readonly carriedOn?: { readonly by: string; readonly requestedAt: Instant } | undefined;
}

/** The command that carries on a cancel of which the end is not known, in the name and for the reason of whoever asked for it. */
export const carryOn = (
  { cause, reason, requestedBy, requestedAt, allowCompleted }: Cancellation,
  by: string,
): CancelCommand => ({ cause, reason, requestedBy, allowCompleted, carriedOn: { by, requestedAt } });

/** Whether there is nothing for this cancel to end: the request is final, or paid and to be spared. */
export const isClosedTo = (
  { allowCompleted }: Pick<CancelCommand, 'allowCompleted'>,
  state: PaymentRequestState | undefined,
): boolean => isFinal(state) || (state === 'COMPLETED' && !allowCompleted);

/** What a record alone can answer to a cancel. */
export type RecordAnswer =
  | { readonly kind: 'already-canceled' }
  | { readonly kind: 'already-final'; readonly state: PaymentRequestState }
  /** Somebody holds a live claim. */
  | { readonly kind: 'claimed' }
  /** A timer asks, and the session was given more time, or is only to be observed, since the timer looked. */
  | { readonly kind: 'not-over' };

/** The answer that needs no question to Klarna, or `undefined` when Klarna must be asked. */
export function answerFromRecord(
  record: PaymentRequest | undefined,
  command: CancelCommand,
  now: Instant,
): RecordAnswer | undefined {
  if (!record) return undefined;
  const { state } = record;
  if (state === 'CANCELED') return { kind: 'already-canceled' };
  if (state && isClosedTo(command, state) && !(state === 'COMPLETED' && mayHaveBeenCanceled(record, now))) {
    return { kind: 'already-final', state };
  }
  if (hasLiveClaim(record, now)) return { kind: 'claimed' };
  return command.cause === 'timeout' && !isOver(record, now) ? { kind: 'not-over' } : undefined;
}

/** Whoever was at it is gone and may have come as far as the DELETE: only Klarna can say what became of a paid request. */
const mayHaveBeenCanceled = (record: PaymentRequest, now: Instant): boolean =>
  isUnsettled(record) &&
  !hasLiveClaim(record, now) &&
  (record.cancellation.outcome === 'claimed' || record.cancellation.sentBefore);

/** Asked once more when the claim is made: between the timer's look and its claim anybody may have moved the deadline. */
const isOver = ({ session, deadlineAt }: PaymentRequest, now: Instant): boolean =>
  session?.onTimeout !== 'observe' && (deadlineAt === undefined || deadlineAt <= now);

const hasLiveClaim = ({ cancellation }: PaymentRequest, now: Instant): boolean =>
  cancellation?.lease !== undefined && cancellation.lease.until > now;

/**
 * The record with a cancel noted that Klarna need not be asked about, and why not. Whoever asks while somebody else is at it is
 * noted once, however often they ask: the holder of the claim has to write too.
 */
export function withAnsweredCommand(
  record: PaymentRequest,
  command: CancelCommand,
  answer: RecordAnswer,
  eventId: EventId,
  now: Instant,
): PaymentRequest {
  if (answer.kind === 'claimed' || answer.kind === 'not-over') {
    if (answer.kind === 'claimed' && isWaiting(record, command)) return record;
    const waiting = commandEntry(command, 'noted', eventId, now, { outcome: waitingOutcomes[answer.kind] });
    return asNextVersion(withEntry(record, waiting), now);
  }
  const outcome: CancellationOutcome = answer.kind === 'already-canceled' ? 'already_canceled' : 'refused';
  const effect = outcome === 'refused' ? 'refused' : 'noted';
  const entry = { ...commandEntry(command, effect, eventId, now, { outcome }), state: record.state };
  // Whoever is at it may have a DELETE on its way, and says itself what came of it.
  if (hasLiveClaim(record, now)) return asNextVersion(withEntry(record, entry), now);
  // Our own cancel comes back as a webhook, and whoever sent it may never have come to say so.
  const settled: Cancellation = isUnsettled(record)
    ? withoutLease(record.cancellation, record.state === 'CANCELED' ? 'canceled' : 'refused')
    : (record.cancellation ?? { ...asked(command, now), outcome });
  return asNextVersion(
    { ...withEntry(record, entry), cancellation: settled, reconcileAfter: dueAfterEnd(record), looks: 0 },
    now,
  );
}

const waitingOutcomes = { claimed: 'pending', 'not-over': 'not_over' } as const;

/** Whether it is noted since the claim was made that this caller asks too. */
function isWaiting({ history }: PaymentRequest, { requestedBy }: CancelCommand): boolean {
  const claim = history.findLastIndex(
    ({ kind, effect }) => kind === 'cancel_request' && effect === 'accepted',
  );
  return history
    .slice(claim + 1)
    .some(
      ({ detail }) => detail['outcome'] === waitingOutcomes.claimed && detail['requested_by'] === requestedBy,
    );
}

/**
 * The record with a cancel of its whole session noted, which leaves alone what is paid or has ended. What was asked of this
 * request by itself stays as it is, and nobody is told: nothing was to be done.
 */
export function withSparedMember(
  record: PaymentRequest,
  command: CancelCommand,
  eventId: EventId,
  now: Instant,
): PaymentRequest {
  const outcome = record.state === 'CANCELED' ? 'already_canceled' : 'spared';
  const entry = { ...commandEntry(command, 'noted', eventId, now, { outcome }), state: record.state };
  return asNextVersion(withEntry(record, entry), now);
}

/** The record with a claim for one attempt. The sweep takes over when the lease runs out. */
export function claimed(
  record: PaymentRequest,
  command: CancelCommand,
  leaseId: string,
  now: Instant,
): PaymentRequest {
  const until = plusMillis(now, leaseLength);
  const entry = commandEntry(command, 'accepted', ownEventId('claim', leaseId), now, {});
  return asNextVersion(
    {
      ...withEntry(record, entry),
      cancellation: {
        ...asked(command, now),
        outcome: 'claimed',
        // A claim that ran out was held by somebody who may have come as far as the DELETE.
        sentBefore: record.cancellation?.outcome === 'claimed' || (record.cancellation?.sentBefore ?? false),
        lease: { id: leaseId, until },
      },
      reconcileAfter: until,
    },
    now,
  );
}

/**
 * How one attempt ended.
 * - `known`: the observations say it. `absent`: Klarna does not know the request. `unknown`: no answer that says anything.
 * - `denied`: Klarna refuses our credentials. `unknown-state`: a state that is new to us. `grace`: the customer is in the
 *   middle of paying and is given time, once.
 */
export type Conclusion =
  | { readonly kind: 'known' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown-state' }
  | { readonly kind: 'grace'; readonly millis: number };

/** Everything that one attempt learnt from Klarna. */
export interface Attempt {
  readonly leaseId: string;
  /** In the order in which it came: facts, and the entries of answers that are none. */
  readonly heard: readonly (Observation | HistoryEntry)[];
  readonly conclusion: Conclusion;
  /** Whether a DELETE went out. */
  readonly sent: boolean;
  /** Ids and codes of Klarna's last answer. */
  readonly proof: Readonly<Record<string, string>>;
}

/**
 * The record after an attempt: all that was heard is taken in, whoever holds the claim by now, since facts stay facts and every
 * DELETE is to be accounted for; the claim is settled only by its holder. The same record when there is nothing to write.
 */
export function settled(record: PaymentRequest, attempt: Attempt, now: Instant): PaymentRequest {
  let next = record;
  for (const each of attempt.heard) {
    next = 'source' in each ? applyObservation(next, each).record : withEntry(next, each);
  }
  const absence =
    attempt.conclusion.kind === 'absent' && absenceOf(next, attempt.leaseId, attempt.proof, now);
  if (absence) next = applyObservation(next, absence).record;
  const { cancellation } = next;
  if (cancellation?.lease?.id !== attempt.leaseId) return next === record ? record : asNextVersion(next, now);
  const done = attempt.conclusion.kind === 'known' || isClosedTo(cancellation, next.state);
  return asNextVersion(
    done ? withEnd(next, cancellation, attempt, now) : withoutEnd(next, cancellation, attempt, now),
    now,
  );
}

function withEnd(
  record: PaymentRequest,
  cancellation: Cancellation,
  attempt: Attempt,
  now: Instant,
): PaymentRequest {
  const byUs = attempt.sent || cancellation.sentBefore;
  const canceled = byUs ? 'canceled' : 'already_canceled';
  const outcome: CancellationOutcome = record.state === 'CANCELED' ? canceled : 'refused';
  const refused = settlementEntry(cancellation, 'refused', outcome, attempt, now);
  const noted = outcome === 'refused' ? withEntry(record, { ...refused, state: record.state }) : record;
  return {
    ...noted,
    // A DELETE that went out may be carried out yet, though the read after it showed the customer's approval.
    cancellation: { ...withoutLease(cancellation, outcome), sentBefore: byUs },
    timer: timerAfterEnd(record, cancellation, now),
    attention: attentionAfterEnd(record.attention),
    looks: 0,
    reconcileAfter: dueAfterEnd(record),
  };
}

function withoutEnd(
  record: PaymentRequest,
  cancellation: Cancellation,
  attempt: Attempt,
  now: Instant,
): PaymentRequest {
  const { conclusion } = attempt;
  if (conclusion.kind === 'grace' && record.session) {
    const entry = settlementEntry(cancellation, 'noted', 'in_progress_grace', attempt, now);
    const deadlineAt = earlierOf(plusMillis(now, conclusion.millis), klarnaEndOf(record));
    return {
      ...withEntry(record, entry),
      cancellation: undefined,
      session: { ...record.session, graceGivenAt: now },
      ...withDeadline(deadlineAt, now),
    };
  }
  const outcome: CancellationOutcome = conclusion.kind === 'absent' ? 'not_found' : 'pending';
  const attention = attentions[conclusion.kind];
  const entry = { ...settlementEntry(cancellation, 'noted', outcome, attempt, now), attention };
  return {
    ...withEntry(record, entry),
    cancellation: {
      ...withoutLease(cancellation, outcome),
      sentBefore: cancellation.sentBefore || attempt.sent,
    },
    ...(attention && { attention }),
    ...nextLook(record, now),
  };
}

/** Who has to be told that an attempt came to nothing. */
const attentions: Readonly<Record<Conclusion['kind'], Attention | undefined>> = {
  absent: 'not_found_at_klarna',
  denied: 'klarna_denied',
  'unknown-state': 'unknown_state',
  known: undefined,
  unknown: undefined,
  grace: undefined,
};

const timerAfterEnd = (record: PaymentRequest, { cause }: Cancellation, now: Instant) => {
  if (record.timer === 'none') return 'none';
  return cause === 'timeout' && record.deadlineAt && record.deadlineAt <= now ? 'fired' : 'removed';
};

const asked = ({ cause, reason, requestedBy, allowCompleted, carriedOn }: CancelCommand, now: Instant) => ({
  cause,
  reason,
  requestedBy,
  requestedAt: carriedOn?.requestedAt ?? now,
  allowCompleted,
  sentBefore: false,
});

const withoutLease = (cancellation: Cancellation, outcome: CancellationOutcome): Cancellation => ({
  ...cancellation,
  outcome,
  lease: undefined,
});

const commandEntry = (
  { cause, reason, requestedBy, allowCompleted, carriedOn }: CancelCommand,
  effect: HistoryEffect,
  eventId: EventId,
  now: Instant,
  detail: Readonly<Record<string, string>>,
): HistoryEntry => ({
  eventId,
  kind: 'cancel_request',
  recordedAt: now,
  effect,
  detail: {
    cause,
    requested_by: requestedBy,
    ...(carriedOn && { carried_on_by: carriedOn.by }),
    ...(reason !== undefined && { reason }),
    ...(allowCompleted && { allow_completed: 'true' }),
    ...detail,
  },
});

const settlementEntry = (
  { cause }: Cancellation,
  effect: HistoryEffect,
  outcome: string,
  { leaseId, conclusion, proof }: Attempt,
  now: Instant,
): HistoryEntry => ({
  eventId: ownEventId('outcome', leaseId),
  kind: 'cancel_request',
  recordedAt: now,
  effect,
  detail: { cause, outcome, conclusion: conclusion.kind, at: formatInstant(now), ...proof },
});
