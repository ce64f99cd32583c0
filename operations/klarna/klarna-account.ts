import type { Clock, Ids } from '../../functions/application/ports.ts';
import {
  agentFor,
  exchange,
  type HttpResponse,
  IncompleteExchange,
} from '../../functions/adapters/klarna/klarna-http.ts';
import { authorizationOf, pathSegment } from '../../functions/adapters/klarna/klarna-payment-requests.ts';
import {
  integrationMetadataHeader,
  integrationMetadataOf,
} from '../../functions/adapters/klarna/integration-metadata.ts';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import * as v from 'valibot';
import { UsageError } from '../usage-error.ts';
import { KlarnaError, type KlarnaFailure } from './klarna-error.ts';

/** How an account calls Klarna: its API key, the way to send it, and a client certificate. */
export interface KlarnaAccess {
  readonly apiKey: string;
  /** Undefined: the key is sent as it is. Empty or not: it is sent as base64 of `<username>:<key>`. */
  readonly username: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** Who calls, as the secret names them. @default this product alone */
  readonly integrator?: KlarnaCredentials['integrator'];
  readonly originators?: KlarnaCredentials['originators'];
}

/** What the calls need. */
export interface KlarnaAccountOptions {
  /** Klarna's address in this environment. */
  readonly url: string;
  readonly access: KlarnaAccess;
  readonly ids: Ids;
  readonly clock: Pick<Clock, 'now' | 'wait'>;
  /** How a request is sent. @default over the network */
  readonly send?: typeof exchange;
}

/** One call, without what every call has. */
interface Call {
  /** What it is to do, for an error. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(500));
const optionalText = v.fallback(v.optional(text), undefined);

const webhookSchema = v.object({
  webhook_id: text,
  url: text,
  event_types: v.array(text),
  event_version: v.fallback(text, ''),
  signing_key_id: v.fallback(text, ''),
  status: v.fallback(text, ''),
});

/** A subscription at Klarna. */
export type Webhook = v.InferOutput<typeof webhookSchema>;

/** What a subscription is made with. */
export type WebhookChoice = Omit<Webhook, 'webhook_id'>;

const signingKeySchema = v.object({ signing_key_id: text, created_at: optionalText });

/** A signing key at Klarna, without its secret. */
export type KlarnaSigningKey = v.InferOutput<typeof signingKeySchema>;

const apiKeySchema = v.object({
  credential_id: text,
  description: optionalText,
  state: optionalText,
  created_at: optionalText,
  last_used_at: optionalText,
});

/** An API key at Klarna, without its secret. */
export type KlarnaApiKey = v.InferOutput<typeof apiKeySchema>;

const certificateSchema = v.object({
  credential_id: text,
  description: optionalText,
  state: optionalText,
  created_at: optionalText,
  expires_at: optionalText,
  certificate: v.fallback(v.optional(v.string()), undefined),
});

/** A client certificate at Klarna. */
export type KlarnaCertificate = v.InferOutput<typeof certificateSchema>;

const addressesSchema = v.object({
  mode: optionalText,
  allowed_ips: v.fallback(v.optional(v.array(v.unknown()), []), []),
});

/** Klarna's view of the client certificate of a call, before it enforces one. */
export type CertificateStatus = 'NOT_PRESENT' | 'VALID' | 'INVALID' | undefined;

/** What a call without an effect shows about the access. */
export interface AccessReport {
  readonly status: number;
  readonly certificate: CertificateStatus;
  /** Klarna's view of the address of the call, such as `ALLOWED`; `undefined` where Klarna does not tell. */
  readonly address: string | undefined;
  /** The clock of Klarna minus the clock here, in milliseconds, to a second. `undefined` where Klarna does not tell. */
  readonly clockSkew: number | undefined;
}

/** Milliseconds for one exchange. Klarna's own limit is 59 seconds. */
const timeoutMillis = 20_000;

/** Pauses before a call that changes nothing is sent again after an unclear response. */
const pauses = [500, 2_000];

/** Milliseconds that a command waits for Klarna's rate limit, all in all. */
const longestPause = 60_000;

/** Klarna's limit of a description. */
const longestDescription = 255;

/** A code or id that may be shown: short, and not a text that a person has typed. */
const codePattern = /^[A-Za-z0-9_.:-]{1,80}$/;

const paths = {
  webhooks: '/v2/notification/webhooks',
  signingKeys: '/v2/notification/signing-keys',
  apiKeys: '/v2/account/integration/credentials/api-key',
  certificates: '/v2/account/integration/credentials/client-certificate',
  enforcement: '/v2/account/integration/client-certificates/enforcement',
  allowedAddresses: '/v2/account/integration/ip-restrictions/allowed-ips',
} as const;

/**
 * What an account manages at Klarna: webhooks, signing keys, API keys and client certificates
 * (https://docs.klarna.com, Webhooks, Account credentials and Configure mTLS).
 *
 * A call that changes nothing is repeated after an unclear response. Any other call is sent once, because Klarna may have performed it. A
 * refused call throws a {@link KlarnaError}. No error has a key, or a text of Klarna.
 */
export class KlarnaAccount {
  readonly #options: KlarnaAccountOptions;

