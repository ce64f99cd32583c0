import type { Ids, KlarnaExpiry, KlarnaPaymentRequests } from '../../application/ports.ts';
import type { KlarnaCredentials } from '../../domain/account-settings.ts';
import type { KlarnaResponse } from '../../domain/klarna-response.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import type { PaymentRequestId, SessionId } from '../../domain/identifiers.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { traceIdOf, traceparentOf } from '../../domain/trace.ts';
import { integrationMetadataHeader, integrationMetadataOf } from './integration-metadata.ts';
import { noResponse, readResponse } from './klarna-response.ts';
import { UpdateVerbs } from './update-verbs.ts';
import { agentFor, exchange, type HttpRequest, IncompleteExchange } from './klarna-http.ts';

/** What the calls to Klarna need. */
export interface KlarnaOptions {
  /** The base URL of each of Klarna's environments. */
  readonly urls: Readonly<Record<KlarnaCredentials['environment'], string>>;
  readonly ids: Ids;
  /** The trace that a call continues. @default that of its Payment Request */
  readonly currentTraceId?: () => string | undefined;
  /** The agent for a protocol and an account's credentials. @default one agent per client certificate and key */
  readonly agentOf?: typeof agentFor;
  /** Which verb Klarna takes for updates. @default found out by this process alone */
  readonly verbs?: UpdateVerbs;
}

/** One call, without what every call has. */
interface Call {
  readonly method: HttpRequest['method'];
  readonly body?: string;
  readonly sessionId?: SessionId | undefined;
}

/**
 * Klarna's Payment Request API, version 2. An account with a `partner_account_id` uses the acquiring partner's paths, any other
 * the direct ones (https://docs.klarna.com/acquirer/klarna/web-payments/integrate-with-klarna-payments/).
 */
export class HttpKlarnaPaymentRequests implements KlarnaPaymentRequests, KlarnaExpiry {
  readonly #options: KlarnaOptions;
  readonly #verbs: UpdateVerbs;

  constructor(options: KlarnaOptions) {
    this.#options = options;
    this.#verbs =
      options.verbs ?? new UpdateVerbs({ clock: { now: () => Date.now() }, onFault: () => undefined });
  }

  read(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
    sessionId?: SessionId,
  ): Promise<KlarnaResponse> {
    return this.#callRepeatable({ method: 'GET', sessionId }, credentials, id, timeoutMillis);
  }

  /** Sent once: only the use case knows whether another DELETE is allowed. */
  cancel(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
    sessionId?: SessionId,
  ): Promise<KlarnaResponse> {
    return this.#call({ method: 'DELETE', sessionId }, credentials, id, timeoutMillis).then(
      ({ response }) => response,
    );
  }

  /**
   * Sent without an idempotency key, which Klarna would take: a deadline may move there and back within the day for which Klarna
   * remembers a key. The old response would then stand for a change that was not made.
   */
  moveExpiry(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    expiresAt: Instant,
    { timeoutMillis, sessionId }: Parameters<KlarnaExpiry['moveExpiry']>[3],
  ): Promise<KlarnaResponse> {
    const timestamp = formatInstant(expiresAt);
    const body = JSON.stringify({ customer_interaction_config: { interaction_expiry: { timestamp } } });
    const begin = performance.now();
    return this.#verbs.send(credentials.credential, (method) => {
      const left = Math.max(1, timeoutMillis - (performance.now() - begin));
      return this.#callRepeatable({ method, body, sessionId }, credentials, id, left);
    });
  }

  /**
   * A call that has the same effect when it is repeated. It is repeated once, at once, where an open connection was closed: the
   * peer may have closed it while the process was frozen.
   */
  async #callRepeatable(
    call: Call,
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
  ): Promise<KlarnaResponse> {
    const begin = performance.now();
    const first = await this.#call(call, credentials, id, timeoutMillis);
    const left = timeoutMillis - (performance.now() - begin);
    if (!first.wasClosed || left <= 0) return first.response;
    return (await this.#call(call, credentials, id, left)).response;
  }

  async #call(
    { method, body, sessionId }: Call,
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
  ): Promise<{ readonly response: KlarnaResponse; readonly wasClosed: boolean }> {
    const correlationId = this.#options.ids.next();
    const asked = { method, correlation_id: correlationId };
    const { partnerAccountId, environment } = credentials;
    const { agentOf = agentFor, currentTraceId } = this.#options;
    const traceId = currentTraceId?.() ?? traceIdOf(id);
    const account = partnerAccountId === undefined ? '' : `/accounts/${pathSegment(partnerAccountId)}`;
    const url = new URL(`${this.#options.urls[environment]}/v2${account}/payment/requests/${id}`);
    const headers = {
      accept: 'application/json',
      authorization: authorizationOf(credentials),
      'partner-correlation-id': correlationId,
      traceparent: traceparentOf(traceId, correlationId.slice(0, 16)),
      [integrationMetadataHeader]: integrationMetadataOf(credentials, sessionId),
    };
    const agent = agentOf(url.protocol, credentials);
    try {
      const response = await exchange({ method, url, headers, body, agent, timeoutMillis });
      return { response: readResponse(response, id, asked), wasClosed: false };
    } catch (error) {
      if (isLocal(error)) throw new ConfigurationError(`No request can be sent to Klarna: ${error.code}.`);
      // Anything else is a bug of ours, of which Klarna knows nothing.
      if (!(error instanceof IncompleteExchange)) throw error;
      return { response: noResponse(error, asked), wasClosed: error.wasClosed };
    }
  }
}

/**
 * Whether Node refused to compose the request or to open a TLS context, so that nothing was sent
 * (https://nodejs.org/api/errors.html#nodejs-error-codes). That is a fault of ours, and Klarna cannot have acted on it. The code
 * has no value of a setting.
 */
const isLocal = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^ERR_(INVALID|UNESCAPED|HTTP_INVALID|OSSL)/.test(error.code);

/** Klarna writes the colons of its ids as they are, and a path may have them. */
export const pathSegment = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':');

/**
 * Base64 of `<username>:<key>` where there is a user name, even an empty one. Else the key as it is, as Klarna's cancel page shows
 * it.
 */
export const authorizationOf = ({
  username,
  apiKey,
}: Pick<KlarnaCredentials, 'username' | 'apiKey'>): string =>
  username === undefined
    ? `Basic ${apiKey}`
    : `Basic ${Buffer.from(`${username}:${apiKey}`, 'utf8').toString('base64')}`;
