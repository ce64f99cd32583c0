import type { EventId, PaymentRequestKey, SessionId } from './identifiers.ts';
import { type Instant, nextNanosecond, plusMillis } from './instant.ts';
import type { EvidenceSource, Position } from './observation.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/**
 * The record of one Payment Request. Klarna's state, our intent (`cancellation`) and the timer are separate parts: what
 * we asked for never changes what Klarna said.
 */
export interface PaymentRequest extends PaymentRequestKey {
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;

  /** Klarna's state; absent until Klarna was heard. */
  readonly state?: PaymentRequestState | undefined;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  readonly occurredAt?: Instant | undefined;
  readonly position?: Position | undefined;
  readonly evidence?: Evidence | undefined;
  readonly klarnaExpiresAt?: Instant | undefined;

  /** The session as registered; absent while only Klarna or a cancel has spoken of the request. */
  readonly session?: RegisteredSession | undefined;
  readonly deadlineAt?: Instant | undefined;
  readonly timer: TimerState;

  readonly cancellation?: Cancellation | undefined;
  /** Why a person should look, if one should. */
  readonly attention?: Attention | undefined;

  /** When the sweep should look; absent when nothing more is needed. */
  readonly reconcileAfter?: Instant | undefined;
  /** How many looks of the sweep in a row have settled nothing. */
  readonly attempts: number;

