import { isAuthorized } from './confirmation.ts';
import type { HistoryEffect, HistoryEntry } from './history-entry.ts';
import { shortened, withEntry } from './history.ts';
import { type EventId, ownEventId } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import {
  type Cancellation,
  type CancellationCause,
  type CancellationOutcome,
  isUnsettled,
  type PaymentRequest,
} from './payment-request.ts';
import { isFinal, type PaymentRequestState } from './payment-request-state.ts';
import { noAttempts } from './reconciliation.ts';
import { type Requester, requesterDetail } from './requester.ts';

/** Milliseconds for which a claim keeps other attempts from calling Klarna: longer than any attempt may take. */
export const leaseLength = 30_000;

/** A wish to cancel a request: who wants it, and why. */
export interface CancelCommand extends Requester {
  readonly cause: CancellationCause;
  readonly reason?: string | undefined;
  /** Whether the request is canceled even if the customer has approved it, where Klarna allows that. */
  readonly allowCompleted: boolean;
  /** Set where this command continues an earlier one: who continues it, and when it was first requested. */
  readonly carriedOn?: { readonly by: string; readonly requestedAt: Instant } | undefined;
}

/** The command that continues a cancel whose end is not known. It keeps the name and the reason of the first caller. */
export const carryOn = (
  { cause, reason, requestedBy, requestedAt, allowCompleted }: Cancellation,
  by: string,
): CancelCommand => ({ cause, reason, requestedBy, allowCompleted, carriedOn: { by, requestedAt } });

/** Whether this command cannot cancel the request: it is final, or paid and spared. */
export const isClosedTo = (
  { allowCompleted }: Pick<CancelCommand, 'allowCompleted'>,
  state: PaymentRequestState | undefined,
): boolean => isFinal(state) || (state === 'COMPLETED' && !allowCompleted);

/**
 * Whether this command may cancel the request although the customer has approved it. The sweep has that leave only until the payment is
 * authorized.
 */
export const hasLeave = (
  { allowCompleted, cause }: Pick<CancelCommand, 'allowCompleted' | 'cause'>,
  record: PaymentRequest,
): boolean => allowCompleted && !(cause === 'sweep' && isAuthorized(record));

/** The outcome of a cancel that the record alone decides. */
export type RecordOutcome =
  | { readonly kind: 'already_canceled' }
  | { readonly kind: 'already_final'; readonly state: PaymentRequestState }
  /** Another attempt holds a live claim. */
  | { readonly kind: 'claimed' }
  /** The timer wants the cancel, and the session got more time or is only observed by now. */
  | { readonly kind: 'not_over' }
  /** The command continues a cancel that is settled or replaced by now. */
  | { readonly kind: 'replaced' };

/** The outcome of a cancel that needs no call to Klarna; `undefined` where Klarna must be asked. */
export function outcomeFromRecord(
  record: PaymentRequest | undefined,
  command: CancelCommand,
  now: Instant,
): RecordOutcome | undefined {
  if (!record) return undefined;
  const { state } = record;
  if (state === 'CANCELED') return { kind: 'already_canceled' };
  // No claim can be written onto a tombstone, so no DELETE is sent for it.
  if (record.erasedAt !== undefined && state) return { kind: 'already_final', state };
  // Only Klarna knows the end of a paid request while the DELETE of another attempt may be on its way.
  const isOpenEnded = state === 'COMPLETED' && mayHaveSent(record);
  const allowCompleted = hasLeave(command, record);
  if (state && isClosedTo({ allowCompleted }, state) && !isOpenEnded) return { kind: 'already_final', state };
  if (hasLiveClaim(record, now)) return { kind: 'claimed' };
  if (command.carriedOn && !isContinued(record, command.carriedOn.requestedAt)) return { kind: 'replaced' };
  return command.cause === 'timeout' && !isOver(record, now) ? { kind: 'not_over' } : undefined;
}

/** Whether an attempt whose end is not known may have sent its DELETE. */
const mayHaveSent = (record: PaymentRequest): boolean =>
  isUnsettled(record) && (record.cancellation.outcome === 'claimed' || record.cancellation.sentBefore);

/** Whether the cancel that a command continues is still the one of the record, and not settled. */
const isContinued = (record: PaymentRequest, requestedAt: Instant): boolean =>
  isUnsettled(record) && record.cancellation.requestedAt === requestedAt;

/** Checked again when the claim is made: the deadline may have moved since the timer read the record. */
const isOver = ({ session, deadlineAt }: PaymentRequest, now: Instant): boolean =>
  session?.onTimeout !== 'observe' && (deadlineAt === undefined || deadlineAt <= now);

/** Whether an attempt holds the record at this time. No other one calls Klarna. */
export const hasLiveClaim = ({ cancellation }: PaymentRequest, now: Instant): boolean =>
  cancellation?.lease !== undefined && cancellation.lease.until > now;

/**
 * The record with a command noted that needs no call to Klarna, and why not. A caller who waits for another attempt is noted
 * once per claim, because the holder of the claim has to write too.
 */
