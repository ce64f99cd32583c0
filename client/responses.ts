import type { components, operations } from './api-types.ts';

type Schemas = components['schemas'];
type ListQuery = NonNullable<operations['listPaymentRequests']['parameters']['query']>;

/** Exactly one of the fields. */
type OneOf<Fields> = {
  [Name in keyof Fields]-?: Required<Pick<Fields, Name>> &
    Partial<Record<Exclude<keyof Fields, Name>, never>>;
}[keyof Fields];

/** Klarna's state of a Payment Request. */
export type State = NonNullable<Schemas['State']>;

/** Why a person must look at a request. */
export type Attention = NonNullable<Schemas['Attention']>;

/** The outcome of a cancel, in one word. */
export type CancelOutcome = Schemas['CancelOutcome'];

/** What Lapse knows about one Payment Request. Times are RFC 3339 in UTC. */
export type PaymentRequestRecord = Schemas['Record'];

/** A record, with Klarna's response beside it if it was read with `refresh`. */
export type ReadRecord = Schemas['RefreshedRecord'];

/**
 * A session to register, or to change: at most one of `session_timeout` (ISO 8601) and `deadline_at`. A new session without either has
 * the default of the account. What is left out of a registered session stays as it was.
 */
export type Registration = Omit<Schemas['Registration'], keyof Schemas['Extension']> &
  (OneOf<Schemas['Extension']> | Partial<Record<keyof Schemas['Extension'], never>>);

/** The outcome of one of many registrations. */
export type RegistrationOutcome = Schemas['RegistrationOutcome'];

/** A new deadline: `session_timeout` counts from the time of the call (ISO 8601); `deadline_at` is a time. */
export type Deadline = OneOf<Schemas['Extension']>;

/** What happened to a Payment Request, oldest entry first. */
export type History = Schemas['History'];

/** One entry of a history. */
export type HistoryEntry = Schemas['HistoryEntry'];

/** A checkout session: its status and its Payment Requests. */
export type Session = Schemas['Session'];

/** A checkout session after a cancel: its status and one outcome for each Payment Request. */
export type SessionOutcome = Schemas['SessionOutcome'];

/** A page token, and the address that takes it. */
export type PageToken = Schemas['PageToken'] & {
  /** Where the page reads the session with the token. */
  readonly url: string;
};

/** What a page reads with a page token: the status of its session, and the time that is left. */
export type PageSession = Schemas['PageSession'];

/** A session to register before Klarna's id is known, as a {@link Registration} with its reference in the path. */
export type ReferenceRegistration = Omit<Schemas['ReferenceRegistration'], keyof Schemas['Extension']> &
  (OneOf<Schemas['Extension']> | Partial<Record<keyof Schemas['Extension'], never>>);

/** What has a reference of the shop: its status and its Payment Requests. */
export type Reference = Schemas['ReferenceStatus'];

/** What has a reference, after a cancel: its status and one outcome for each Payment Request. */
export type ReferenceOutcome = Schemas['ReferenceOutcome'];

/** The outcome for one of several Payment Requests. */
export type MemberOutcome = Schemas['MemberOutcome'];

/** What to list: each filter narrows it. */
export type ListFilter = Omit<ListQuery, 'open' | 'would_cancel' | 'cursor' | 'limit'> & {
  /** `true`: only requests that the customer can still pay. `false`: only the others, with `session_id`, `reference` or `attention`. */
  readonly open?: boolean;
  /** Only requests whose timer found the session over and only observed it, in any state. */
  readonly would_cancel?: true;
};

/** What a job cancels: one of a list of requests, a session, a reference, or an age. It is a dry run unless `dry_run` is false. */
export type CancelJobRequest = OneOf<Omit<Schemas['CancelJobRequest'], 'reason' | 'dry_run'>> &
  Pick<Schemas['CancelJobRequest'], 'reason' | 'dry_run'>;

/** A job that cancels many requests: its progress and the number of requests for each outcome. */
export type CancelJob = Schemas['CancelJob'];

/** One field of a call that is wrong. */
export type FieldError = Schemas['FieldError'];
