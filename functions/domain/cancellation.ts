import { type EventId, ownEventId } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import {
  asNextVersion,
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
import { dueAfterEnd } from './reconciliation.ts';

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
export type RecordOutcome =
  | { readonly kind: 'already_canceled' }
  | { readonly kind: 'already_final'; readonly state: PaymentRequestState }
  /** Somebody holds a live claim. */
  | { readonly kind: 'claimed' }
  /** A timer asks, and the session was given more time, or is only to be observed, since the timer looked. */
  | { readonly kind: 'not_over' };

/** The answer that needs no question to Klarna, or `undefined` when Klarna must be asked. */
export function outcomeFromRecord(
  record: PaymentRequest | undefined,
  command: CancelCommand,
  now: Instant,
): RecordOutcome | undefined {
  if (!record) return undefined;
  const { state } = record;
  if (state === 'CANCELED') return { kind: 'already_canceled' };
  if (state && isClosedTo(command, state) && !(state === 'COMPLETED' && mayHaveBeenCanceled(record, now))) {
    return { kind: 'already_final', state };
  }
  if (hasLiveClaim(record, now)) return { kind: 'claimed' };
  return command.cause === 'timeout' && !isOver(record, now) ? { kind: 'not_over' } : undefined;
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
export function withRefusedCommand(
  record: PaymentRequest,
  command: CancelCommand,
  response: RecordOutcome,
  eventId: EventId,
  now: Instant,
): PaymentRequest {
  if (response.kind === 'claimed' || response.kind === 'not_over') {
    if (response.kind === 'claimed' && isWaiting(record, command)) return record;
    const waiting = commandEntry(command, 'noted', eventId, now, { outcome: waitingOutcomes[response.kind] });
    return asNextVersion(withEntry(record, waiting), now);
  }
  const outcome: CancellationOutcome = response.kind === 'already_canceled' ? 'already_canceled' : 'refused';
  const effect = outcome === 'refused' ? 'refused' : 'noted';
  const entry = { ...commandEntry(command, effect, eventId, now, { outcome }), state: record.state };
  // Whoever is at it may have a DELETE on its way, and says itself what came of it.
  if (hasLiveClaim(record, now)) return asNextVersion(withEntry(record, entry), now);
  // Our own cancel comes back as a webhook, and whoever sent it may never have come to say so.
  const settled: Cancellation = isUnsettled(record)
    ? withoutLease(record.cancellation, record.state === 'CANCELED' ? 'canceled' : 'refused')
    : (record.cancellation ?? { ...asked(command, now), outcome });
  return asNextVersion(
    { ...withEntry(record, entry), cancellation: settled, reconcileAfter: dueAfterEnd(record), attempts: 0 },
    now,
  );
}

const waitingOutcomes = { claimed: 'pending', not_over: 'not_over' } as const;

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

const asked = ({ cause, reason, requestedBy, allowCompleted, carriedOn }: CancelCommand, now: Instant) => ({
  cause,
  reason,
  requestedBy,
  requestedAt: carriedOn?.requestedAt ?? now,
  allowCompleted,
  sentBefore: false,
});

/** The cancellation once nobody is at it. */
export const withoutLease = (cancellation: Cancellation, outcome: CancellationOutcome): Cancellation => ({
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