export function withRefusedCommand(
  record: PaymentRequest,
  command: CancelCommand,
  { outcome: response, eventId }: { readonly outcome: RecordOutcome; readonly eventId: EventId },
  now: Instant,
): PaymentRequest {
  if (response.kind === 'replaced') return record;
  if (response.kind === 'claimed' || response.kind === 'not_over') {
    if (response.kind === 'claimed' && isWaiting(record, command)) return record;
    const waiting = commandEntry(
      command,
      { effect: 'noted', eventId, outcome: waitingOutcomes[response.kind] },
      now,
    );
    return withEntry(record, waiting);
  }
  const outcome: CancellationOutcome = response.kind === 'already_canceled' ? 'already_canceled' : 'refused';
  const effect = outcome === 'refused' ? 'refused' : 'noted';
  const entry = { ...commandEntry(command, { effect, eventId, outcome }, now), state: record.state };
  // The holder of the claim may have sent a DELETE. It settles the cancellation itself.
  if (hasLiveClaim(record, now)) return withEntry(record, entry);
  // Our own cancel comes back as a webhook, and the function that sent it may have ended before its last write.
  const settled: Cancellation = isUnsettled(record)
    ? {
        ...withoutLease(record.cancellation, record.state === 'CANCELED' ? 'canceled' : 'refused'),
        sentBefore: mayHaveSent(record),
      }
    : (record.cancellation ?? { ...asked(command, now), outcome });
  return { ...withEntry(record, entry), cancellation: settled, ...noAttempts };
}

const waitingOutcomes = { claimed: 'pending', not_over: 'not_over' } as const;

/** Whether the history notes this caller since the claim was made. */
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
 * The record with a cancel of its session noted, which spares the request because it is paid or has ended. An earlier
 * cancellation of the request itself stays as it is. There is no event: nothing was refused.
 */
export function withSparedMember(
  record: PaymentRequest,
  command: CancelCommand,
  eventId: EventId,
  now: Instant,
): PaymentRequest {
  const outcome = record.state === 'CANCELED' ? 'already_canceled' : 'spared';
  const entry = { ...commandEntry(command, { effect: 'noted', eventId, outcome }, now), state: record.state };
  return withEntry(record, entry);
}

/** The record with a claim for one attempt. The sweep takes over when the lease ends. */
export function claimed(
  record: PaymentRequest,
  command: CancelCommand,
  leaseId: string,
  now: Instant,
): PaymentRequest {
  const entry = commandEntry(command, { effect: 'accepted', eventId: ownEventId('claim', leaseId) }, now);
  const { cancellation: before } = record;
  // An attempt whose lease ran out may have sent its DELETE.
  const sentBefore = before?.outcome === 'claimed' || (before?.sentBefore ?? false);
  const sentWithoutLeave = sentBefore && (before?.allowCompleted === false || before?.sentWithoutLeave);
  return {
    ...withEntry(record, entry),
    cancellation: {
      ...asked(command, now),
      outcome: 'claimed',
      sentBefore,
      ...(sentWithoutLeave && { sentWithoutLeave }),
      lease: { id: leaseId, until: plusMillis(now, leaseLength) },
    },
    // A caller's new command starts its own series of attempts. What the timer or the sweep repeats goes on counting.
    ...(isOfCaller(command) && noAttempts),
  };
}

/** The causes of a command that someone has sent. The others repeat, or follow from, what Lapse knows. */
const causesOfCallers: readonly CancellationCause[] = ['api', 'job', 'operator'];

const isOfCaller = ({ cause, carriedOn }: CancelCommand): boolean =>
  carriedOn === undefined && causesOfCallers.includes(cause);

const asked = ({ cause, reason, requestedBy, allowCompleted, carriedOn }: CancelCommand, now: Instant) => ({
  cause,
  reason,
  requestedBy,
  requestedAt: carriedOn?.requestedAt ?? now,
  allowCompleted,
  sentBefore: false,
});

/** The cancellation without a claim. An attempt that ended without a result may have sent its DELETE. */
export const withoutLease = (cancellation: Cancellation, outcome: CancellationOutcome): Cancellation => ({
  ...cancellation,
  outcome,
  lease: undefined,
});

const commandEntry = (
  { cause, reason, allowCompleted, carriedOn, ...requester }: CancelCommand,
  {
    effect,
    eventId,
    outcome,
  }: { readonly effect: HistoryEffect; readonly eventId: EventId; readonly outcome?: string },
  now: Instant,
): HistoryEntry => ({
  eventId,
  kind: 'cancel_request',
  recordedAt: now,
  effect,
  detail: {
    cause,
    ...requesterDetail(requester),
    ...(carriedOn && { carried_on_by: carriedOn.by }),
    ...(reason !== undefined && { reason: shortened(reason) }),
    ...(allowCompleted && { allow_completed: 'true' }),
    ...(outcome !== undefined && { outcome }),
  },
});
