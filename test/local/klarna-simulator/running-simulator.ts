import { onTestFinished } from 'vitest';
import type { ConfigurationInput } from '../../../local/klarna-simulator/configuration.ts';
import { startKlarnaSimulator } from '../../../local/klarna-simulator/klarna-simulator.ts';

/** The account whose requests the tests create. */
export const account = 'krn:partner:global:account:test:M4CIYH2N';

const signingKeyId = 'krn:partner:global:notification:signing-key:test-1';
export const signingKey = 'simulator-test-signing-key';

/** A configuration that subscribes a URL to every event. */
export const subscribed = (url: string): ConfigurationInput => ({
  signingKeys: { [signingKeyId]: signingKey },
  webhooks: [{ url, signing_key_id: signingKeyId, event_types: ['payment.*'] }],
});

export interface JsonResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the body is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Calls a simulator over HTTP, as a partner and as a test. */
export class SimulatorClient {
  readonly url: string;
  readonly #authorization: string;

  constructor(url: string, authorization = 'Basic any-key') {
    this.url = url;
    this.#authorization = authorization;
  }

  /** Calls Klarna's API. */
  async api(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonResponse> {
    return this.#call(method, path, body, { authorization: this.#authorization, ...headers });
  }

  /** Calls the control surface. */
  async control(method: string, path: string, body?: unknown): Promise<JsonResponse> {
    return this.#call(method, `/_simulator${path}`, body, {});
  }

  /** Creates a request at Klarna without a webhook; returns its id. */
  async place(fields: Fields = {}): Promise<string> {
    const { json } = await this.control('POST', '/payment-requests', {
      partner_account_id: account,
      ...fields,
    });
    return String(json['payment_request_id']);
  }

  do(id: string, action: string, body: unknown = {}): Promise<JsonResponse> {
    return this.control('POST', `/payment-requests/${id}/${action}`, body);
  }

  read(id: string): Promise<JsonResponse> {
    return this.api('GET', pathOf(id));
  }

  cancel(id: string): Promise<JsonResponse> {
    return this.api('DELETE', pathOf(id));
  }

  fault(fields: Fields): Promise<JsonResponse> {
    return this.control('POST', '/faults', fields);
  }

  /** A list of the control surface, such as `calls`. */
  async list(name: 'calls' | 'deliveries' | 'faults' | 'payment-requests'): Promise<readonly Fields[]> {
    const { json } = await this.control('GET', `/${name}`);
    return json[name.replaceAll('-', '_')] as readonly Fields[];
  }

  async #call(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<JsonResponse> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: objectOf(text) };
  }
}

/** The path of a request for the acquiring partner. */
export const pathOf = (id: string, owner = account): string =>
  `/v2/accounts/${encodeURIComponent(owner)}/payment/requests/${id}`;

/** Starts a simulator in this process for the length of a test. */
export async function startSimulator(configuration: ConfigurationInput = {}): Promise<SimulatorClient> {
  const simulator = await startKlarnaSimulator({ configuration });
  onTestFinished(() => simulator.close());
  return new SimulatorClient(simulator.url);
}

function objectOf(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return {};
  }
}
