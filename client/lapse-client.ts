import type {
  CancelJob,
  CancelJobRequest,
  Deadline,
  History,
  ListFilter,
  MemberOutcome,
  PaymentRequestRecord,
  ReadRecord,
  Registration,
  Session,
  SessionOutcome,
  State,
} from './answers.ts';
import { type ApiResponse, Transport, type TransportOptions } from './transport.ts';

export type * from './answers.ts';
export { LapseError, LapseProblem, LapseUnavailable } from './errors.ts';
export type { FieldError } from './errors.ts';
export type { Authorization, Credentials } from './transport.ts';

export interface LapseClientOptions extends TransportOptions {
  /** The deployment's short name for the Klarna partner account. */
  readonly account: string;
}

interface Optional {
  readonly signal?: AbortSignal;
}

/** It is paid or has ended, and was left as it is. */
export interface AlreadyFinal {
  readonly outcome: 'already_final';
  readonly state: State;
}

/** Nothing is known of it; of a cancel: Klarna does not know it either. */
export interface NotFound {
  readonly outcome: 'not_found';
}

/** A cancel has been asked for, and its end is not known yet. */
export interface CancellationPending {
  readonly outcome: 'cancellation_pending';
}

interface WithRecord<Outcome extends string> {
  readonly outcome: Outcome;
  readonly record: PaymentRequestRecord;
}

/** `registered`: new. `updated`: the same again, or with another deadline. */
export type RegisterOutcome = WithRecord<'registered' | 'updated'> | AlreadyFinal | CancellationPending;

export type ExtendOutcome =
  | WithRecord<'updated'>
  | AlreadyFinal
  | CancellationPending
  | NotFound
  /** The account's limits, or Klarna's own expiry, do not allow it. */
  | { readonly outcome: 'extension_limit'; readonly allowed: string };

/** `pending`: Klarna's answer is not known yet; the record says so and the sweep settles it. */
export type CancelOutcome =
  WithRecord<'canceled' | 'already_canceled' | 'would_cancel' | 'pending'> | AlreadyFinal | NotFound;

/** `taken`: another job has this id. */
export type CancelJobOutcome =
  | { readonly outcome: 'started' | 'unchanged'; readonly job: CancelJob }
  | { readonly outcome: 'taken' }
  | NotFound;

/**
 * The API of one account. Expected refusals are outcomes; anything else is thrown as a `LapseError`. A call without an answer is
 * sent again, within its time: see `Transport`. So `updated`, `already_canceled` and `unchanged` may be the answer to a first call.
 */
export class LapseClient {
  readonly #transport: Transport;
  readonly #base: string;

  constructor({ account, ...options }: LapseClientOptions) {
    this.#transport = new Transport(options);
    this.#base = `/accounts/${encodeURIComponent(account)}`;
  }

