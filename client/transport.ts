import { AwsClient } from 'aws4fetch';
import { LapseProblem, LapseUnavailable } from './errors.ts';
import type { FieldError } from './responses.ts';

/** AWS credentials. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How calls are authorized: SigV4 with AWS credentials, a bearer token, or nothing, for a local system. */
export type Authorization =
  | {
      /** A function is called before every attempt, so temporary credentials may rotate. The SDK's providers cache by themselves. */
      readonly credentials: Credentials | (() => Promise<Credentials>);
      /** The region of the API, which SigV4 signs. */
      readonly region: string;
    }
  | {
      /** Returns a token. It is called before every attempt, because the token may expire between two. */
      readonly token: () => Promise<string>;
    }
  | 'none';

/** How calls are sent. */
export interface TransportOptions {
  /** The API's address, without a path. A slash at its end is ignored. */
  readonly url: string;
  /** Who calls. It has no default, so that a caller of a deployed API cannot forget it. */
  readonly authorization: Authorization;
  /**
   * Milliseconds for a call with all its attempts. API Gateway gives one attempt at most 30 seconds, so a larger budget buys more
   * attempts, and a smaller one suits a shopper who waits.
   *
   * @default 30000
   */
  readonly budgetMillis?: number;
  /**
   * Sends a request. Replace it to use a proxy or an agent of your own, or in a test.
   *
   * @default the global `fetch`
   */
  readonly fetch?: (request: Request) => Promise<Response>;
  /**
   * The time in milliseconds since 1970, by which the budget is counted. Replace it in a test.
   *
   * @default Date.now
   */
  readonly now?: () => number;
  /**
   * Waits between two attempts, and rejects when the signal aborts. Replace it in a test.
   *
   * @default a timer
   */
  readonly wait?: (millis: number, signal: AbortSignal | undefined) => Promise<void>;
  /**
   * A number in [0, 1), evenly distributed, for the jitter between attempts. Replace it in a test.
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/** One call of the API. */
export interface Call {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly body?: unknown;
  /** Whether a second call has no further effect. @default true */
  readonly isIdempotent?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A response that is an outcome: 2xx, or a problem that the caller of the transport named. */
export interface ApiResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The type of the problem, without its prefix. */
  readonly problem: string | undefined;
}

const longestPause = 5_000;
const firstPause = 200;

const statusesToTryAgain: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A 500 with a problem's type is the API's own: a person must correct something. A 500 without one is API Gateway's. */
const isTriedAgain = ({ status, problem }: ApiResponse): boolean =>
  statusesToTryAgain.has(status) || (status === 500 && problem === undefined);

/**
 * Sends one call. It sends it again after no response, 429, 502, 503, 504 and a 500 of API Gateway, with full jitter and not before
 * `Retry-After`. It does not repeat a 500 with a problem's type (`misconfigured`, `internal`).
 * A call that is not idempotent is sent again only after a 429: API Gateway rejected it. After any other failure it may have been
 * done. Resolves for a 2xx and for the problems in `outcomes`.
 *
 * @throws {LapseProblem} for any other refusal
 * @throws {LapseUnavailable} if the next attempt would be too late, or is not allowed
 */
export class Transport {
  readonly #options: Required<TransportOptions>;

  constructor(options: TransportOptions) {
    this.#options = {
      budgetMillis: 30_000,
      fetch: (request) => fetch(request),
      now: () => Date.now(),
      wait: pause,
      random: () => Math.random(),
      ...options,
    };
  }

