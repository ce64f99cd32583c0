import { AwsClient } from 'aws4fetch';
import { codeOf, ConnectionFault, isBeforeSending } from './connection-fault.ts';
import { LapseProblem, LapseUnavailable } from './errors.ts';
import { explainRefusal } from './forbidden.ts';
import { areCredentials, isText, type TransportOptions } from './options.ts';
import type { FieldError } from './responses.ts';
import { pause, unlessAborted } from './settle.ts';

/** One call of the API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly body?: unknown;
  /** Whether a second call has no further effect. @default true */
  readonly isIdempotent?: boolean;
  readonly idempotencyKey?: string | undefined;
  /** The tag of what the caller knows. The response is 304 while that is current. */
  readonly ifNoneMatch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response that is an outcome: 2xx, 304, or a problem that the caller of the transport named. */
export interface ApiResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The type of the problem, without its prefix. */
  readonly problem: string | undefined;
  /** The tag of the response, if it has one. */
  readonly etag: string | undefined;
}

const longestPause = 5_000;
const firstPause = 200;

const statusesToTryAgain: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A 500 with a problem's type is the API's own: a person must correct something. A 500 without one is API Gateway's. */
const isTriedAgain = ({ status, problem }: ApiResponse): boolean =>
  statusesToTryAgain.has(status) || (status === 500 && problem === undefined);

/** Options without a default. */
type AboutTheCaller = 'requestedBy' | 'traceparent';

/**
 * Sends one call. It sends it again after no response, 429, 502, 503, 504 and a 500 of API Gateway, with full jitter and not before
 * `Retry-After`. It does not repeat a 500 with a problem's type (`misconfigured`, `internal`).
 * It repeats a call that is not idempotent only where nothing was sent, or after a 429 of API Gateway. After any other failure the call
 * may have been done. Resolves for a 2xx, for a 304 and for the problems in `outcomes`.
 *
 * @throws {LapseProblem} for any other refusal
 * @throws {LapseUnavailable} if the next attempt would be too late, or is not allowed
 */
export class Transport {
  readonly #options: Required<Omit<TransportOptions, AboutTheCaller>> &
    Pick<TransportOptions, AboutTheCaller>;