  /** Oldest first. */
  readonly history: readonly HistoryEntry[];
  /** Entries that were counted and not kept, because the history was full and they changed nothing. */
  readonly historyDropped: number;
  /** Counts every change, from 1. */
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What gave the record its state. */
export interface Evidence {
  readonly source: EvidenceSource;
  readonly eventId: EventId;
  readonly observedAt: Instant;
}

/**
 * - `none`: there is no deadline. `pending`: to be armed. `armed`: Scheduler or the queue has it. `sweep`: the sweep is the timer.
 * - `fired`: it has run out. `removed`: the request ended before it did.
 */
export type TimerState = 'none' | 'pending' | 'armed' | 'sweep' | 'fired' | 'removed';

export type OnTimeout = 'cancel' | 'observe';

export interface RegisteredSession {
  readonly registeredAt: Instant;
  /** The time-out as the caller wrote it, so that the same PUT again is known to be the same. */
  readonly requested: string;
  /** Klarna's expiry as a caller last gave it: said again it is no news, whatever Klarna has said since. */
  readonly klarnaExpiresAt?: Instant | undefined;
  readonly onTimeout: OnTimeout;
  /** Milliseconds that a customer who is IN_PROGRESS at the deadline is given, once. */
  readonly inProgressGrace?: number | undefined;
  readonly graceGivenAt?: Instant | undefined;
  readonly extensions: number;
  /** Klarna's own expiry as we have set it: what it was asked for, and what it then showed. */
  readonly klarnaExpiry?:
    | {
        readonly askedFor: Instant;
        readonly shown: Instant;
        /** Klarna has refused to move it since. */
        readonly isFixed?: true;
      }
    | undefined;
  /**
   * The latest that Klarna's expiry may be at, where it was to be asked for one and its answer is not known: whoever asked may
   * have been gone by then. Written before it is asked.
   */
  readonly klarnaExpiryMayBe?: Instant | undefined;
}

/**
 * - `claimed`: somebody is at it until `leaseUntil`. `pending`: asked, and Klarna's answer is not known.
 * - `canceled`, `already_canceled`: done. `refused`: the request was final or paid. `not_found`: Klarna does not know it.
 */
export type CancellationOutcome =
  'claimed' | 'pending' | 'canceled' | 'already_canceled' | 'refused' | 'not_found';

export type CancellationCause = 'api' | 'timeout';

/** Our intent to end the request, and how it stands. */
export interface Cancellation {
  readonly outcome: CancellationOutcome;
  readonly cause: CancellationCause;
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  readonly allowCompleted: boolean;
  /** A DELETE of ours may have reached Klarna in an attempt before this one: if the request is CANCELED, it was us. */
  readonly sentBefore: boolean;
  /** Who holds the claim, and until when nobody else may ask Klarna; absent when nobody is at it. */
  readonly lease?: { readonly id: string; readonly until: Instant } | undefined;
}

/**
 * - `contradiction`: Klarna named a second final state, or said that the customer paid after the end.
 * - `canceled_after_completed`: we cancelled what the customer had approved just before.
 * - `not_found`: Klarna does not know the request, and its expiry has not passed.
 * - `klarna_denied`: Klarna refuses our credentials. `unknown_state`: Klarna used a state that is new to us.
 */
export type Attention =
  'contradiction' | 'canceled_after_completed' | 'not_found' | 'klarna_denied' | 'unknown_state';

export type HistoryKind =
  EvidenceSource | 'register' | 'extend' | 'klarna_expiry' | 'cancel_request' | 'timer' | 'sweep';

/**
 * - `applied`: it changed the state. `stale`: something newer was known. `confirming`: it says what was known.
 * - `contradicting`: it cannot be true together with what is known. `accepted`, `refused`, `noted`: of what we or a caller did.
 */
export type HistoryEffect =
  'applied' | 'stale' | 'confirming' | 'contradicting' | 'accepted' | 'refused' | 'noted';

/** One thing that happened, and what it changed or why it changed nothing. Small: ids, codes, times. */
export interface HistoryEntry {
  readonly eventId: EventId;
  readonly kind: HistoryKind;
  readonly recordedAt: Instant;
  readonly effect: HistoryEffect;
  /** Of an observation: Klarna's state, and when it happened. */
  readonly state?: PaymentRequestState | undefined;
  readonly occurredAt?: Instant | undefined;
  /** The position that a stale, confirming or contradicting observation met. */
  readonly against?: Position | undefined;
  readonly attention?: Attention | undefined;
  /** Codes and ids: outcome, cause, reason, requested_by, deadline_at, correlation id, status, body hash, … */
  readonly detail: Readonly<Record<string, string>>;
}

/** Beyond so many entries, those that changed nothing are counted and not kept: an item holds at most 400 KB. */
export const historyLimit = 300;

/** So many reads that said nothing are kept: an outage of Klarna's must not take the room of what happens after it. */
export const emptyReadLimit = 100;

/** A record of which nothing is known yet: version 0, not stored anywhere. */
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

/** Whether a cancel has been asked for and its end is not written yet. */
export const isUnsettled = (
  record: PaymentRequest,
): record is PaymentRequest & { readonly cancellation: Cancellation } =>
  record.cancellation?.outcome === 'claimed' || record.cancellation?.outcome === 'pending';

/**
 * Whether the expiry that Klarna was given by us would end the session before its deadline, or end one that is only to be
 * observed by now, and can be moved.
 */
export function isKlarnaExpiryEarly(record: PaymentRequest): boolean {
  const { session, deadlineAt } = record;
  const askedFor = session?.klarnaExpiry?.askedFor;
  const end = session?.onTimeout === 'observe' ? longestExpiry(session) : deadlineAt;
  // Stryker disable next-line ConditionalExpression, LogicalOperator: only the compiler needs the first two checks
  return askedFor !== undefined && end !== undefined && askedFor < end && isExpiryMovable(record);
}

/** Klarna's own longest lifetime of a Payment Request, 48 hours (https://docs.klarna.com, interaction_expiry). */
export const klarnaLongestLifetime = 48 * 3_600_000;

/** The expiry at which Klarna ends a session that is only observed, once it had one of ours: as late as it lets one be. */
export const longestExpiry = ({ registeredAt }: Pick<RegisteredSession, 'registeredAt'>): Instant =>
  plusMillis(registeredAt, klarnaLongestLifetime);

/**
 * Klarna takes a new expiry only while the customer has not begun, and none once it has refused one; of a request that it has not
 * spoken of, it may be so.
 */
export const isExpiryMovable = ({ state, session }: PaymentRequest): boolean =>
  (state === undefined || state === 'SUBMITTED') && session?.klarnaExpiry?.isFixed !== true;

/** Whether the history already holds this event. */
export const hasRecorded = (record: PaymentRequest, eventId: EventId): boolean =>
  record.history.some((entry) => entry.eventId === eventId);

/** The record with one more history entry, in order even within one millisecond; nothing if the event is there already. */
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

/** A read to which Klarna gave no answer, or none that shows the request. */
export const isEmptyRead = ({ kind, effect }: HistoryEntry): boolean => kind === 'read' && effect === 'noted';

/**
 * Whether an entry is kept however many there are: it changed the record, or a person should see it. A read that shows the state
 * that the last change had shown is neither, and anybody can ask for any number of them.
 */
function isInteresting(entry: HistoryEntry, history: readonly HistoryEntry[]): boolean {
  if (entry.attention !== undefined || entry.effect === 'contradicting') return true;
  if (entry.effect !== 'applied') return false;
  return (
    entry.kind !== 'read' || entry.state !== history.findLast(({ effect }) => effect === 'applied')?.state
  );
}

/** The record as its next version. Every write stores exactly one. */
export const asNextVersion = (record: PaymentRequest, now: Instant): PaymentRequest => ({
  ...record,
  version: record.version + 1,
  updatedAt: now,
});
