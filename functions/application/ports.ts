/** What the use cases need from outside. Each port is a role, and adapters/ has one implementation for each. */
import type {
  AccountOverrides,
  AccountSettings,
  KlarnaCredentials,
  StoredAccount,
} from '../domain/account-settings.ts';
import type { KeptAuthorization } from '../domain/kept-authorization.ts';
import type { AuthorizationReport } from '../domain/confirmation.ts';
import type { AwaitedReference } from '../domain/awaited-reference.ts';
import type { CancelJob, CancelJobEntry, CancelJobKey } from '../domain/cancel-job.ts';
import type { Credential } from '../domain/credential.ts';
import type {
  Account,
  CredentialName,
  PaymentRequestId,
  PaymentRequestKey,
  Reference,
  ReferenceKey,
  SessionId,
} from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { StoredJob } from '../domain/job-erasure.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import type { ListCursor, ListedPaymentRequest } from '../domain/list-cursor.ts';
import type { Observation, Position } from '../domain/observation.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { DeliveryReplay, QuarantinedDelivery, StoredDelivery } from '../domain/quarantined-delivery.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import type { StateChangeEvent } from '../domain/state-change-event.ts';
import type { SweepMemory } from '../domain/sweep-memory.ts';
import type { Unpublished } from '../domain/unpublished.ts';
import type { UnreadableRecordError } from '../domain/unreadable-record-error.ts';

/** Called with a record that was left out because it cannot be read. The others are not held up by it. */
export type OnUnreadable = (error: UnreadableRecordError) => void;

/**
 * The table. The writes are conditional on one item. They return the stored record where the condition does not hold, so that
 * no other read is needed. Faults (throttling, no response) are thrown.
 */
export interface PaymentRequestStore {
  /** A strongly consistent read. */
  read(key: PaymentRequestKey): Promise<PaymentRequest | undefined>;
  /**
   * Strongly consistent reads of at most 100 records at once, in the order of the keys. Records that do not exist are left out. So are
   * those that cannot be read, where there is an `onUnreadable` to call.
   *
   * @throws {UnreadableRecordError} for a record that cannot be read, where there is none
   */
  readAll(
    keys: readonly PaymentRequestKey[],
    onUnreadable?: OnUnreadable,
  ): Promise<readonly PaymentRequest[]>;
  /**
   * Makes `observedVersion` of the stored record, or of a new one, in one write and without a read. Only if the observation `isUnread`
   * there, which includes that the history has room for its entry. Not called for a CANCELED, which `needsRecord`.
   */
  observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult>;
  /**
   * Adds an observation of an open state to the history in one write and without a read, if it is stale for good
   * (`isStaleForGood`). Only counts it where the history has no room.
   *
   * @param noted the position of the record as the caller knows it, and the time
   */
  noteStale(
    key: PaymentRequestKey,
    observation: Observation,
    noted: { readonly against: Position | undefined; readonly at: Instant },
  ): Promise<WriteResult>;
  /**
   * Makes `registeredVersion` of the stored record, or `made` where there is none, in one write and without a read. Only where the
   * record `isRegisteredUnread` and its history has room. Returns the record as it then is.
   */
  register(made: PaymentRequest): Promise<RegisterResult>;
  /**
   * Makes `authorizedVersion` of the stored record in one write and without a read. Only where the record exists and
   * `isAuthorizedUnread`, which includes that its history has room.
   */
  authorize(key: PaymentRequestKey, report: AuthorizationReport): Promise<WriteResult>;
  /** Stores `next`, if the stored version is still the one that `next` is the next version of: `current`, or no record. */
  save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult>;
}

/** Whether a conditional write was done. If not, the record that is stored instead. */
export type WriteResult =
  { readonly written: true } | { readonly written: false; readonly stored: PaymentRequest | undefined };

/** Whether a registration was written without a read, and the record that is stored. */
export type RegisterResult =
  | { readonly written: true; readonly record: PaymentRequest }
  | { readonly written: false; readonly stored: PaymentRequest | undefined };

/** The records that the sweep reconciles. */
export interface DuePaymentRequests {
  /** Keys of the records that are due by `now`, the longest overdue first within a shard. */
  due(now: Instant): AsyncIterable<PaymentRequestKey>;
}

