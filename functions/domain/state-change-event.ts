import { confirmationChange } from './changes-between.ts';
import { type Change, type ChangeKind, changeOf, resolvedChange } from './change.ts';
import { confirmByOf, confirmationOf, type ConfirmationStatus } from './confirmation.ts';
import { type HistoryEntry, isWouldCancel } from './history-entry.ts';
import { formatInstant, type Instant, knownTime } from './instant.ts';
import { type Observation, positionOf } from './observation.ts';
import { type AwaitedReference, awaitedUntil } from './awaited-reference.ts';
import type { Attention } from './attention.ts';
import type { CancellationCause, PaymentRequest, ObserveReason } from './payment-request.ts';
import { isSecondPayment, type SessionAttempts } from './session-attempts.ts';
import type { PaymentRequestState } from './payment-request-state.ts';
import { traceIdOf } from './trace.ts';

/** The detail type of an event on the bus. */
export type StateChangeEventType =
  | 'Payment Request Registered'
  | 'Payment Request State Changed'
  | 'Payment Request Cancel Refused'
  | 'Payment Request Needs Attention'
  | 'Payment Request Attention Resolved'
  | 'Session Paid Twice'
  | 'Payment Request Would Have Canceled'
  | 'Payment Request Authorized'
  | 'Payment Request Not Authorized'
  | 'Payment Request Never Seen';

/** One event on the bus. Events come at least once: `event_key` identifies one, and `sequence` orders those of a request. */
export interface StateChangeEvent {
  readonly type: StateChangeEventType;
  readonly detail: {
    readonly event_key: string;
    readonly schema_version: 1;
    readonly account: string;
    /** `null` where no request was seen with the reference. */
    readonly payment_request_id: string | null;
    /** The trace id of the request, as log lines and calls to Klarna have it. */
    readonly trace_id: string | null;
    readonly session_id: string | null;
    readonly reference: string | null;
    readonly state: PaymentRequestState | null;
    readonly previous_state: PaymentRequestState | null;
    /** Klarna's reason for the state. */
    readonly state_reason: string | null;
    /** The newest attempt of the session that had ended when this one was registered. */
    readonly recovered_from: string | null;
    /** Of an event about a payment in a session: the attempts that are paid, and those that can still be. Else `null`. */
    readonly paid_attempts: readonly string[] | null;
    readonly open_attempts: readonly string[] | null;
    /**
     * Why we canceled it: `api`, `timeout` or `superseded`. Of `Needs Attention` and `Attention Resolved`: the attention. Of `Would Have Canceled`: why the session was only
     * observed.
     */
    readonly cause: CancellationCause | Attention | ObserveReason | null;
    /** Of a cancel: the caller's reason. Of `Attention Resolved`: the operator's note. */
    readonly reason: string | null;
    /** Where the payment stands after COMPLETED, and by when it must be authorized. */
    readonly confirmation: ConfirmationStatus | null;
    readonly confirm_by: string | null;
    /** Of `Attention Resolved` only: who took the attention off. */
    readonly resolved_by?: string;
    readonly occurred_at: string;
    readonly recorded_at: string;
    /** Counts the events of the request from 1, without gaps. The highest one shows the record as it is. */
    readonly sequence: number;
    /** The version of the record that the event was written with. */
    readonly version: number;
  };
}

/**
 * The events of the write that made this version of the record, oldest first, each with its own sequence.
 *
 * @param attempts the attempts of the record's session, where they are known
 */
export const eventsOf = (record: PaymentRequest, attempts?: SessionAttempts): readonly StateChangeEvent[] =>
  record.changes.map((change, index) =>
    eventOf(record, change, record.sequence - record.changes.length + 1 + index, attempts),
  );

/** Whether a write tells that the customer has paid. Its events name the attempts of the session. */
export const isPayment = ({ kind, state }: Pick<Change, 'kind' | 'state'>): boolean =>
  kind === 'paid_twice' || (kind === 'state_changed' && state === 'COMPLETED');

/**
 * The events of the entries recorded from `since` to `until`, both included, to publish them again. They show the record as it
 * is now, and have its sequence. A state that another state has followed is left out. Entries that the history no longer holds are
 * not published again.
 */
export function eventsAgain(
  record: PaymentRequest,
  since: Instant,
  until: Instant,
): readonly StateChangeEvent[] {
  const registration = record.history.find(
    ({ kind, effect }) => kind === 'register' && effect === 'accepted',
  );
  const latest = latestChange(record);
  const { state, previousState, stateReason } = record;
  return record.history
    .filter(({ recordedAt }) => recordedAt >= since && recordedAt <= until)
    .flatMap((entry) => {
      const kinds: ChangeKind[] = [];
      if (entry === registration) kinds.push('registered');
      if (entry === latest) kinds.push('state_changed');
      if (entry.kind === 'cancel_request' && entry.effect === 'refused') kinds.push('cancel_refused');
      if (isWouldCancel(entry)) kinds.push('would_cancel');
      if (entry.kind === 'confirmation') kinds.push(confirmationChange(entry));
      if (entry.attention) kinds.push('needs_attention');
      if (isSecondPayment(entry)) kinds.push('paid_twice');
      if (entry.kind === 'resolve') kinds.push('attention_resolved');
      return kinds.map((kind) => {
        const change = changeOf(kind, entry, { state, previousState, stateReason });
        if (kind === 'attention_resolved')
          return eventOf(
            record,
            resolvedChange(entry, { state, previousState, stateReason }),
            record.sequence,
          );
        const { attention } = entry;
        return eventOf(
          record,
          kind === 'needs_attention' ? { ...change, attention } : change,
          record.sequence,
        );
      });
    });
}

