import type { Ids, KlarnaExpiry, KlarnaPaymentRequests } from '../../application/ports.ts';
import type { KlarnaCredentials } from '../../domain/account-settings.ts';
import type { KlarnaResponse } from '../../domain/klarna-response.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import type { PaymentRequestId } from '../../domain/identifiers.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { noResponse, readResponse } from './klarna-response.ts';
import { agentFor, exchange } from './klarna-http.ts';

export interface KlarnaOptions {
  /** Base URL of each of Klarna's environments. */
  readonly urls: Readonly<Record<KlarnaCredentials['environment'], string>>;
  readonly ids: Ids;
  /** Who connects, of an URL's protocol and an account's credentials. Default: one agent for each client certificate. */
  readonly agentOf?: typeof agentFor;
}

/**
 * Klarna's Payment Request API, version 2: the acquiring partner's paths where the account has a `partner_account_id`, the
 * direct ones where it has none (https://docs.klarna.com/acquirer/klarna/web-payments/integrate-with-klarna-payments/).
 */
export class HttpKlarnaPaymentRequests implements KlarnaPaymentRequests, KlarnaExpiry {
  readonly #options: KlarnaOptions;

  constructor(options: KlarnaOptions) {
    this.#options = options;
  }

  read(credentials: KlarnaCredentials, id: PaymentRequestId, timeoutMillis: number): Promise<KlarnaResponse> {
    return this.#ask('GET', credentials, id, timeoutMillis);
  }

  cancel(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
  ): Promise<KlarnaResponse> {
    return this.#ask('DELETE', credentials, id, timeoutMillis);
  }

  /**
   * Without an idempotency key, which Klarna would take: a deadline may be moved there and back within the day for which
   * Klarna remembers a key, and its old answer would then stand for a change that was not made.
   */
  moveExpiry(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    expiresAt: Instant,
    timeoutMillis: number,
  ): Promise<KlarnaResponse> {
    const timestamp = formatInstant(expiresAt);
    const body = { customer_interaction_config: { interaction_expiry: { timestamp } } };
    return this.#ask('PATCH', credentials, id, timeoutMillis, JSON.stringify(body));
  }

  async #ask(
    method: 'GET' | 'DELETE' | 'PATCH',
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    timeoutMillis: number,
    body?: string,
  ): Promise<KlarnaResponse> {
    const correlationId = this.#options.ids.next();
    const asked = { method, correlation_id: correlationId };
    const { partnerAccountId, environment } = credentials;
    const { agentOf = agentFor } = this.#options;
    const account = partnerAccountId === undefined ? '' : `/accounts/${pathSegment(partnerAccountId)}`;
    const url = new URL(`${this.#options.urls[environment]}/v2${account}/payment/requests/${id}`);
    const headers = {
      accept: 'application/json',
      authorization: authorizationOf(credentials),
      'partner-correlation-id': correlationId,
    };
    try {
      const response = await exchange(
        method,
        url,
        headers,
        agentOf(url.protocol, credentials),
        timeoutMillis,
        body,
      );
      return readResponse(response, id, asked);
    } catch (error) {
      if (isLocal(error)) throw new ConfigurationError(`No request can be sent to Klarna: ${error.code}.`);
      return noResponse(error, asked);
    }
  }
}

/**
 * Whether Node refused to compose the request or to open a TLS context, so that nothing was sent: a fault of ours, and never one
 * that Klarna may have acted on (https://nodejs.org/api/errors.html#nodejs-error-codes). The code names no value.
 */
const isLocal = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^ERR_(INVALID|UNESCAPED|HTTP_INVALID|OSSL)/.test(error.code);

/** Klarna writes the colons of its ids as they are, and they may stand in a path. */
const pathSegment = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':');

/**
 * Base64 of `<username>:<key>` where there is a user name, the empty one included, else the key as it is, as Klarna's
 * cancel page shows it.
 */
const authorizationOf = ({ username, apiKey }: KlarnaCredentials): string =>
  username === undefined
    ? `Basic ${apiKey}`
    : `Basic ${Buffer.from(`${username}:${apiKey}`, 'utf8').toString('base64')}`;