  /** Starts the session's clock. */
  async register(
    id: string,
    registration: Registration,
    { signal }: Optional = {},
  ): Promise<RegisterOutcome> {
    const call = { method: 'PUT', path: this.#request(id), body: registration, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'cancellation-pending']);
    return (
      conflictOf(response) ?? {
        outcome: response.status === 201 ? 'registered' : 'updated',
        ...recordIn(response),
      }
    );
  }

  /**
   * Moves the end of a registered session, later or sooner. A `session_timeout` is counted from each call, so that it is not sent
   * again where it may have been done: a `deadline_at` is.
   */
  async extend(id: string, deadline: Deadline, { signal }: Optional = {}): Promise<ExtendOutcome> {
    const countsAnew = 'session_timeout' in deadline;
    const call = { method: 'PATCH', path: this.#request(id), body: deadline, countsAnew, signal } as const;
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

  /** What is known of it; `undefined` for nothing. With `refresh` Klarna is asked first, also of what nothing is known of. */
  async get(
    id: string,
    { refresh, signal }: Optional & { readonly refresh?: boolean } = {},
  ): Promise<ReadRecord | undefined> {
    const query = { refresh: refresh === true ? 'true' : undefined };
    return this.#found(this.#request(id), query, signal);
  }

  /** How it came to be so; `undefined` where nothing is known of it. */
  async history(id: string, { signal }: Optional = {}): Promise<History | undefined> {
    return this.#found(`${this.#request(id)}/history`, {}, signal);
  }

  /** Ends it at Klarna now, unless the customer has paid. */
  async cancel(
    id: string,
    {
      reason,
      allow_completed,
      dry_run,
      signal,
    }: Optional & {
      readonly reason?: string;
      readonly allow_completed?: boolean;
      readonly dry_run?: boolean;
    } = {},
  ): Promise<CancelOutcome> {
    const query = { reason, allow_completed: flag(allow_completed), dry_run: flag(dry_run) };
    const call = { method: 'DELETE', path: this.#request(id), query, signal } as const;
    const response = await this.#transport.send(call, ['already-final', 'not-found']);
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    if (response.problem === 'already-final') return alreadyFinal(response);
    const { outcome, ...record } = response.body as unknown as PaymentRequestRecord & {
      readonly outcome: 'canceled' | 'already_canceled' | 'would_cancel' | 'pending';
    };
    return { outcome, record };
  }

  /** A session with its Payment Requests; `undefined` where nothing is known of it. */
  async session(sessionId: string, { signal }: Optional = {}): Promise<Session | undefined> {
    return this.#found(this.#session(sessionId), {}, signal);
  }

  /** Ends what is open of a session and spares what is paid; `undefined` where nothing is known of it. */
  async cancelSession(
    sessionId: string,
    { reason, dry_run, signal }: Optional & { readonly reason?: string; readonly dry_run?: boolean } = {},
  ): Promise<SessionOutcome | undefined> {
    const query = { reason, dry_run: flag(dry_run) };
    const call = { method: 'DELETE', path: this.#session(sessionId), query, signal } as const;
    const response = await this.#transport.send(call, ['not-found']);
    return response.problem === undefined ? (response.body as unknown as SessionOutcome) : undefined;
  }

  /** Everything that passes the filter, newest first, asked for page by page as it is gone through. */
  async *list(
    filter: ListFilter = {},
    { signal }: Optional = {},
  ): AsyncGenerator<PaymentRequestRecord, void> {
    const { open, ...rest } = filter;
    const query = { ...rest, open: open === undefined ? undefined : String(open), limit: '100' };
    const path = `${this.#base}/payment-requests`;
    for await (const page of this.#pages(path, query, signal)) yield* page as PaymentRequestRecord[];
  }

  /** Starts a job that cancels many, or says what that would come to. The id is yours: the same id again is the same job. */
  async startCancelJob(
    jobId: string,
    request: CancelJobRequest,
    { signal }: Optional = {},
  ): Promise<CancelJobOutcome> {
    const call = { method: 'PUT', path: this.#job(jobId), body: request, signal } as const;
    const response = await this.#transport.send(call, ['job-exists', 'not-found']);
    if (response.problem === 'job-exists') return { outcome: 'taken' };
    if (response.problem === 'not-found') return { outcome: 'not_found' };
    const job = response.body as unknown as CancelJob;
    return { outcome: response.status === 201 ? 'started' : 'unchanged', job };
  }

  /** How far a job has come; `undefined` where there is none. */
  async cancelJob(jobId: string, { signal }: Optional = {}): Promise<CancelJob | undefined> {
    return this.#found(this.#job(jobId), {}, signal);
  }

  /** Stops a job for good; `undefined` where there is none. */
  async stopCancelJob(jobId: string, { signal }: Optional = {}): Promise<CancelJob | undefined> {
    const response = await this.#transport.send({ method: 'DELETE', path: this.#job(jobId), signal }, [
      'not-found',
    ]);
    return response.problem === undefined ? (response.body as unknown as CancelJob) : undefined;
  }

  /** What became of each request of a job so far; of a job that is running there will be more. */
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
    return `${this.#base}/payment-requests/${encodeURIComponent(id)}`;
  }

  #session(id: string): string {
    return `${this.#base}/sessions/${encodeURIComponent(id)}`;
  }

  #job(id: string): string {
    return `${this.#base}/cancel-jobs/${encodeURIComponent(id)}`;
  }
}

const flag = (value: boolean | undefined): string | undefined => (value === true ? 'true' : undefined);

const recordIn = ({ body }: ApiResponse) => ({ record: body as unknown as PaymentRequestRecord });

const alreadyFinal = ({ body }: ApiResponse): AlreadyFinal => ({
  outcome: 'already_final',
  state: body['state'] as State,
});

function conflictOf(response: ApiResponse): AlreadyFinal | CancellationPending | undefined {
  if (response.problem === 'already-final') return alreadyFinal(response);
  return response.problem === 'cancellation-pending' ? { outcome: 'cancellation_pending' } : undefined;
}
