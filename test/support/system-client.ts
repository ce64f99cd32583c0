import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { sign } from '../../functions/webhook/klarna-signature.ts';
import { contractViolations } from './api-contract.ts';
import { eventSchemas } from './event-contract.ts';
import { violations } from './json-schema.ts';
import type { Addresses } from './local-process.ts';
import { type Target, withDefaults } from './target.ts';

/** A response with its parsed JSON body. */
export interface SystemResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A new Payment Request id. */
export const newPaymentRequestId = (): string => `krn:payment:eu1:request:${randomUUID()}`;

/**
 * The calls of a cancel, joined by a space: reads, and one DELETE. A read follows it where its response is late, as on a busy machine.
 * Another message about the request may also read it beside the claim.
 */
export const oneCancel = /^(?:GET )+DELETE(?: GET)*$/;

/** Drives a running system over HTTP as the shop, Klarna, Klarna's customer and the operator. */
export class SystemClient {
  readonly #target: Target;

  /** @param target a target, or the addresses of a local system that has all defaults. */
  constructor(target: Target | Addresses) {
    this.#target = 'account' in target ? target : withDefaults(target);
  }

  get #simulator(): { readonly klarna: string } {
    if (!this.#target.simulator) throw new Error('This scenario needs the Klarna simulator.');
    return this.#target.simulator;
  }

  get #control(): string {
    if (this.#target.control === undefined) throw new Error('This scenario needs a local system.');
    return this.#target.control;
  }

  /** Calls the API. `path` follows the account. Throws if the response differs from docs/api.yaml. */
  async api(
    method: string,
    path: string,
    body?: unknown,
    account = this.#target.account,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<SystemResponse> {
    const whole = `/accounts/${account}${path}`;
    const reply = await responseOf(
      await this.#target.fetch(`${this.#target.api}${whole}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && {
          body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        }),
      }),
    );
    const wrong = contractViolations(method, whole.replace(/\?.*/s, ''), {
      status: reply.status,
      contentType: reply.headers.get('content-type'),
      retryAfter: reply.headers.get('retry-after'),
      body: reply.status === 304 ? null : reply.body,
    });
    if (wrong.length > 0) throw new Error(`${method} ${whole} is not as documented: ${wrong.join('; ')}`);
    return reply;
  }

  register(id: string, body: unknown): Promise<SystemResponse> {
    return this.api('PUT', `/payment-requests/${id}`, body);
  }

  cancel(id: string, query = ''): Promise<SystemResponse> {
    return this.api('DELETE', `/payment-requests/${id}${query}`);
  }

  async record(id: string): Promise<Record<string, unknown>> {
    return (await this.api('GET', `/payment-requests/${id}`)).body;
  }

  /** Makes a Payment Request at the simulator, as the shop's checkout would, and returns its id. */
  async createAtKlarna(fields: Record<string, unknown> = {}): Promise<string> {
    const { body } = await this.simulator('POST', '/payment-requests', {
      partner_account_id: this.#target.subjectAccountId,
      ...fields,
    });
    return String(body['payment_request_id']);
  }

  /** An action of the customer (start, approve, decline, step-back, abandon) or of Klarna (expire, delete). */
  async customer(id: string, action: string): Promise<void> {
    const { status, body } = await this.simulator('POST', `/payment-requests/${id}/${action}`, {});
    if (status >= 300) throw new Error(`${action}: ${status} ${JSON.stringify(body)}`);
  }

  async simulator(method: string, path: string, body?: unknown): Promise<SystemResponse> {
    return call(method, `${this.#simulator.klarna}/_simulator${path}`, body);
  }

  /** The methods of the calls that Klarna received for a request, oldest first. */
  async callsAtKlarna(id: string): Promise<readonly string[]> {
    const { body } = await this.simulator('GET', '/calls');
    const calls = (Array.isArray(body) ? body : body['calls']) as {
      payment_request_id?: string;
      method: string;
    }[];
    return calls.filter((made) => made.payment_request_id === id).map(({ method }) => method);
  }

  /** Delivers a webhook. It is correctly signed unless the options say otherwise. */
  async deliver(
    id: string,
    state: string,
    options: {
      readonly occurredAt?: string;
      readonly eventId?: string;
      readonly key?: { readonly id: string; readonly key: string };
      readonly metadata?: Record<string, unknown>;
      readonly payload?: Record<string, unknown>;
      readonly headers?: Record<string, string>;
    } = {},
  ): Promise<SystemResponse> {
    const payload = { payment_request_id: id, state, ...options.payload };
    const metadata = {
      event_id: options.eventId ?? randomUUID(),
      event_type: `payment.request.state-change.${state.toLowerCase().replaceAll('_', '-')}`,
      event_version: 'v2',
      occurred_at: options.occurredAt ?? new Date().toISOString(),
      subject_account_id: this.#target.subjectAccountId,
      live: false,
      ...options.metadata,
    };
    return this.post(JSON.stringify({ metadata, payload }), options.key, options.headers);
  }

  /** Posts raw bytes to the webhook, signed. */
  async post(
    body: string | Uint8Array,
    key: { readonly id: string; readonly key: string } = this.#target.signingKey,
    headers: Record<string, string> = {},
  ): Promise<SystemResponse> {
    const bytes = Buffer.from(body);
    return responseOf(
      await this.#target.fetchWebhook(this.#target.webhook, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'klarna-signing-key-id': key.id,
          'klarna-signature': sign(bytes, key.key),
          ...headers,
        },
        body: bytes,
      }),
    );
  }

  /** All published events. Throws if one does not fit its schema. */
  async events(): Promise<readonly Record<string, unknown>[]> {
    const text = await (await fetch(`${this.#control}/events`)).text();
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const event = JSON.parse(line) as Record<string, unknown>;
        const schema = eventSchemas.get(String(event['detail-type']));
        const wrong = schema ? violations(schema, event) : ['there is no schema for it'];
        if (wrong.length > 0) throw new Error(`${line}\nis not as published: ${wrong.join('; ')}`);
        return event;
      });
  }

  control(method: string, path: string, body?: unknown): Promise<SystemResponse> {
    return call(method, `${this.#control}${path}`, body);
  }

  /** Reads until the record is as wanted. Fails with the last record. */
  async until(
    id: string,
    wanted: (record: Record<string, unknown>) => boolean,
    withinMillis = 30_000,
  ): Promise<Record<string, unknown>> {
    const end = Date.now() + withinMillis;
    for (;;) {
      await this.#target.sweep?.();
      const record = await this.record(id);
      if (wanted(record)) return record;
      if (Date.now() > end) throw new Error(`not as wanted in ${withinMillis} ms: ${JSON.stringify(record)}`);
      await wait(50);
    }
  }
}

const call = async (method: string, url: string, body?: unknown): Promise<SystemResponse> =>
  responseOf(
    await fetch(url, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    }),
  );

async function responseOf(response: Response): Promise<SystemResponse> {
  const text = await response.text();
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    body = { text };
  }
  return { status: response.status, headers: response.headers, body };
}