  constructor(options: KlarnaAccountOptions) {
    this.#options = options;
  }

  /** The same account with another access. */
  with(access: Partial<KlarnaAccess>): KlarnaAccount {
    return new KlarnaAccount({ ...this.#options, access: { ...this.#options.access, ...access } });
  }

  /** Lists the webhooks to see whether the access is accepted. A refusal is a result here, and an unclear response an error. */
  check(): Promise<AccessReport> {
    return this.#report({ what: 'list webhooks', method: 'GET', path: paths.webhooks });
  }

  /**
   * Reads a Payment Request that cannot exist, to see whether the access may use the path. That is the path of an acquiring partner's
   * account, or the direct one. 404 says that it may.
   */
  checkPath(account: string | undefined): Promise<AccessReport> {
    const start = account === undefined ? '/v2' : `/v2/accounts/${pathSegment(account)}`;
    const id = 'krn:payment:eu1:request:00000000-0000-4000-8000-000000000000';
    return this.#report({
      what: 'read a Payment Request',
      method: 'GET',
      path: `${start}/payment/requests/${id}`,
    });
  }

  async webhooks(): Promise<readonly Webhook[]> {
    const call = { what: 'list webhooks', method: 'GET', path: paths.webhooks } as const;
    return this.#read(call, v.object({ webhooks: v.array(webhookSchema) })).then((list) => list.webhooks);
  }

  /** Subscribes. Klarna refuses an equal subscription with 409. */
  subscribe(choice: WebhookChoice): Promise<Webhook> {
    return this.#read(
      { what: 'subscribe a webhook', method: 'POST', path: paths.webhooks, body: choice },
      webhookSchema,
    );
  }

  changeWebhook(id: string, changes: Partial<WebhookChoice>): Promise<Webhook> {
    const path = `${paths.webhooks}/${pathSegment(id)}`;
    return this.#read({ what: 'change a webhook', method: 'PATCH', path, body: changes }, webhookSchema);
  }

  /** Deletes the webhook; one that does not exist counts as deleted. */
  deleteWebhook(id: string): Promise<void> {
    return this.#delete({ what: 'delete a webhook', path: `${paths.webhooks}/${pathSegment(id)}` });
  }

  /** Lets Klarna send a test delivery. Its ids belong to no Payment Request. */
  async simulate(id: string, eventType: string): Promise<void> {
    const path = `${paths.webhooks}/${pathSegment(id)}/simulate`;
    const body = { event_type: eventType, event_version: 'v2' };
    await this.#send({ what: 'fire a test delivery', method: 'POST', path, body });
  }

  async signingKeys(): Promise<readonly KlarnaSigningKey[]> {
    const call = { what: 'list signing keys', method: 'GET', path: paths.signingKeys } as const;
    const list = await this.#read(call, v.object({ signing_keys: v.array(signingKeySchema) }));
    return list.signing_keys;
  }

  /** Makes a signing key. Its secret is shown this once. */
  createSigningKey(): Promise<KlarnaSigningKey & { readonly signing_key: string }> {
    const call = { what: 'make a signing key', method: 'POST', path: paths.signingKeys } as const;
    return this.#read(call, v.object({ ...signingKeySchema.entries, signing_key: text }));
  }

