import type { KeptCall } from './idempotent-call.ts';
import type { Attention } from './attention.ts';
import type { Change } from './change.ts';
import type { DroppedEntries, HistoryEntry } from './history-entry.ts';
import type { EventId, PaymentRequestId, PaymentRequestKey, SessionId } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import type { EvidenceSource, Position } from './observation.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/**
 * The record of one Payment Request. Klarna's state, our intent (`cancellation`) and the timer are separate parts: our
 * intent never changes Klarna's state.
 */
export interface PaymentRequest extends PaymentRequestKey {
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;
  /** The newest attempt of the session that had ended when this one was registered. */
  readonly recoveredFrom?: PaymentRequestId | undefined;
  /** The session had another Payment Request. So this one is looked into again once it is paid. */
  readonly isOneOfSeveral?: true | undefined;
  /** The other attempts of the session are to be looked into: the stream function hands that over, and the sweep is the backstop. */
  readonly isToBeCompared?: true | undefined;

  /** Klarna's state; absent until Klarna has told one. */
  readonly state?: PaymentRequestState | undefined;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  readonly occurredAt?: Instant | undefined;
  /** When the customer approved, where a fact told an earlier time than `occurredAt`. Only while the state is COMPLETED. */
  readonly completedAt?: Instant | undefined;
  readonly position?: Position | undefined;
  readonly evidence?: Evidence | undefined;
  readonly klarnaExpiresAt?: Instant | undefined;

  /** The session as registered; absent where the record comes from a webhook, a read or a cancel alone. */
  readonly session?: RegisteredSession | undefined;
  readonly deadlineAt?: Instant | undefined;
  readonly timer: TimerState;

  readonly cancellation?: Cancellation | undefined;
  /** What is known about the authorization of the payment: see `confirmation.ts`. */
  readonly confirmation?: Confirmation | undefined;
  /** What the session is for, where the shop does not authorize a payment after COMPLETED. */
  readonly purpose?: 'token' | undefined;
  /** The newest calls that had a key, oldest first: see `idempotent-call.ts`. */
  readonly calls?: readonly KeptCall[] | undefined;
  /** Why the record needs a person, if it does, and since when. */
  readonly attention?: Attention | undefined;
  readonly attentionSince?: Instant | undefined;
  /** What a person has resolved for good: an attention, or a state that a contradiction was about. */
  readonly resolved?: readonly string[] | undefined;
  /** What Klarna's webhooks left open and a read answers. */
  readonly question?: Question | undefined;

  /** Attempts of the sweep in a row that settled nothing. */
  readonly attempts: number;
  /** The sweep does not try before this moment what was due already. */
  readonly retryAt?: Instant | undefined;
  /** When the sweep reconciles the record next; absent when nothing is left to do. Derived by `dueAtOf` for each version. */
  readonly dueAt?: Instant | undefined;

  /** When a timer last found the session over and only observed it, and why. It is a fact of that moment and stays. */
  readonly wouldCancel?: { readonly at: Instant; readonly reason: ObserveReason } | undefined;

  /** In the order in which the entries were written. Bounded in bytes: see `history.ts`. */
  readonly history: readonly HistoryEntry[];
  /** The entries that are only counted, because the history was full. */
  readonly dropped?: DroppedEntries | undefined;
  /** Counts every write, from 1. */
  readonly version: number;
  /** Counts every event, from 1: the sequence of the last event, 0 before the first. */
  readonly sequence: number;
  /** The events that the last write made, oldest first. The next write replaces them. */
  readonly changes: readonly Change[];
  /** Ids of the newest writes that followed a read, oldest first. A write whose response was lost recognizes itself. */
  readonly writes: readonly string[];
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** The record is a tombstone since then: what a caller or Klarna told of it is erased, and nothing changes it. */
  readonly erasedAt?: Instant | undefined;
}

/** The fact that gave the record its state. */
export interface Evidence {
  readonly source: EvidenceSource;
  readonly eventId: EventId;
  readonly observedAt: Instant;
}

/**
 * The timer of a session.
 * - `none`: there is no deadline. `undecided`: there is none yet, because the sweep has not decided about the account's default
 *   timer.
 * - `armed`: Scheduler or the queue has it, or is about to get it. `pending`: arming it failed, and the sweep does it.
 * - `sweep`: the sweep is the timer. `fired`: it has fired. `removed`: the request ended before the deadline.
 */
export type TimerState = 'none' | 'undecided' | 'pending' | 'armed' | 'sweep' | 'fired' | 'removed';

/** What happens at the deadline: the request is canceled, or the record only notes that it would have been. */
export type OnTimeout = 'cancel' | 'observe';

/**
 * Why a session is only observed at its deadline.
 * - `stage`, `armed_from`: the stage observes everything, or the session was registered before the cut-off of the stage or the account.
 *   They count for every session.
 * - `session`: its registration said so.
 * - `kind`, `account`: the rule for its kind of checkout or the account says so, and its registration did not say `cancel`.
 */