  async send(call: Call, outcomes: readonly string[] = []): Promise<ApiResponse> {
    const { budgetMillis, now, random } = this.#options;
    const until = now() + budgetMillis;
    for (let attempts = 1; ; attempts += 1) {
      const reply = await this.#try(call, until - now());
      if (reply.kind === 'response') return judged(reply.reply, outcomes);
      const jitter = random() * Math.min(longestPause, firstPause * 2 ** attempts);
      const pause = Math.max(jitter, reply.retryAfterMillis);
      const mayBeDone = call.isIdempotent === false && reply.status !== 429;
      if (mayBeDone || now() + pause >= until) {
        const advice = mayBeDone
          ? 'It may have been done. A second call would count again.'
          : 'Repeating it is safe.';
        throw new LapseUnavailable(
          `${call.method} ${call.path}: ${reply.why}, after ${attempts} attempt${attempts === 1 ? '' : 's'}. ${advice}`,
          reply.status,
          reply.problem,
        );
      }
      await this.#options.wait(pause, call.signal);
    }
  }

  async #try(call: Call, millis: number): Promise<Reply> {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(millis)));
    const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
    const request = await this.#requestOf(call, signal);
    try {
      const response = await this.#options.fetch(request);
      const text = await response.text();
      const { status } = response;
      const reply = responseOf(status, text);
      if (isTriedAgain(reply)) {
        const { problem, detail } = reply;
        const why = `status ${status} (${detail})`;
        const retryAfter = Number(response.headers.get('retry-after') ?? 0);
        const retryAfterMillis = Number.isFinite(retryAfter) ? retryAfter * 1_000 : 0;
        return { kind: 'again', why, status, problem, retryAfterMillis };
      }
      return { kind: 'response', reply };
    } catch (error) {
      call.signal?.throwIfAborted();
      // Not the message: it may quote the address with what is in it.
      const why = `no response (${error instanceof Error ? error.name : 'unknown'})`;
      return { kind: 'again', why, status: undefined, problem: undefined, retryAfterMillis: 0 };
    }
  }

  async #requestOf({ method, path, query = {}, body }: Call, signal: AbortSignal): Promise<Request> {
    const url = new URL(`${this.#options.url.replace(/\/+$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const init = {
      method,
      signal,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const { authorization } = this.#options;
    if (authorization === 'none') return new Request(url, init);
    if ('token' in authorization) {
      const headers = { ...init.headers, authorization: `Bearer ${await authorization.token()}` };
      return new Request(url, { ...init, headers });
    }
    const { credentials, region } = authorization;
    const { accessKeyId, secretAccessKey, sessionToken } =
      typeof credentials === 'function' ? await credentials() : credentials;
    const aws = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      region,
      service: 'execute-api',
    });
    return aws.sign(url, init);
  }
}

/** Waits. Rejects with the signal's reason as soon as it aborts. */
async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, millis);
    signal?.addEventListener('abort', end);
  });
  signal?.throwIfAborted();
}

type Reply =
  | { readonly kind: 'response'; readonly reply: ApiResponse & { readonly detail: string } }
  | {
      readonly kind: 'again';
      readonly why: string;
      readonly status: number | undefined;
      readonly problem: string | undefined;
      readonly retryAfterMillis: number;
    };

const problemPrefix = 'urn:lapse:problem:';

function responseOf(status: number, text: string): ApiResponse & { readonly detail: string } {
  const body = jsonOf(text);
  const type = body['type'];
  const isProblem = status >= 400 && typeof type === 'string' && type.startsWith(problemPrefix);
  return {
    status,
    body,
    problem: isProblem ? type.slice(problemPrefix.length) : undefined,
    // API Gateway speaks for itself with a `message`.
    detail: textOf(body['detail']) ?? textOf(body['message']) ?? 'no detail',
  };
}

function judged(
  { detail, ...reply }: ApiResponse & { readonly detail: string },
  outcomes: readonly string[],
): ApiResponse {
  const { status, problem, body } = reply;
  if (status < 300 || (problem !== undefined && outcomes.includes(problem))) return reply;
  throw new LapseProblem(
    problem ?? 'http',
    status,
    detail,
    Array.isArray(body['errors']) ? (body['errors'] as readonly FieldError[]) : [],
  );
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