  /** Deletes the signing key; one that does not exist counts as deleted. */
  deleteSigningKey(id: string): Promise<void> {
    return this.#delete({ what: 'delete a signing key', path: `${paths.signingKeys}/${pathSegment(id)}` });
  }

  async apiKeys(): Promise<readonly KlarnaApiKey[]> {
    const call = { what: 'list API keys', method: 'GET', path: paths.apiKeys } as const;
    const list = await this.#read(call, v.object({ credentials: v.array(apiKeySchema) }));
    return list.credentials;
  }

  /** Makes an API key. Its secret is shown this once. */
  async createApiKey(description: string): Promise<{ readonly id: string; readonly apiKey: string }> {
    const body = { description: description.slice(0, longestDescription) };
    const { credential_id: id, secret } = await this.#read(
      { what: 'make an API key', method: 'POST', path: paths.apiKeys, body },
      v.object({ credential_id: text, secret: v.object({ secret: text }) }),
    );
    return { id, apiKey: secret.secret };
  }

  /** Disables the API key for good; one that does not exist counts as disabled. */
  disableApiKey(id: string): Promise<void> {
    return this.#delete({ what: 'disable an API key', path: `${paths.apiKeys}/${pathSegment(id)}` });
  }

  async certificates(): Promise<readonly KlarnaCertificate[]> {
    const call = { what: 'list client certificates', method: 'GET', path: paths.certificates } as const;
    const list = await this.#read(call, v.object({ credentials: v.array(certificateSchema) }));
    return list.credentials;
  }

  /** Lets Klarna sign a certificate for mutual TLS. The request is in PEM. */
  createCertificate(signingRequest: string, description: string): Promise<KlarnaCertificate> {
    const config = { usage: 'MTLS', certificate_signing_request: signingRequest };
    const body = { description: description.slice(0, longestDescription), config };
    return this.#read(
      { what: 'make a client certificate', method: 'POST', path: paths.certificates, body },
      certificateSchema,
    );
  }

  /** From when Klarna requires a client certificate of this account; `undefined` for never. */
  async enforcedFrom(): Promise<string | undefined> {
    const call = {
      what: 'read the enforcement of client certificates',
      method: 'GET',
      path: paths.enforcement,
    } as const;
    const schema = v.object({ enforced_from: v.fallback(v.nullish(text), undefined) });
    const { enforced_from: from } = await this.#read(call, schema);
    return from ?? undefined;
  }

  /** Whether Klarna checks the addresses of calls, and how many it allows. */
  async allowedAddresses(): Promise<{ readonly mode: string | undefined; readonly count: number }> {
    const call = { what: 'read the allowed addresses', method: 'GET', path: paths.allowedAddresses } as const;
    const { mode, allowed_ips: allowed } = await this.#read(call, addressesSchema);
    return { mode, count: allowed.length };
  }

  /** Requires a client certificate of this account. @param from a time within three months, or `NOW` */
  async enforceCertificates(from: string): Promise<void> {
    const body = { enforced_from: from };
    await this.#send({ what: 'enforce client certificates', method: 'PUT', path: paths.enforcement, body });
  }

  async #read<Schema extends v.GenericSchema>(call: Call, schema: Schema): Promise<v.InferOutput<Schema>> {
    const { response, correlationId } = await this.#send(call);
    const parsed = v.safeParse(schema, readJson(response.body));
    if (parsed.success) return parsed.output;
    const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'body');
    throw new Error(
      `Klarna's response to: ${call.what}, cannot be read: ${fields.join(', ')}. (correlation id ${correlationId})`,
    );
  }

  async #delete(call: Omit<Call, 'method'>): Promise<void> {
    try {
      await this.#send({ ...call, method: 'DELETE' });
    } catch (error) {
      if (!(error instanceof KlarnaError && error.failure.status === 404)) throw error;
    }
  }

  async #report(call: Call): Promise<AccessReport> {
    const begin = this.#options.clock.now();
    const { response } = await this.#sendAny(call);
    if (response.status >= 500 || response.status === 429) throw failureOf(call, response, '-');
    const { headers } = response;
    const date = Date.parse(headers.date ?? '');
    return {
      status: response.status,
      certificate: certificateStatusIn(headers['klarna-mtls-verification-status']),
      address: codeIn(headers['klarna-ip-validation-status']),
      clockSkew: Number.isNaN(date) ? undefined : date - begin,
    };
  }

  /** Sends a call and throws unless Klarna performed it. */
  async #send(call: Call): Promise<{ readonly response: HttpResponse; readonly correlationId: string }> {
    const { response, correlationId } = await this.#sendAny(call);
    if (response.status < 200 || response.status > 299) throw failureOf(call, response, correlationId);
    return { response, correlationId };
  }

  /** Sends a call, and again where that cannot do harm: what changes nothing, and what the rate limit refused. */
  async #sendAny(call: Call): Promise<{ readonly response: HttpResponse; readonly correlationId: string }> {
    const { clock, ids } = this.#options;
    let paused = 0;
    for (let attempt = 0; ; attempt += 1) {
      const correlationId = ids.next();
      const pause = pauses[attempt];
      try {
        const response = await this.#exchange(call, correlationId);
        const wait = response.status === 429 ? (waitOf(response) ?? pause) : pause;
        const mayRepeat = response.status === 429 || (call.method === 'GET' && response.status >= 500);
        if (!mayRepeat || wait === undefined || paused + wait > longestPause)
          return { response, correlationId };
        paused += wait;
        await clock.wait(wait);
      } catch (error) {
        if (!(error instanceof IncompleteExchange)) throw error;
        if (call.method !== 'GET' || pause === undefined) {
          const { code } = error;
          throw new KlarnaError({ ...unknownFailure(call, correlationId), code }, { cause: error });
        }
        await clock.wait(pause);
      }
    }
  }

  async #exchange({ method, path, body }: Call, correlationId: string): Promise<HttpResponse> {
    const { url: base, access, send = exchange } = this.#options;
    const url = new URL(`${base.replace(/\/+$/, '')}${path}`);
    try {
      return await send({
        method,
        url,
        headers: {
          accept: 'application/json',
          authorization: authorizationOf(access),
          'partner-correlation-id': correlationId,
          [integrationMetadataHeader]: integrationMetadataOf(access),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        agent: agentFor(url.protocol, access),
        timeoutMillis,
      });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!code.startsWith('ERR_')) throw error;
      // Node refused to compose the request. Its message may quote a header.
      throw new UsageError(
        `No request can be sent to Klarna (${code}): check the API key and the certificate.`,
      );
    }
  }
}