/** The Payment Requests that were registered for a session. An index: it follows the records within about a second. */
export interface SessionPaymentRequests {
  /** Keys of the session's requests, oldest first. */
  ofSession(account: Account, sessionId: SessionId): AsyncIterable<PaymentRequestKey>;
}

/** The Payment Requests with a reference of the shop. An index: it follows the records within about a second. */
export interface ReferencedPaymentRequests {
  /** Keys of the requests with this reference, oldest first. */
  ofReference(account: Account, reference: Reference): AsyncIterable<PaymentRequestKey>;
}

/**
 * What an index lists: the open records of an account, those of a session or with a reference, or those that need a person.
 * `would_cancel`: those whose end was only observed, and others that need a person. `account` is absent for records of every account.
 */
export type ListSelection =
  | { readonly by: 'open'; readonly account: Account }
  | { readonly by: 'session'; readonly account: Account; readonly sessionId: SessionId }
  | { readonly by: 'reference'; readonly account: Account; readonly reference: string }
  | { readonly by: 'would_cancel'; readonly account: Account }
  | { readonly by: 'attention'; readonly account?: Account | undefined };

/** The records by index, newest first. An index follows the records within about a second. */
export interface PaymentRequestList {
  /** At most `limit` records of the selection, newest first, of those before the position. */
  listed(
    selection: ListSelection,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]>;
}

/**
 * Klarna's reports of authorizations that name the payment by the shop's reference alone, until they are linked to a record. Faults are
 * thrown.
 */
export interface KeptAuthorizations {
  /**
   * Adds a report in one write, and makes it due at once. The same report again changes nothing. Returns `full` where
   * `mostKeptReports` wait for this reference already.
   */
  keep(
    account: Account,
    reference: Reference,
    report: AuthorizationReport,
  ): Promise<'kept' | 'known' | 'full'>;
  /** A strongly consistent read. */
  read(account: Account, reference: Reference): Promise<KeptAuthorization | undefined>;
  /** Those that are due by `now`, the longest overdue first. */
  due(now: Instant): AsyncIterable<{ readonly account: Account; readonly reference: Reference }>;
  /** Stores `next` and returns true, if no other write came since `current` was read. */
  save(current: KeptAuthorization, next: KeptAuthorization): Promise<boolean>;
}

/** What waits for the first Payment Request with a reference of the shop. Faults are thrown. */
export interface AwaitedReferences {
  /** A strongly consistent read. */
  read(key: ReferenceKey): Promise<AwaitedReference | undefined>;
  /** Stores `next` and returns true, if the stored version is still the one that it is the next version of, or there is none. */
  save(next: AwaitedReference): Promise<boolean>;
  /** Keys of what is due by `now`, the longest overdue first. */
  due(now: Instant): AsyncIterable<ReferenceKey>;
}

/** Reports of authorizations by reference, for an erasure. */
export interface ErasableAuthorizations extends Pick<KeptAuthorizations, 'read'> {
  /** Removes those that were read, if no other report came since. */
  remove(current: KeptAuthorization): Promise<void>;
}

/** What waited for references, for an erasure. */
export interface ErasableReferences extends Pick<AwaitedReferences, 'read'> {
  /** The references for which a session of this id waits or waited, in any order. No index has them: this reads the whole table. */
  ofSession(account: Account, sessionId: SessionId): AsyncIterable<Reference>;
  /** Removes the item, if the stored version is still this one. Returns whether it is gone. */
  remove(current: AwaitedReference): Promise<boolean>;
}

/** Jobs that cancel many requests, with the ids they cancel and their reports. Faults are thrown. */
export interface CancelJobs {
  /** A strongly consistent read. */
  read(key: CancelJobKey): Promise<CancelJob | undefined>;
  /**
   * Stores a new job, and the ids that it names, if it names any. Where a job of this id exists: that job. `taken` where the
   * ids of another job of this id are stored already.
   */
  start(
    job: CancelJob,
    ids: readonly PaymentRequestId[] | undefined,
  ): Promise<CancelJob | 'started' | 'taken'>;
  /** Stores `next` and returns true, if the stored version is still the one that `next` was made from. */
  save(current: CancelJob, next: CancelJob): Promise<boolean>;
  /** The ids that a job names, in the order in which they were given. */
  idsOf(job: CancelJob): Promise<readonly PaymentRequestId[]>;
  /** Stores a page of the report, counted from 0. Overwrites the page of an earlier attempt. */
  writePage(job: CancelJob, page: number, entries: readonly CancelJobEntry[]): Promise<void>;
  /** A page of the report; empty where it is not written. */
  readPage(key: CancelJobKey, page: number): Promise<readonly CancelJobEntry[]>;
  /** Keys of the jobs that are due by `now`, the longest overdue first. */
  due(now: Instant): AsyncIterable<CancelJobKey>;
  /** At most `limit` jobs of an account, newest first. */
  ofAccount(account: Account, limit: number): Promise<readonly CancelJob[]>;
}

