import type { components } from './api-types.ts';
import type {
  CancelJob,
  CancelJobRequest,
  Deadline,
  History,
  ListFilter,
  MemberOutcome,
  PageToken,
  PaymentRequestRecord,
  ReadRecord,
  Reference,
  ReferenceOutcome,
  ReferenceRegistration,
  Registration,
  RegistrationOutcome,
  Session,
  SessionOutcome,
  State,
} from './responses.ts';
import { requirePathId } from './path-id.ts';
import { checkOptions, type TransportOptions } from './options.ts';
import { type ApiResponse, Transport } from './transport.ts';

export type * from './responses.ts';
export { LapseError, LapseProblem, LapseUnavailable } from './errors.ts';
export type { ConnectionFault } from './connection-fault.ts';
export { eventReceiver } from './event-receiver.ts';
export type { Delivery, EventReceiverOptions, ReceivedDelivery } from './event-receiver.ts';
export { isLapseEvent, lapseEventTypes } from './events.ts';
export type { LapseEvent, LapseEvents, LapseEventType } from './events.ts';
export { klarnaExpiry } from './klarna-expiry.ts';
export type { KlarnaExpiry, KlarnaExpiryOptions } from './klarna-expiry.ts';
export { verifyKlarnaSignature } from './klarna-signature.ts';
export type { SignedDelivery } from './klarna-signature.ts';
export type { Authorization, Credentials } from './options.ts';

/** Where the API is, who calls, and for which account. */
export interface LapseClientOptions extends TransportOptions {
  /** The deployment's short name for the Klarna partner account: 1 to 32 of `a-z`, `0-9` and `-`. */
  readonly account: string;
}

interface Optional {
  /** Ends the call with its attempts. The promise rejects with the signal's reason. @default none: only the budget ends a call */
  readonly signal?: AbortSignal;
}

interface KeyedOptions extends Optional {
  /**
   * A name for this call: 1 to 64 printable ASCII characters without spaces. A caller who repeats the call with it gets the first outcome,
   * and nothing more is done. Another call with it is thrown as the problem `idempotency-key-reused`. Of many registrations, only those
   * whose record has had another call are `refused` with it. @default none
   */
  readonly idempotencyKey?: string;
}

interface SessionIfChangedOptions extends Optional {
  /** The tag that an earlier call returned. @default none: the session is returned in any case */
  readonly etag?: string | undefined;
}

interface PageTokenOptions extends Optional {
  /** How long the token is valid, as an ISO 8601 duration: `PT1M` to `PT48H`. @default 'PT1H' */
  readonly validFor?: string;
}

interface GetOptions extends Optional {
  /** Reads the request at Klarna first, which takes a call to Klarna. @default false: the record is returned as it is */
  readonly refresh?: boolean;
}

interface CancelSessionOptions extends KeyedOptions {
  /** Why, for the history of each request: 1 to 255 printable characters without personal data. @default none */
  readonly reason?: string;
  /** Returns what a cancel would do, and does not send it. @default false */
  readonly dry_run?: boolean;
}

interface CancelOptions extends CancelSessionOptions {
  /**
   * Cancels a request that the customer has approved, if Klarna allows it. It takes a payment from the customer, so it must be
   * asked for in each call.
   *
   * @default the account's `cancel_completed`, which is false unless configured
   */
  readonly allow_completed?: boolean;
}

/** The request is paid or has ended, and is unchanged. */
export interface AlreadyFinal {
  readonly outcome: 'already_final';
  readonly state: State;
}

/** Lapse does not know the request. After a cancel: Klarna does not know it either. */
export interface NotFound {
  readonly outcome: 'not_found';
}

/** A cancel is running, or its outcome is not known yet. */
export interface CancellationPending {
  readonly outcome: 'cancellation_pending';
}

interface WithRecord<Outcome extends string> {
  readonly outcome: Outcome;
  readonly record: PaymentRequestRecord;
}

