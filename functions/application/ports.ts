/** What the use cases need from outside. Each port is a role; adapters/ has one implementation for each. */
import type { CancelJob, CancelJobEntry, CancelJobKey } from '../domain/cancel-job.ts';
import type { Account, PaymentRequestId, PaymentRequestKey, SessionId } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { ListCursor } from '../domain/list-cursor.ts';
import type { Observation } from '../domain/observation.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { PaymentRequestState } from '../domain/payment-request-state.ts';
import type { StateChangeEvent } from '../domain/state-change-event.ts';

/**
 * The table. Both writes are conditional on one item and return the stored record when the condition does not hold, so that
 * nobody needs to read again. Faults (throttling, no answer) are thrown.
 */
export interface PaymentRequestStore {
  /** Strongly consistent. */
  read(key: PaymentRequestKey): Promise<PaymentRequest | undefined>;
  /**
   * Takes the observation over, in one write and without reading, if it supersedes what is stored whatever else is; makes
   * the record if there is none. The end of a paid request is for whoever has read the record (`unreadLimit`).
   */
  observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult>;
  /** Stores `next`, if what is stored is still the version that `next` was made from: `current`, or nothing. */
  save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult>;
}

export type WriteResult =
  { readonly written: true } | { readonly written: false; readonly stored: PaymentRequest | undefined };

/** What the sweep looks through: keys of records that need something by `now`, the longest overdue first within a shard. */
export interface DuePaymentRequests {
  due(now: Instant): AsyncIterable<PaymentRequestKey>;
}

/** Which Payment Requests were registered for a session. It follows the records within a second or so, in no fixed time. */
export interface SessionPaymentRequests {
  /** Oldest first. */
  ofSession(account: Account, sessionId: SessionId): AsyncIterable<PaymentRequestKey>;
}

/** What an account has, by state. It follows the records within a second or so, in no fixed time. */
export interface PaymentRequestList {
  /**
   * At most `limit` of those in any of the states (`undefined`: Klarna has not spoken of them), newest first, and of these
   * only what stands before a position.
   */
  listed(
    account: Account,
    states: readonly (PaymentRequestState | undefined)[],
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]>;
}

export interface ListedPaymentRequest extends PaymentRequestKey {
  readonly position: ListCursor;
}

/** Jobs that cancel many requests, with what they are to cancel and their reports. Faults are thrown. */
export interface CancelJobs {
  /** Strongly consistent. */
  read(key: CancelJobKey): Promise<CancelJob | undefined>;
  /**
   * Stores a new job, and the requests that it names, if it names any. Where there is one of this id already: that one, or
   * `taken` if another one of this id has begun to be stored.
   */
  start(
    job: CancelJob,
    ids: readonly PaymentRequestId[] | undefined,
  ): Promise<CancelJob | 'started' | 'taken'>;
  /** Stores `next`, if what is stored is still the version that `next` was made from; whether it is stored. */
  save(current: CancelJob, next: CancelJob): Promise<boolean>;
  /** The requests that a job names, in the order in which it was told them. */
  idsOf(job: CancelJob): Promise<readonly PaymentRequestId[]>;
  /** Stores a page of the report, counted from 0; over what an earlier try may have stored. */
  writePage(job: CancelJob, page: number, entries: readonly CancelJobEntry[]): Promise<void>;
  /** Nothing of a page that is not written. */
  readPage(key: CancelJobKey, page: number): Promise<readonly CancelJobEntry[]>;
  /** Those that are to go on by `now`, the one that has waited longest first. */
  due(now: Instant): AsyncIterable<CancelJobKey>;
  /** At most `limit` of an account, newest first. */
  ofAccount(account: Account, limit: number): Promise<readonly CancelJob[]>;
}

/** Where a delivery goes that is signed by Klarna and belongs to no record: kept, never applied. */
export interface Quarantine {
  /** Durable when it resolves. Keeping the same delivery again changes nothing. */
  keep(delivery: QuarantinedDelivery): Promise<void>;
}

export interface QuarantinedDelivery {
  readonly signingKeyId: string;
  /** Klarna's event id, or the body's hash where there is none. */
  readonly deliveryId: string;
  readonly reason: QuarantineReason;
  readonly receivedAt: Instant;
  readonly bodySha256: string;
  readonly facts: DeliveryFacts;
}

/**
 * What is read of a delivery: ids, words and times, each a short text without spaces, as Klarna wrote it. Everything else of
 * it, the customer's name and token among it, is never looked at.
 */
export interface DeliveryFacts {
  readonly eventId?: string | undefined;
  readonly eventType?: string | undefined;
  readonly occurredAt?: string | undefined;
  readonly subjectAccountId?: string | undefined;
  readonly recipientAccountId?: string | undefined;
  readonly webhookId?: string | undefined;
  readonly live?: boolean | undefined;
  readonly paymentRequestId?: string | undefined;
  readonly state?: string | undefined;
  readonly previousState?: string | undefined;
  readonly stateReason?: string | undefined;
}

/** What is in quarantine, for whoever looks into it. */
export interface QuarantinedDeliveries {
  /** The newest first. */
  all(): AsyncIterable<StoredDelivery>;
  read(id: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): Promise<StoredDelivery | undefined>;
  /** Notes what became of it when it was put through again. */
  noteReplay(delivery: QuarantinedDelivery, replay: DeliveryReplay): Promise<void>;
}