/** Cancel jobs, for an erasure. No function takes anything out of a job. */
export interface ErasableCancelJobs extends Pick<CancelJobs, 'idsOf' | 'readPage'> {
  /** Every job of an account. */
  allOf(account: Account): AsyncIterable<CancelJob>;
  /**
   * Stores what is left of a job whose work is over: the job, the requests that it names and the pages of its report. Its retention
   * counts on. A part that is not stored any more is not made again.
   */
  eraseFrom(left: StoredJob): Promise<void>;
}

/** The right to run the sweep, which one run has at a time. Faults are thrown. */
export interface SweepLease {
  /** Takes the lease until then. Returns what the last run left, or `undefined` while another run holds the lease. */
  take(now: Instant, until: Instant): Promise<SweepMemory | undefined>;
  /** Gives the lease back, where this run still holds it. Without a memory, that of the last run stays. */
  release(memory: SweepMemory | undefined): Promise<void>;
}

/** How many records have work to do, now or later. Open requests do: at the latest once Klarna itself has ended them. */
export interface OpenPaymentRequests {
  /** The number, or a bound that it has reached: no more entries are read than that. */
  countAtLeast(): Promise<number>;
}

/** Where signed deliveries go that belong to no record. */
export interface Quarantine {
  /** Stores the delivery; durable when it resolves. The same delivery again changes nothing. */
  keep(delivery: QuarantinedDelivery): Promise<void>;
}

/** When Klarna's webhooks arrive, for operators. It shows that a new signing key works, and that an old one is no longer used. */
export interface WebhookArrivals {
  /** Notes that a webhook with a valid signature of this key arrived. An earlier time changes nothing. */
  note(signingKeyId: string, at: Instant): Promise<void>;
  /** When the last noted webhook with this key arrived; `undefined` where none was noted. */
  last(signingKeyId: string): Promise<Instant | undefined>;
}

/** The deliveries in quarantine, for operators. */
export interface QuarantinedDeliveries {
  /** All deliveries, newest first. */
  all(): AsyncIterable<StoredDelivery>;
  /** One delivery. */
  read(id: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): Promise<StoredDelivery | undefined>;
  /** Notes the result of a replay. */
  noteReplay(delivery: QuarantinedDelivery, replay: DeliveryReplay): Promise<void>;
}

/** The deliveries in quarantine, for an erasure. */
export interface ErasableDeliveries extends Pick<QuarantinedDeliveries, 'all'> {
  /** Removes one delivery. One that does not exist is not an error. */
  remove(delivery: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): Promise<void>;
}

/** Replaces whole items, which no function may do. */
export interface PaymentRequestErasure {
  /** Stores the tombstone in place of everything that the item holds, if the stored version is still this one. Returns whether it did. */
  replace(current: PaymentRequest, tombstone: PaymentRequest): Promise<boolean>;
}

/** The accounts of this deployment. */
export interface Accounts {
  /** The settings of an account; `undefined` for one that the deployment does not have. */
  find(account: Account): Promise<AccountSettings | undefined>;
}

/** The credentials of this deployment: a few. */
export interface Credentials {
  /**
   * Every credential. Rejects with a `ConfigurationError` where one is malformed: it might serve any account. A secret that is still
   * empty counts as none.
   */
  all(): Promise<readonly Credential[]>;
  /** One credential; `undefined` where there is none of this name, or its secret is still empty. */
  find(name: CredentialName): Promise<Credential | undefined>;
}

