import type { EventId, PaymentRequestKey, SessionId } from './identifiers.ts';
import { type Instant, nextNanosecond, plusMillis } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import type { EvidenceSource, Position } from './observation.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/**
 * The record of one Payment Request. Klarna's state, our intent (`cancellation`) and the timer are separate parts: our
 * intent never changes Klarna's state.
 */
export interface PaymentRequest extends PaymentRequestKey {
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;

  /** Klarna's state; absent until Klarna has told one. */
  readonly state?: PaymentRequestState | undefined;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  readonly occurredAt?: Instant | undefined;
  readonly position?: Position | undefined;
  readonly evidence?: Evidence | undefined;
  readonly klarnaExpiresAt?: Instant | undefined;

  /** The session as registered; absent where the record comes from a webhook, a read or a cancel alone. */
  readonly session?: RegisteredSession | undefined;
  readonly deadlineAt?: Instant | undefined;
  readonly timer: TimerState;

  readonly cancellation?: Cancellation | undefined;
  /** Why the record needs a person, if it does. */
  readonly attention?: Attention | undefined;

  /** When the sweep reconciles the record next; absent when nothing is left to do. */
  readonly reconcileAfter?: Instant | undefined;
  /** Attempts of the sweep in a row that settled nothing. */
  readonly attempts: number;