export const observeReasons = ['stage', 'armed_from', 'session', 'kind', 'account'] as const;

/** One of {@link observeReasons}. */
export type ObserveReason = (typeof observeReasons)[number];

/** A registered session. Durations are in milliseconds. */
export interface RegisteredSession {
  readonly registeredAt: Instant;
  /** The timeout or deadline as the caller wrote it: the same PUT again changes nothing. */
  readonly requested: string;
  /** The caller wants older open attempts of the session ended. */
  readonly supersedes?: true | undefined;
  /** Klarna's expiry as a caller last gave it. The same value again does not overwrite what Klarna has told since. */
  readonly klarnaExpiresAt?: Instant | undefined;
  readonly onTimeout: OnTimeout;
  /** What a registration named, where one did. A switch of the account or the stage can replace it. */
  readonly asked?: OnTimeout | undefined;
  /** Why the session is only observed, where its registration did not ask for that. */
  readonly observedBy?: ObserveReason | undefined;
  /** The kind of checkout, in the shop's own word. The account can have a rule for it. */
  readonly kind?: string | undefined;
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
  /** The first call for an expiry got no clear response, so that Klarna may have none of ours. */
  readonly isKlarnaExpiryUnanswered?: true | undefined;
}

/**
 * How a cancellation stands.
 * - `claimed`: an attempt is under way until its lease ends. `pending`: the end is not known.
 * - `canceled`, `already_canceled`: done. `refused`: the request was final or paid. `not_found`: Klarna does not know it.
 */
export type CancellationOutcome =
  'claimed' | 'pending' | 'canceled' | 'already_canceled' | 'refused' | 'not_found';

/**
 * Who wanted the cancel: a caller of the API, the session's timer, another attempt of the session that counts instead, or the sweep. The
 * sweep cancels a payment that lapsed where the account wants that.
 */
export type CancellationCause = 'api' | 'timeout' | 'superseded' | 'sweep' | 'job' | 'operator';

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
  /** Such a DELETE had no leave to cancel a request that the customer had approved. */
  readonly sentWithoutLeave?: true | undefined;
  /** The attempt that holds the claim. Until this moment no other attempt calls Klarna. Absent where none is under way. */
  readonly lease?: { readonly id: string; readonly until: Instant } | undefined;
}

/** Who told that the payment is authorized: a signed webhook of Klarna, or a caller of the API. */
export type AuthorizationSource = 'webhook' | 'api';

/**
 * What is known about the authorization of a payment that the customer approved. It is apart from Klarna's state and from our intent.
 * What follows from the state and the time is not in it: see {@link confirmationOf}.
 */
export interface Confirmation {
  /**
   * Milliseconds after COMPLETED at which the record needs a person. Absent where the account did not watch authorizations when the
   * record was last written with its settings.
   */
  readonly alertAfter?: number | undefined;
  /** When the sweep found that the payment was not authorized at that time. */
  readonly alertedAt?: Instant | undefined;
  /** When the authorization happened as Klarna tells it, or when the caller told us. */
  readonly authorizedAt?: Instant | undefined;
  readonly authorizedBy?: AuthorizationSource | undefined;
  /** When the sweep found that the payment was not authorized in time. */
  readonly lapsedAt?: Instant | undefined;
}

/**
 * A question that Klarna's webhooks leave open and a read can answer.
 * - `tie`: two states with the same time. The event ids decided between them, which is chance.
 * - `contradiction`: two facts that cannot both be true.
 * - `time`: an open state with a time in the far future, which does not tell whether it is the latest.
 */
export interface Question {
  readonly about: 'tie' | 'contradiction' | 'time';
  /** The webhook that raised it. */
  readonly eventId: EventId;
}

/** A new record without facts: version 0, not stored. */
export const unknownPaymentRequest = (key: PaymentRequestKey, now: Instant): PaymentRequest => ({
  account: key.account,
  paymentRequestId: key.paymentRequestId,
  timer: 'undecided',
  attempts: 0,
  history: [],
  version: 0,
  sequence: 0,
  changes: [],
  writes: [],
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

/**
 * Whether the sweep is to ask Klarna for an expiry. The one that we set is too early, or the first call for one got no clear response. A
 * session that is only observed wants no expiry that Klarna does not have.
 */
export const isKlarnaExpiryOpen = (record: PaymentRequest): boolean =>
  isKlarnaExpiryEarly(record) ||
  (record.session?.isKlarnaExpiryUnanswered === true &&
    record.session.onTimeout === 'cancel' &&
    isExpiryMovable(record));

/** Whether that is so as soon as the request is SUBMITTED, as it is after the customer stepped back. The sweep asks for the expiry then. */
export const isKlarnaExpiryOpenOnceSubmitted = (record: PaymentRequest): boolean =>
  isKlarnaExpiryOpen({ ...record, state: 'SUBMITTED' });

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