/** What is stored about accounts that have no entry in the secret `accounts`. Faults are thrown. */
export interface StoredAccounts {
  /** What is stored about the account; `undefined` where it was neither set nor onboarded. */
  read(account: Account): Promise<StoredAccount | undefined>;
  /** Replaces the overrides. */
  write(
    account: Account,
    overrides: AccountOverrides,
    updated: { readonly by: string; readonly at: Instant },
  ): Promise<void>;
  /** Notes that Klarna reported the account as operational. The first report stays. */
  onboard(
    account: Account,
    onboarded: { readonly credential: CredentialName; readonly at: Instant },
  ): Promise<void>;
}

/** What an index of all accounts holds, up to a limit of keys for each of its partitions. */
export interface IndexedKeys {
  /** In the order of their times. */
  readonly keys: readonly {
    readonly account: Account;
    readonly paymentRequestId: PaymentRequestId;
    readonly at: string;
  }[];
  /** Whether there are no others. */
  readonly isWhole: boolean;
}

/** What is open, late or wrong over all accounts, from the indexes alone. They follow the records within about a second. */
export interface AccountViews {
  /** Records with work to do now or later, by the time when it is due. An open session is due at its deadline. */
  due(): Promise<IndexedKeys>;
  /** Records that need a person, by the time since when. */
  attention(): Promise<IndexedKeys>;
  /** How many deliveries are in quarantine, at least. */
  quarantined(): Promise<{ readonly count: number; readonly isWhole: boolean }>;
}

/** What the processes share of each credential's rate limit at Klarna. Times are milliseconds since 1970. Faults are thrown. */
export interface RateBudgets {
  /** Takes calls of the window that ends then, if no more than `most` were taken with them. Returns whether it did. */
  take(
    credential: string,
    calls: number,
    window: { readonly resetsAt: number; readonly most: number },
  ): Promise<boolean>;
  /** Until when no process calls Klarna; 0 where none was told to wait. */
  pausedUntil(credential: string): Promise<number>;
  /** Tells every process to wait until then. An earlier time than the stored one changes nothing. */
  pause(credential: string, until: number): Promise<void>;
}

/** The verb with which Klarna takes an update of a Payment Request. */
export type UpdateVerb = 'PUT' | 'PATCH';

/** What the processes know together of each credential. Faults are thrown. */
export interface CredentialNotes {
  /** The verb that Klarna has been seen to accept for updates; `undefined` where no process has seen one. */
  updateVerb(credential: string): Promise<UpdateVerb | undefined>;
  /** Notes the verb. A later one replaces it. */
  noteUpdateVerb(credential: string, verb: UpdateVerb): Promise<void>;
  /** The last use of the credential, as far as it was noted; `undefined` where it has never been seen. */
  lastUse(credential: string): Promise<CredentialUse | undefined>;
  /** Notes a use, if the one that was noted before is more than an hour older, or had no call. */
  noteUse(credential: string, use: CredentialUse): Promise<void>;
  /** Notes what was told of the credential's certificate. Returns whether it is something else than the last time. */
  noteCertificate(credential: string, told: string): Promise<boolean>;
}

/** A use of a credential. `at`: milliseconds since 1970. Without a call: when it was first seen. */
export interface CredentialUse {
  readonly at: number;
  /** The call to which Klarna responded. */
  readonly call?: {
    readonly paymentRequestId: PaymentRequestId;
    readonly partnerAccountId: string | undefined;
  };
}

/** The keys that Klarna signs webhooks with. */
export interface SigningKeys {
  /** The key; `undefined` for an unknown id. An unknown id refreshes the keys at most once a minute. */
  find(signingKeyId: string): Promise<SigningKey | undefined>;
}

/** The keys that sign page tokens. Every one of them is valid; the first signs new tokens. */
export type PageTokenKeys = readonly [current: string, ...previous: readonly string[]];

/** Where the keys of page tokens are kept. Throws if they cannot be read, or are malformed. */
export interface PageKeys {
  /** The keys as they were read last, at most the cache time ago. */
  known(): Promise<PageTokenKeys>;
  /** The keys, read again for a token that no known key has signed; `undefined` where that was done within the last five seconds. */
  refreshed(): Promise<PageTokenKeys | undefined>;
}

/**
 * Klarna's API for one Payment Request. Every response, and every fault of Klarna or the network, is a value. Rejects with a
 * `ConfigurationError` where no request can be sent. Klarna is told the session, where it is known.
 */