  /** Oldest first. */
  readonly history: readonly HistoryEntry[];
  /** How many entries were only counted, because the history was full and they changed nothing. */
  readonly historyDropped: number;
  /** Counts every change, from 1. */
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The fact that gave the record its state. */
export interface Evidence {
  readonly source: EvidenceSource;
  readonly eventId: EventId;
  readonly observedAt: Instant;
}

/**
 * The timer of a session.
 * - `none`: there is no deadline. `pending`: not armed yet. `armed`: Scheduler or the queue has it.
 * - `sweep`: the sweep is the timer. `fired`: it has fired. `removed`: the request ended before the deadline.
 */
export type TimerState = 'none' | 'pending' | 'armed' | 'sweep' | 'fired' | 'removed';

/** What happens at the deadline: the request is canceled, or the record only notes that it would have been. */
export type OnTimeout = 'cancel' | 'observe';

/** A registered session. Durations are in milliseconds. */
export interface RegisteredSession {
  readonly registeredAt: Instant;
  /** The timeout or deadline as the caller wrote it: the same PUT again changes nothing. */
  readonly requested: string;
  /** Klarna's expiry as a caller last gave it. The same value again does not overwrite what Klarna has told since. */
  readonly klarnaExpiresAt?: Instant | undefined;
  readonly onTimeout: OnTimeout;
  /** Extra time for a customer who is IN_PROGRESS at the deadline, given once. */
  readonly inProgressGrace?: number | undefined;
  readonly graceGivenAt?: Instant | undefined;
  readonly extensions: number;
  /** Klarna's expiry as we set it: what we asked for, and what Klarna then showed. */
  readonly klarnaExpiry?:
    | {
        readonly askedFor: Instant;
        readonly shown: Instant;
        /** Klarna has refused to move it since then. */
        readonly isFixed?: true;
      }
    | undefined;
  /**
   * The latest moment that Klarna's expiry may be at, while the response to our call is not known. Written before the call,
   * because the function may end before the response.
   */
  readonly klarnaExpiryMayBe?: Instant | undefined;
}

/**
 * How a cancellation stands.
 * - `claimed`: an attempt is under way until its lease ends. `pending`: the end is not known.
 * - `canceled`, `already_canceled`: done. `refused`: the request was final or paid. `not_found`: Klarna does not know it.
 */
export type CancellationOutcome =
  'claimed' | 'pending' | 'canceled' | 'already_canceled' | 'refused' | 'not_found';

/** Who wanted the cancel: a caller of the API, or the session's timer. */
export type CancellationCause = 'api' | 'timeout';

/** Our intent to cancel the request, and how it stands. */
export interface Cancellation {
  readonly outcome: CancellationOutcome;
  readonly cause: CancellationCause;
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  readonly allowCompleted: boolean;
  /** An earlier attempt may have sent a DELETE. If the request is CANCELED, we canceled it. */
  readonly sentBefore: boolean;
  /** The attempt that holds the claim. Until this moment no other attempt calls Klarna. Absent where none is under way. */
  readonly lease?: { readonly id: string; readonly until: Instant } | undefined;
}

/**
 * Why a record needs a person.
 * - `contradiction`: Klarna told a second final state, or that the customer paid after the end.
 * - `canceled_after_completed`: we canceled the request although the customer had approved it.
 * - `not_found`: Klarna does not know the request, and its expiry has not passed.
 * - `klarna_denied`: Klarna refuses our credentials. `unknown_state`: Klarna told a state that this version does not know.
 */
export type Attention =
  'contradiction' | 'canceled_after_completed' | 'not_found' | 'klarna_denied' | 'unknown_state';

/** What an entry of the history is about: a fact from Klarna, or an action of a caller, the timer or the sweep. */
export type HistoryKind =
  EvidenceSource | 'register' | 'extend' | 'klarna_expiry' | 'cancel_request' | 'timer' | 'sweep';

/**
 * What an entry changed.
 * - Facts: `applied` changed the state, `stale` is older than the record, `confirming` repeats it, `contradicting` cannot be
 *   true together with it.
 * - Actions: `accepted`, `refused`, `noted`.
 */
export type HistoryEffect =
  'applied' | 'stale' | 'confirming' | 'contradicting' | 'accepted' | 'refused' | 'noted';

/** One event in the life of a record, and what it changed. Holds ids, codes and times only. */
export interface HistoryEntry {
  readonly eventId: EventId;
  readonly kind: HistoryKind;
  readonly recordedAt: Instant;
  readonly effect: HistoryEffect;
  /** The state of an observation, and when it happened. */
  readonly state?: PaymentRequestState | undefined;
  readonly occurredAt?: Instant | undefined;
  /** The record's position when a stale, confirming or contradicting observation arrived. */
  readonly against?: Position | undefined;
  /** The attention that the record has had since this entry, where it had another or none before. */
  readonly attention?: Attention | undefined;
  /** Codes and ids: outcome, cause, reason, requested_by, deadline_at, correlation id, status, body hash, … */
  readonly detail: Proof;
}

/** Beyond this number of entries, those that changed nothing are only counted: DynamoDB's limit for an item is 400 KB. */
export const historyLimit = 300;

/** How many reads without a result are kept: an outage at Klarna must not fill the history. */
export const emptyReadLimit = 100;

/** A new record without facts: version 0, not stored. */
export const unknownPaymentRequest = (key: PaymentRequestKey, now: Instant): PaymentRequest => ({
  account: key.account,
  paymentRequestId: key.paymentRequestId,
  timer: 'none',
  attempts: 0,
  history: [],
  historyDropped: 0,
  version: 0,
  createdAt: now,
  updatedAt: now,
});

/** Whether a cancel was requested and its end is not written yet. */
export const isUnsettled = (
  record: PaymentRequest,
): record is PaymentRequest & { readonly cancellation: Cancellation } =>
  record.cancellation?.outcome === 'claimed' || record.cancellation?.outcome === 'pending';

/**
 * Whether the expiry that we set at Klarna is too early and can be moved. It must not be before the deadline, nor before the
 * latest possible expiry where the session is only observed.
 */
export function isKlarnaExpiryEarly(record: PaymentRequest): boolean {
  const { session, deadlineAt } = record;
  const askedFor = session?.klarnaExpiry?.askedFor;
  const end = session?.onTimeout === 'observe' ? longestExpiry(session) : deadlineAt;
  // Stryker disable next-line ConditionalExpression, LogicalOperator: only the compiler needs the first two checks
  return askedFor !== undefined && end !== undefined && askedFor < end && isExpiryMovable(record);
}

/** Klarna's longest lifetime of a Payment Request in milliseconds: 48 hours (https://docs.klarna.com, interaction_expiry). */
export const klarnaLongestLifetime = 48 * 3_600_000;

/** The latest expiry that Klarna takes. A session that is only observed gets it where we had set an earlier one. */
export const longestExpiry = ({ registeredAt }: Pick<RegisteredSession, 'registeredAt'>): Instant =>
  plusMillis(registeredAt, klarnaLongestLifetime);

/**
 * Whether Klarna may take a new expiry. The request must be SUBMITTED, or its state not known, and Klarna must not have refused
 * one before.
 */
export const isExpiryMovable = ({ state, session }: PaymentRequest): boolean =>
  (state === undefined || state === 'SUBMITTED') && session?.klarnaExpiry?.isFixed !== true;

/** Whether the history already holds this event. */
export const hasRecorded = (record: PaymentRequest, eventId: EventId): boolean =>
  record.history.some((entry) => entry.eventId === eventId);

/**
 * The record with one more history entry, in order even within one millisecond. The same record if the history holds this
 * event already.
 */
export function withEntry(record: PaymentRequest, entry: HistoryEntry): PaymentRequest {
  if (hasRecorded(record, entry.eventId)) return record;
  if (!hasRoomFor(entry, record.history) && !isInteresting(entry, record.history)) {
    return { ...record, historyDropped: record.historyDropped + 1 };
  }
  const last = record.history.at(-1);
  const recordedAt =
    last && entry.recordedAt <= last.recordedAt ? nextNanosecond(last.recordedAt) : entry.recordedAt;
  return { ...record, history: [...record.history, { ...entry, recordedAt }] };
}

function hasRoomFor(entry: HistoryEntry, history: readonly HistoryEntry[]): boolean {
  if (history.length >= historyLimit) return false;
  return !isEmptyRead(entry) || history.filter(isEmptyRead).length < emptyReadLimit;
}

/** Whether the entry is a read that did not show the request. */
export const isEmptyRead = ({ kind, effect }: HistoryEntry): boolean => kind === 'read' && effect === 'noted';

/**
 * Whether an entry is kept in a full history: it changed the record, or a person must see it. A read that repeats the state of
 * the last change does neither, and callers can ask for any number of reads.
 */
function isInteresting(entry: HistoryEntry, history: readonly HistoryEntry[]): boolean {
  if (entry.attention !== undefined || entry.effect === 'contradicting') return true;
  if (entry.effect !== 'applied') return false;
  return (
    entry.kind !== 'read' || entry.state !== history.findLast(({ effect }) => effect === 'applied')?.state
  );
}

/** The record as its next version. Every write stores exactly one version. */
export const asNextVersion = (record: PaymentRequest, now: Instant): PaymentRequest => ({
  ...record,
  version: record.version + 1,
  updatedAt: now,
});