const unknownFailure = ({ what }: Call, correlationId: string): KlarnaFailure => ({
  what,
  status: undefined,
  code: undefined,
  errorId: undefined,
  correlationId,
  parameters: [],
});

/** Both of Klarna's error envelopes. */
const parametersSchema = v.fallback(
  v.optional(v.array(v.object({ parameter: v.fallback(v.string(), '') })), []),
  [],
);

const errorSchema = v.fallback(
  v.object({
    error_id: optionalText,
    error_code: optionalText,
    errors: parametersSchema,
    validation_errors: parametersSchema,
  }),
  { error_id: undefined, error_code: undefined, errors: [], validation_errors: [] },
);

function failureOf(call: Call, { status, body }: HttpResponse, correlationId: string): KlarnaError {
  const { error_id, error_code, errors, validation_errors } = v.parse(errorSchema, readJson(body));
  return new KlarnaError({
    ...unknownFailure(call, correlationId),
    status,
    code: codeIn(error_code),
    errorId: codeIn(error_id),
    parameters: [...errors, ...validation_errors].flatMap(({ parameter }) => codeIn(parameter) ?? []),
  });
}

const codeIn = (given: string | readonly string[] | undefined): string | undefined =>
  typeof given === 'string' && codePattern.test(given) ? given : undefined;

const certificateStatuses = ['NOT_PRESENT', 'VALID', 'INVALID'] as const;

const certificateStatusIn = (given: string | readonly string[] | undefined): CertificateStatus =>
  certificateStatuses.find((status) => status === given);

/** Milliseconds that Klarna asks a limited caller to wait. */
function waitOf({ headers }: HttpResponse): number | undefined {
  const seconds = headers['retry-after'] ?? headers['x-ratelimit-reset'];
  return typeof seconds === 'string' && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}