export interface StoredDelivery extends QuarantinedDelivery {
  readonly replay?: DeliveryReplay | undefined;
}

export interface DeliveryReplay {
  readonly at: Instant;
  /** What the record made of it. */
  readonly verdict: string;
}

export type QuarantineReason =
  | 'unknown_type'
  | 'unknown_state'
  | 'malformed'
  | 'other_account'
  | 'other_recipient'
  | 'other_webhook'
  | 'other_environment';

/** One Klarna partner account as the secret `accounts` has it, defaults filled in. Durations in milliseconds. */
export interface AccountSettings {
  readonly account: Account;
  readonly defaultSessionTimeout: number | undefined;
  readonly armOnSubmitted: boolean;
  readonly cancelCompleted: boolean;
  readonly inProgressGrace: number | undefined;
  readonly maxExtensions: number;
  readonly maxSession: number;
  /** Whether Klarna's own expiry of a request is to be set to its session's deadline. */
  readonly syncKlarnaExpiry: boolean;
  readonly klarna: KlarnaCredentials;
}

/** Opaque to the use cases; only the Klarna adapter looks inside. */
export interface KlarnaCredentials {
  readonly environment: 'test' | 'live';
  readonly apiKey: string;
  readonly username: string | undefined;
  readonly partnerAccountId: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
}

export interface Accounts {
  /** `undefined` for an account that the deployment does not have. */
  find(account: Account): Promise<AccountSettings | undefined>;
}

/** A key that Klarna signs webhooks with, and what it is bound to. */
export interface SigningKey {
  readonly id: string;
  readonly key: string;
  readonly recipientAccountId: string | undefined;
  readonly webhookId: string | undefined;
  readonly live: boolean | undefined;
  /** Klarna's account id of the subject → our account. */
  readonly accounts: ReadonlyMap<string, Account>;
}

export interface SigningKeys {
  /** `undefined` for a key nobody gave us. An unknown id refreshes the keys at most once a minute. */
  find(signingKeyId: string): Promise<SigningKey | undefined>;
}

/**
 * Klarna's API for one Payment Request. Never rejects for what Klarna or the network does: every response is a value. Rejects
 * with a `ConfigurationError` when no request can be sent.
 */
export interface KlarnaPaymentRequests {
  read(credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number): Promise<KlarnaResponse>;
  cancel(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
  ): Promise<KlarnaResponse>;
}

/** Klarna's own expiry of a Payment Request. Rejects only as {@link KlarnaPaymentRequests} does. */
export interface KlarnaExpiry {
  /** Klarna takes it only while the request is SUBMITTED, from 15 minutes to 48 hours away. */
  moveExpiry(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    expiresAt: Instant,
    timeoutMillis: number,
  ): Promise<KlarnaResponse>;
}

/** What came back. `proof` has the correlation id, the status and Klarna's error id and code, for history and logs. */
export type KlarnaResponse = { readonly proof: Readonly<Record<string, string>> } & (
  | {
      readonly kind: 'payment_request';
      readonly state: PaymentRequestState;
      readonly previousState?: PaymentRequestState | undefined;
      readonly stateReason?: string | undefined;
      readonly updatedAt?: Instant | undefined;
      readonly expiresAt?: Instant | undefined;
    }
  /** The request exists in a state that is new to us. */
  | { readonly kind: 'unknown_state' }
  | { readonly kind: 'not_found' }
  /** 401 or 403: our credentials or permissions. */
  | { readonly kind: 'denied' }
  | { readonly kind: 'rate_limited'; readonly retryAfterMillis: number | undefined }
  /** Any other 4xx: nothing was done. A conflict (409): its state forbids it, or somebody changes it at this moment. */
  | { readonly kind: 'refused'; readonly isConflict?: boolean }
  /** No answer, a 5xx, or a 2xx that cannot be read: what was asked may have been done. */
  | { readonly kind: 'unclear'; readonly retryAfterMillis: number | undefined }
);

/** Takes a session's timer away. */
export interface TimerRemoval {
  /** One that is not there is no error. */
  remove(key: PaymentRequestKey): Promise<void>;
}

/** One timer per registered session. */
export interface SessionTimer extends TimerRemoval {
  /** Makes sure that a message for this deadline will come. Safe to repeat; a timer for another deadline is moved. */
  arm(key: PaymentRequestKey, deadlineAt: Instant): Promise<void>;
  /** True where nothing goes off by itself: the sweep is the timer then, and is due at the deadline. */
  readonly sweepDriven?: boolean;
}

/** The bus. */
export interface StateChangePublisher {
  /** Publishes in order; returns the events that were refused, after retrying those alone. */
  publish(events: readonly StateChangeEvent[]): Promise<readonly StateChangeEvent[]>;
}

/** Every record, for whoever has lost sight of some: it reads the whole table, and is for operators. */
export interface ChangedPaymentRequests {
  /** Those that have changed since, in no order. */
  changedSince(since: Instant): AsyncIterable<PaymentRequest>;
}

/** Time, ids and chance. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  wait(millis: number): Promise<void>;
}

export interface Ids {
  /** A new unguessable id of 32 hexadecimal characters. */
  next(): string;
}

/** Evenly in [0, 1). */
export type Chance = () => number;