/** `registered`: the session is new. `updated`: it was registered before; its deadline may have changed. */
export type RegisterResult = WithRecord<'registered' | 'updated'> | AlreadyFinal | CancellationPending;

/** `updated`: the deadline is as requested. `extension_limit`: the account's limits or Klarna's expiry do not allow it. */
export type ExtendResult =
  | WithRecord<'updated'>
  | AlreadyFinal
  | CancellationPending
  | NotFound
  | { readonly outcome: 'extension_limit'; readonly allowed: string };

/** `authorized`: the record says so now, or said so before. */
export type AuthorizedResult = WithRecord<'authorized'> | AlreadyFinal | NotFound;

/** The outcomes that one cancel can have. Any other is thrown as a `LapseError`. */
export type CancelResult = WithRecord<CancelResponse['outcome']> | AlreadyFinal | NotFound;

type CancelResponse = components['schemas']['CancelResult'];

/** `registered`: the session is new. `updated`: it was registered before. */
export type RegisterReferenceResult =
  | { readonly outcome: 'registered' | 'updated'; readonly reference: Reference }
  | AlreadyFinal
  | CancellationPending;

/** `unchanged`: the session is as it was when the tag was returned. Only the time has gone on. */
export type SessionIfChangedResult =
  | { readonly outcome: 'changed'; readonly session: Session; readonly etag: string }
  | { readonly outcome: 'unchanged'; readonly etag: string }
  | NotFound;

type CancelJobs = components['schemas']['CancelJobs'];
type RegistrationOutcomes = components['schemas']['RegistrationOutcomes'];

/** `started`: the job is new. `unchanged`: the same job exists. `taken`: another job has this id. */
export type StartCancelJobResult =
  | { readonly outcome: 'started' | 'unchanged'; readonly job: CancelJob }
  | { readonly outcome: 'taken' }
  | NotFound;

/**
 * The API of one account. Expected refusals are outcomes; everything else is thrown as a `LapseError`. The client repeats a call
 * that got no response, within its time: see `Transport`. So a first call can return `updated`, `already_canceled` or `unchanged`.
 * For an id that a path cannot carry it throws the API's problem `invalid-request` without a call.
 */
export class LapseClient {
  readonly #transport: Transport;
  readonly #url: string;
  readonly #base: string;

  /**
   * Checks the options, and calls nothing.
   *
   * @throws {TypeError} with one sentence: which option is wrong, and what is allowed
   */
  constructor(options: LapseClientOptions) {
    checkOptions(options);
    this.#transport = new Transport(options);
    this.#url = options.url.replace(/\/+$/, '');
    this.#base = `/accounts/${options.account}`;
  }