/**
 * The entry that gave the record its state. Facts take effect by position, not by arrival: of two functions that receive facts
 * at once, either may write first.
 */
function latestChange({ history }: PaymentRequest): HistoryEntry | undefined {
  let change: HistoryEntry | undefined;
  for (const entry of history.filter(tookEffect).toSorted(byPosition)) {
    if (entry.state !== change?.state) change = entry;
  }
  return change;
}

type AppliedEntry = HistoryEntry & Pick<Observation, 'state' | 'occurredAt'>;

const tookEffect = (entry: HistoryEntry): entry is AppliedEntry =>
  // Stryker disable next-line ConditionalExpression: an applied entry has a state and a time
  entry.effect === 'applied' && entry.state !== undefined && entry.occurredAt !== undefined;

// Stryker disable next-line EqualityOperator: no two entries have the same position
const byPosition = (a: AppliedEntry, b: AppliedEntry): number => (positionOf(a) < positionOf(b) ? -1 : 1);

function eventOf(
  record: PaymentRequest,
  change: Change,
  sequence: number,
  attempts?: SessionAttempts,
): StateChangeEvent {
  const { kind, state, eventId, occurredAt, recordedAt, resolution } = change;
  const isEnd = state === 'CANCELED' && (kind === 'state_changed' || kind === 'needs_attention');
  const isOurs = kind === 'cancel_refused' || isEnd;
  const ours = isOurs ? record.cancellation : undefined;
  const members = isPayment(change) ? attempts : undefined;
  const confirmBy = confirmByOf(record);
  return {
    type: types[kind],
    detail: {
      event_key: [record.account, record.paymentRequestId, eventId, slugs[kind]].join('/'),
      schema_version: 1,
      account: record.account,
      payment_request_id: record.paymentRequestId,
      trace_id: traceIdOf(record.paymentRequestId),
      session_id: record.sessionId ?? null,
      reference: record.reference ?? null,
      state: state ?? null,
      previous_state: change.previousState ?? null,
      state_reason: change.stateReason ?? null,
      recovered_from: record.recoveredFrom ?? null,
      paid_attempts: members?.paid ?? null,
      open_attempts: members?.open ?? null,
      cause: causeOf(record, change, ours?.cause),
      reason: (resolution ? resolution.note : ours?.reason) ?? null,
      confirmation: confirmationOf(record, record.updatedAt) ?? null,
      confirm_by: confirmBy ? formatInstant(confirmBy) : null,
      occurred_at: formatInstant(knownTime(occurredAt) ?? recordedAt),
      recorded_at: formatInstant(recordedAt),
      sequence,
      version: record.version,
      ...(resolution?.by !== undefined && { resolved_by: resolution.by }),
    },
  };
}

function causeOf(
  { wouldCancel }: PaymentRequest,
  { kind, attention }: Change,
  ours: CancellationCause | undefined,
): StateChangeEvent['detail']['cause'] {
  if (kind === 'needs_attention' || kind === 'attention_resolved') return attention ?? null;
  return (kind === 'would_cancel' ? wouldCancel?.reason : ours) ?? null;
}

const types = {
  registered: 'Payment Request Registered',
  state_changed: 'Payment Request State Changed',
  cancel_refused: 'Payment Request Cancel Refused',
  needs_attention: 'Payment Request Needs Attention',
  attention_resolved: 'Payment Request Attention Resolved',
  paid_twice: 'Session Paid Twice',
  would_cancel: 'Payment Request Would Have Canceled',
  authorized: 'Payment Request Authorized',
  not_authorized: 'Payment Request Not Authorized',
} as const satisfies Record<ChangeKind, StateChangeEventType>;

const slugs = {
  registered: 'registered',
  state_changed: 'state-changed',
  cancel_refused: 'cancel-refused',
  needs_attention: 'needs-attention',
  attention_resolved: 'attention-resolved',
  paid_twice: 'paid-twice',
  would_cancel: 'would-cancel',
  authorized: 'authorized',
  not_authorized: 'not-authorized',
} as const satisfies Record<ChangeKind, string>;

/** The event of a reference with which no request was seen in time. */
export function neverSeenEventOf(awaited: AwaitedReference): StateChangeEvent {
  const { account, reference, session, since, updatedAt, version } = awaited;
  return {
    type: 'Payment Request Never Seen',
    detail: {
      event_key: [account, 'references', reference, since, 'never-seen'].join('/'),
      schema_version: 1,
      account,
      payment_request_id: null,
      trace_id: null,
      session_id: session?.sessionId ?? null,
      reference,
      state: null,
      previous_state: null,
      state_reason: null,
      recovered_from: null,
      paid_attempts: null,
      open_attempts: null,
      cause: null,
      reason: awaited.cancel?.reason ?? null,
      confirmation: null,
      confirm_by: null,
      occurred_at: formatInstant(awaitedUntil(awaited)),
      recorded_at: formatInstant(updatedAt),
      sequence: 1,
      version,
    },
  };
}