  constructor({
    url,
    authorization,
    requestedBy,
    traceparent,
    budgetMillis = 30_000,
    attemptMillis = 10_000,
    fetch: send = (request) => fetch(request),
    now = () => Date.now(),
    wait = pause,
    random = () => Math.random(),
  }: TransportOptions) {
    this.#options = {
      url: url.replace(/\/+$/, ''),
      authorization,
      requestedBy,
      traceparent,
      budgetMillis,
      attemptMillis,
      fetch: send,
      now,
      wait,
      random,
    };
  }

  async send(call: Call, outcomes: readonly string[] = []): Promise<ApiResponse> {
    const { budgetMillis, attemptMillis, now, random, wait } = this.#options;
    const until = now() + budgetMillis;
    for (let attempts = 1; ; attempts += 1) {
      call.signal?.throwIfAborted();
      const reply = await this.#attempt(call, Math.min(attemptMillis, until - now()));
      if (reply.kind === 'response') return this.#judged(call, reply.reply, outcomes);
      const jitter = random() * Math.min(longestPause, firstPause * 2 ** attempts);
      const millis = Math.max(jitter, reply.retryAfterMillis);
      const mayBeDone = call.isIdempotent === false && reply.isSent && reply.status !== 429;
      if (mayBeDone || now() + millis >= until) {
        const advice = mayBeDone
          ? 'It may have been done. A second call would count again.'
          : 'Repeating it is safe.';
        throw new LapseUnavailable(
          `${call.method} ${call.path}: ${reply.why}, after ${attempts} attempt${attempts === 1 ? '' : 's'}. ${advice}`,
          { status: reply.status, type: reply.problem, cause: reply.cause },
        );
      }
      await wait(millis, call.signal);
    }
  }

  /** Settles within the time, whatever the provider of the credentials and `fetch` do. */
  async #attempt(call: Call, millis: number): Promise<Failure | Responded> {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(millis)));
    const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
    let isSent = false;
    try {
      const request = await this.#authorized(call, signal, timeout);
      if (!request) return withoutResponse(new ConnectionFault('AuthorizationTimeout'), false);
      isSent = true;
      const response = await unlessAborted(this.#options.fetch(request), signal);
      const reply = responseOf(response, await unlessAborted(response.text(), signal));
      return isTriedAgain(reply) ? tryAgain(reply, response.headers) : { kind: 'response', reply };
    } catch (error) {
      call.signal?.throwIfAborted();
      // Nothing but the provider fails before the request is sent. Its error is the caller's own.
      if (!isSent) throw error;
      const code = codeOf(error);
      return withoutResponse(new ConnectionFault(code), !isBeforeSending(code));
    }
  }

  /** The signed request; `undefined` where the credentials or the token took too long. */
  async #authorized(call: Call, signal: AbortSignal, timeout: AbortSignal): Promise<Request | undefined> {
    try {
      return await unlessAborted(this.#requestOf(call, signal), signal);
    } catch (error) {
      if (timeout.aborted && error === timeout.reason) return undefined;
      throw error;
    }
  }

  async #requestOf(
    { method, path, query = {}, body, idempotencyKey, ifNoneMatch }: Call,
    signal: AbortSignal,
  ): Promise<Request> {
    const { url: base, authorization, requestedBy, traceparent } = this.#options;
    const trace = traceparent?.();
    const url = new URL(`${base}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const init = {
      method,
      signal,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
        ...(trace !== undefined && /^[!-~]{1,512}$/.test(trace) && { traceparent: trace }),
        ...(method !== 'GET' && requestedBy !== undefined && { 'x-requested-by': requestedBy }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    if (authorization === 'none') return new Request(url, init);
    if ('token' in authorization) {
      const token: unknown = await authorization.token();
      if (!isText(token))
        throw new TypeError('authorization.token returned something else; allowed: a text without spaces.');
      return new Request(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
    }
    const { credentials: given, region } = authorization;
    const credentials = typeof given === 'function' ? await given() : given;
    if (!areCredentials(credentials))
      throw new TypeError(
        'authorization.credentials returned something else; allowed: an object with the texts accessKeyId and secretAccessKey, without spaces.',
      );
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const aws = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      region,
      service: 'execute-api',
    });
    return aws.sign(url, init);
  }

  #judged(call: Call, { detail, ...reply }: Reply, outcomes: readonly string[]): ApiResponse {
    const { status, problem, body } = reply;
    if (status < 300 || status === 304 || (problem !== undefined && outcomes.includes(problem))) return reply;
    const isGateways = problem === undefined && (status === 401 || status === 403);
    throw new LapseProblem(
      problem ?? 'http',
      status,
      isGateways ? explainRefusal(call, { status, detail }, this.#options) : detail,
      Array.isArray(body['errors']) ? (body['errors'] as readonly FieldError[]) : [],
    );
  }
}

type Reply = ApiResponse & { readonly detail: string };

interface Responded {
  readonly kind: 'response';
  readonly reply: Reply;
}

interface Failure {
  readonly kind: 'again';
  readonly why: string;
  readonly status: number | undefined;
  readonly problem: string | undefined;
  readonly retryAfterMillis: number;
  /** Whether the call may have reached the API. */
  readonly isSent: boolean;
  readonly cause: ConnectionFault | undefined;
}

function tryAgain({ status, problem, detail }: Reply, headers: Headers): Failure {
  const retryAfter = Number(headers.get('retry-after') ?? 0);
  return {
    kind: 'again',
    why: `status ${status} (${detail})`,
    status,
    problem,
    retryAfterMillis: Number.isFinite(retryAfter) ? retryAfter * 1_000 : 0,
    isSent: true,
    cause: undefined,
  };
}

const withoutResponse = (cause: ConnectionFault, isSent: boolean): Failure => ({
  kind: 'again',
  why: cause.message,
  status: undefined,
  problem: undefined,
  retryAfterMillis: 0,
  isSent,
  cause,
});

const problemPrefix = 'urn:lapse:problem:';

function responseOf({ status, headers }: Response, text: string): Reply {
  const body = jsonOf(text);
  const type = body['type'];
  const isProblem = status >= 400 && typeof type === 'string' && type.startsWith(problemPrefix);
  return {
    status,
    body,
    problem: isProblem ? type.slice(problemPrefix.length) : undefined,
    etag: headers.get('etag') ?? undefined,
    // API Gateway speaks for itself with a `message`.
    detail: textOf(body['detail']) ?? textOf(body['message']) ?? 'no detail',
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