  /** Registers a session. At its deadline Lapse cancels the request, unless the customer has paid. */
  async register(
    id: string,
    registration: Registration,
    { idempotencyKey, signal }: KeyedOptions = {},
  ): Promise<RegisterResult> {
    const { session_id, reference } = registration;
    if (session_id !== undefined) requirePathId('session_id', session_id);
    if (reference !== undefined) requirePathId('reference', reference);
    const path = this.#request(id);
    const call = { method: 'PUT', path, body: registration, idempotencyKey, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'cancellation-pending']);
    return (
      conflictOf(response) ?? {
        outcome: response.status === 201 ? 'registered' : 'updated',
        ...recordIn(response),
      }
    );
  }

  /**
   * Registers at most 100 sessions, for a migration. Each has its own outcome, in the order of the call. Send those that are `untried`
   * again.
   */
  async registerMany(
    registrations: readonly (Registration & { readonly payment_request_id: string })[],
    { idempotencyKey, signal }: KeyedOptions = {},
  ): Promise<readonly RegistrationOutcome[]> {
    const path = `${this.#base}/registrations`;
    const call = { method: 'PUT', path, body: { registrations }, idempotencyKey, signal } as const;
    const { body } = await this.#transport.send(call);
    return (body as unknown as RegistrationOutcomes).registrations;
  }

  /**
   * Moves the deadline of a registered session, later or sooner. `session_timeout` counts from the time of each call, so the
   * client does not repeat such a call when it may have been done. It repeats a call with `deadline_at`.
   */
  async extend(
    id: string,
    deadline: Deadline,
    { idempotencyKey, signal }: KeyedOptions = {},
  ): Promise<ExtendResult> {
    const isIdempotent = deadline.session_timeout === undefined;
    const path = this.#request(id);
    const options = { body: deadline, isIdempotent, idempotencyKey, signal };
    const call = { method: 'PATCH', path, ...options } as const;
    const response = await this.#transport.send(call, [
      'already-final',
      'cancellation-pending',
      'extension-limit',
      'not-found',
    ]);
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    if (response.problem === 'extension-limit') {
      return { outcome: 'extension_limit', allowed: String(response.body['allowed']) };
    }
    return conflictOf(response) ?? { outcome: 'updated', ...recordIn(response) };
  }

  /** Reads the record; `undefined` if there is none. With `refresh` Lapse reads the request at Klarna first. */
  async get(id: string, { refresh, signal }: GetOptions = {}): Promise<ReadRecord | undefined> {
    const query = { refresh: refresh === true ? 'true' : undefined };
    return this.#found(this.#request(id), query, signal);
  }

  /** Reads the history of the record; `undefined` if there is no record. */
  async history(id: string, { signal }: Optional = {}): Promise<History | undefined> {
    return this.#found(`${this.#request(id)}/history`, {}, signal);
  }

  /** Cancels the request at Klarna now, unless the customer has paid. It need not be registered. */
  async cancel(
    id: string,
    { reason, allow_completed, dry_run, idempotencyKey, signal }: CancelOptions = {},
  ): Promise<CancelResult> {
    const query = { reason, allow_completed: flag(allow_completed), dry_run: flag(dry_run) };
    const call = { method: 'DELETE', path: this.#request(id), query, idempotencyKey, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'not-found']);
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    if (response.problem === 'already-final') return alreadyFinal(response);
    const { outcome, ...record } = response.body as unknown as CancelResponse;
    return { outcome, record };
  }

  /**
   * Reports that you have authorized the payment at Klarna after the customer approved it. Safe to repeat. It may come before Lapse
   * knows of the approval.
   */
  async reportAuthorization(id: string, { signal }: Optional = {}): Promise<AuthorizedResult> {
    const call = { method: 'POST', path: `${this.#request(id)}/authorized`, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'not-found']);
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    if (response.problem === 'already-final') return alreadyFinal(response);
    return { outcome: 'authorized', ...recordIn(response) };
  }

  /** Reads a session with its Payment Requests; `undefined` if Lapse does not know it. */
  async session(sessionId: string, { signal }: Optional = {}): Promise<Session | undefined> {
    return this.#found(this.#session(sessionId), {}, signal);
  }

  /**
   * Reads a session unless it is as it was: pass the `etag` of the last result. For a page or a job that asks again and again. It counts
   * down by itself in between.
   */
  async sessionIfChanged(
    sessionId: string,
    { etag: known, signal }: SessionIfChangedOptions = {},
  ): Promise<SessionIfChangedResult> {
    const call = { method: 'GET', path: this.#session(sessionId), ifNoneMatch: known, signal } as const;
    const { problem, status, body, etag = '' } = await this.#transport.send(call, ['not-found']);
    if (problem !== undefined) return { outcome: 'not_found' };
    if (status === 304) return { outcome: 'unchanged', etag };
    return { outcome: 'changed', session: body as unknown as Session, etag };
  }

  /**
   * Makes a token with which a page of the shop may read this session, and nothing else. `undefined` if Lapse does not know the
   * session. The deployment must have the origin of the page in `pageOrigins`; one without any throws the problem `no-page-origins`.
   */
  async pageToken(
    sessionId: string,
    { validFor, signal }: PageTokenOptions = {},
  ): Promise<PageToken | undefined> {
    const path = `${this.#session(sessionId)}/page-token`;
    const body = validFor === undefined ? undefined : { valid_for: validFor };
    const response = await this.#transport.send({ method: 'POST', path, body, signal }, ['not-found']);
    if (response.problem !== undefined) return undefined;
    const token = response.body as unknown as Omit<PageToken, 'url'>;
    return { ...token, url: `${this.#url}${token.path}` };
  }

  /** Cancels every open request of a session and leaves paid ones unchanged; `undefined` if Lapse does not know it. */
  async cancelSession(
    sessionId: string,
    { reason, dry_run, idempotencyKey, signal }: CancelSessionOptions = {},
  ): Promise<SessionOutcome | undefined> {
    const query = { reason, dry_run: flag(dry_run) };
    const call = { method: 'DELETE', path: this.#session(sessionId), query, idempotencyKey, signal } as const;
    const response = await this.#transport.send(call, ['not-found']);
    return response.problem === undefined ? (response.body as unknown as SessionOutcome) : undefined;
  }

  /** Reads what has a reference of the shop; `undefined` if Lapse does not know it. */
  async reference(reference: string, { signal }: Optional = {}): Promise<Reference | undefined> {
    return this.#found(this.#reference(reference), {}, signal);
  }

  /**
   * Registers a session before Klarna's id is known: call it before the create call, and send Klarna the same reference. The first request
   * that Lapse sees with it joins the session. `awaited` tells whether one was seen.
   */
  async registerReference(
    reference: string,
    registration: ReferenceRegistration,
    { idempotencyKey, signal }: KeyedOptions = {},
  ): Promise<RegisterReferenceResult> {
    const { session_id } = registration;
    if (session_id !== undefined) requirePathId('session_id', session_id);
    const path = this.#reference(reference);
    const call = { method: 'PUT', path, body: registration, idempotencyKey, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'cancellation-pending']);
    return (
      conflictOf(response) ?? {
        outcome: response.status === 201 ? 'registered' : 'updated',
        reference: response.body as unknown as Reference,
      }
    );
  }

  /**
   * Cancels every open request with a reference of the shop and leaves paid ones unchanged. For a shop that lost the response to its create
   * call, and so does not know Klarna's id. If Lapse knows no request yet, the cancel waits for one: see `awaited`. `undefined` for a dry
   * run of a reference that Lapse does not know.
   */
  async cancelReference(
    reference: string,
    { reason, dry_run, idempotencyKey, signal }: CancelSessionOptions = {},
  ): Promise<ReferenceOutcome | undefined> {
    const query = { reason, dry_run: flag(dry_run) };
    const call = {
      method: 'DELETE',
      path: this.#reference(reference),
      query,
      idempotencyKey,
      signal,
    } as const;
    const response = await this.#transport.send(call, ['not-found']);
    return response.problem === undefined ? (response.body as unknown as ReferenceOutcome) : undefined;
  }

  /** Lists the records that pass the filter, newest first. Each page is requested when the loop reaches it. */
  async *list(
    filter: ListFilter = {},
    { signal }: Optional = {},
  ): AsyncGenerator<PaymentRequestRecord, void> {
    const { open, would_cancel, ...rest } = filter;
    const query = {
      ...rest,
      open: open === undefined ? undefined : String(open),
      would_cancel: would_cancel && String(would_cancel),
      limit: '100',
    };
    const path = `${this.#base}/payment-requests`;
    for await (const page of this.#pages(path, query, signal)) yield* page as PaymentRequestRecord[];
  }

  /** Starts a job that cancels many requests, or a dry run of one. You choose the id: the same id again is the same job. */
  async startCancelJob(
    jobId: string,
    request: CancelJobRequest,
    { signal }: Optional = {},
  ): Promise<StartCancelJobResult> {
    if (request.session_id !== undefined) requirePathId('session_id', request.session_id);
    if (request.reference !== undefined) requirePathId('reference', request.reference);
    const call = { method: 'PUT', path: this.#job(jobId), body: request, signal } as const;
    const response = await this.#transport.send(call, ['job-exists', 'not-found']);
    if (response.problem === 'job-exists') return { outcome: 'taken' };
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    const job = response.body as unknown as CancelJob;
    return { outcome: response.status === 201 ? 'started' : 'unchanged', job };
  }

  /** Lists the newest 100 jobs of the account, newest first. */
  async listCancelJobs({ signal }: Optional = {}): Promise<readonly CancelJob[]> {
    const { body } = await this.#transport.send({ method: 'GET', path: `${this.#base}/cancel-jobs`, signal });
    return (body as unknown as CancelJobs).cancel_jobs;
  }

  /** Reads the progress of a job; `undefined` if there is no such job. */
  async cancelJob(jobId: string, { signal }: Optional = {}): Promise<CancelJob | undefined> {
    return this.#found(this.#job(jobId), {}, signal);
  }

  /** Stops a job for ever; `undefined` if there is no such job. */
  async stopCancelJob(jobId: string, { signal }: Optional = {}): Promise<CancelJob | undefined> {
    const response = await this.#transport.send({ method: 'DELETE', path: this.#job(jobId), signal }, [
      'not-found',
    ]);
    return response.problem === undefined ? (response.body as unknown as CancelJob) : undefined;
  }

  /** Lists the outcome of each request so far. A running job has more later. */
  async *cancelJobReport(jobId: string, { signal }: Optional = {}): AsyncGenerator<MemberOutcome, void> {
    for await (const page of this.#pages(`${this.#job(jobId)}/report`, {}, signal)) {
      yield* page as MemberOutcome[];
    }
  }

  async *#pages(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly unknown[], void> {
    let cursor: string | undefined;
    for (;;) {
      const { body } = await this.#transport.send({
        method: 'GET',
        path,
        query: { ...query, cursor },
        signal,
      });
      yield body['payment_requests'] as readonly unknown[];
      const next = body['next_cursor'];
      // A page that is not written yet names itself.
      if (typeof next !== 'string' || next === cursor) return;
      cursor = next;
    }
  }

  async #found<Found>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal | undefined,
  ): Promise<Found | undefined> {
    const response = await this.#transport.send({ method: 'GET', path, query, signal }, ['not-found']);
    return response.problem === undefined ? (response.body as Found) : undefined;
  }

  #request(id: string): string {
    return `${this.#base}/payment-requests/${segmentOf('payment_request_id', id)}`;
  }

  #session(id: string): string {
    return `${this.#base}/sessions/${segmentOf('session_id', id)}`;
  }

  #reference(reference: string): string {
    return `${this.#base}/references/${segmentOf('reference', reference)}`;
  }

  #job(id: string): string {
    return `${this.#base}/cancel-jobs/${segmentOf('job_id', id)}`;
  }
}

/** An id as a segment of a path. Throws where a path cannot carry it. */
function segmentOf(field: string, id: string): string {
  requirePathId(field, id);
  return encodeURIComponent(id);
}

/** An explicit `false` is sent, too: without `allow_completed`, the account decides. */
const flag = (value: boolean | undefined): string | undefined => value?.toString();

const recordIn = ({ body }: ApiResponse) => ({ record: body as unknown as PaymentRequestRecord });

const alreadyFinal = ({ body }: ApiResponse): AlreadyFinal => ({
  outcome: 'already_final',
  state: body['state'] as State,
});

function conflictOf(response: ApiResponse): AlreadyFinal | CancellationPending | undefined {
  if (response.problem === 'already-final') return alreadyFinal(response);
  return response.problem === 'cancellation-pending' ? { outcome: 'cancellation_pending' } : undefined;
}