export interface KlarnaPaymentRequests {
  /** Reads the request. */
  read(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
    sessionId?: SessionId,
  ): Promise<KlarnaResponse>;
  /** Sends the DELETE that cancels the request. */
  cancel(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
    sessionId?: SessionId,
  ): Promise<KlarnaResponse>;
}

/** Klarna's expiry of a Payment Request. Rejects only as {@link KlarnaPaymentRequests} does. */
export interface KlarnaExpiry {
  /** Moves the expiry. Klarna takes it only while the request is SUBMITTED, from 15 minutes to 48 hours away. */
  moveExpiry(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    expiresAt: Instant,
    call: { readonly timeoutMillis: number; readonly sessionId?: SessionId | undefined },
  ): Promise<KlarnaResponse>;
}

/** Removes session timers. */
export interface TimerRemoval {
  /** Removes the timer. A timer that does not exist is not an error. */
  remove(key: PaymentRequestKey): Promise<void>;
}

/** One timer per registered session. */
export interface SessionTimer extends TimerRemoval {
  /**
   * Makes sure that a message for this deadline will come. Safe to repeat. Moves a timer for another deadline, and returns whether it
   * did: that deadline may be newer than this one.
   */
  arm(key: PaymentRequestKey, deadlineAt: Instant): Promise<boolean>;
  /** True where nothing fires by itself: the sweep is the timer, and records are due at the deadline. */
  readonly sweepDriven?: boolean;
}

/** Hands work from the stream to the function that has the accounts, the timers and Klarna. */
export interface HandOver {
  /** Asks for a comparison of the attempts of the record's session, a second later: an index follows the records. Durable when it resolves. */
  compare(key: PaymentRequestKey): Promise<void>;
  /** Asks to settle what waits for a request with this reference. The request is named where it is known. */
  settle(key: ReferenceKey, seen: PaymentRequestId | undefined): Promise<void>;
}

/** One write to the table as its stream delivers it. */
export interface StreamEntry {
  /** Its place in the stream. */
  readonly sequenceNumber: string;
  readonly key: PaymentRequestKey;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  /** The record after the write. Throws if its events cannot be read. */
  readonly read: () => PaymentRequest;
}

/** One write of what waits for a request with a reference, as the table's stream delivers it. */
export interface ReferenceStreamEntry extends Pick<StreamEntry, 'sequenceNumber' | 'writtenAt'> {
  readonly key: ReferenceKey;
  /** The item after the write. Throws if it cannot be read. */
  readonly readReference: () => AwaitedReference;
}

/** An event that the bus refused, and EventBridge's code for the reason. */
export interface RefusedEvent {
  readonly event: StateChangeEvent;
  readonly reason: string;
  /** Whether every further try would be refused too. */
  readonly isPermanent: boolean;
}

/** The events that the bus did not take. `unsent`: those that follow events that it refused for now. Both in order. */
export interface PublishResponse {
  readonly refused: readonly RefusedEvent[];
  readonly unsent: readonly StateChangeEvent[];
}

/** The event bus. */
export interface StateChangePublisher {
  /**
   * Publishes in order, at least once. Sends events again that the bus refuses for now, a bounded number of times. A bus that does
   * not respond refuses for now.
   */
  publish(events: readonly StateChangeEvent[]): Promise<PublishResponse>;
}

/** The queue of what could not be published. */
export interface UnpublishedEvents {
  /** Adds one message; durable when it resolves. Faults are thrown. */
  keep(unpublished: Unpublished): Promise<void>;
}

/** Every changed record, for operators: it reads the whole table. */
export interface ChangedPaymentRequests {
  /** The records that have changed since this moment, in no order; `undefined` for one that cannot be read. */
  changedSince(since: Instant): AsyncIterable<PaymentRequest | undefined>;
}

/** The time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** The same moment as an {@link Instant}. */
  instant(): Instant;
  /** Resolves after this many milliseconds. */
  wait(millis: number): Promise<void>;
}

/** Unguessable ids. */
export interface Ids {
  /** A new id of 32 hexadecimal characters. */
  next(): string;
}

/** A random number in [0, 1), evenly distributed. */
export type Chance = () => number;
