import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentFor } from '../../../functions/adapters/klarna/klarna-http.ts';
import { HttpKlarnaPaymentRequests } from '../../../functions/adapters/klarna/klarna-payment-requests.ts';
import { ConfigurationError } from '../../../functions/domain/configuration-error.ts';
import type { KlarnaCredentials } from '../../../functions/domain/account-settings.ts';
import { integrationMetadataOf } from '../../../functions/adapters/klarna/integration-metadata.ts';
import type { SessionId } from '../../../functions/domain/identifiers.ts';
import type { KlarnaResponse } from '../../../functions/domain/klarna-response.ts';
import { traceIdOf } from '../../../functions/domain/trace.ts';
import { at, key } from '../../support/fixtures.ts';
import {
  type Behaviour,
  responding,
  breakingOff,
  dripping,
  hanging,
  halfClosing,
  pouring,
  repeating,
  resetting,
  sending,
  servingOnce,
  startMisbehavingServer,
} from '../../support/misbehaving-server.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { CountingIds } from '../../support/virtual-clock.ts';

const id = key.paymentRequestId;
const credentials: KlarnaCredentials = {
  credential: 'shop-se',
  rateShare: 1,
  environment: 'test',
  apiKey: planted.apiKey,
  username: undefined,
  partnerAccountId: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
};

let server: Awaited<ReturnType<typeof startMisbehavingServer>>;
let klarna: HttpKlarnaPaymentRequests;

beforeAll(async () => {
  server = await startMisbehavingServer();
  klarna = new HttpKlarnaPaymentRequests({
    urls: { test: server.url, live: 'http://127.0.0.1:1' },
    ids: new CountingIds(),
  });
});
afterAll(() => server.close());

const read = (its: Partial<KlarnaCredentials> = {}, limit = 2000) =>
  klarna.read({ ...credentials, ...its }, id, limit);
const cancel = (its: Partial<KlarnaCredentials> = {}, limit = 2000) =>
  klarna.cancel({ ...credentials, ...its }, id, limit);

const moveExpiry = (its: Partial<KlarnaCredentials> = {}, limit = 2000) =>
  klarna.moveExpiry({ ...credentials, ...its }, id, at('2026-03-01T12:30:00Z'), { timeoutMillis: limit });

/** Klarna's object with data that Lapse must not keep. */
const shown = (fields: Readonly<Record<string, unknown>> = {}) => ({
  payment_request_id: id,
  state: 'SUBMITTED',
  state_context: { klarna_network_session_token: planted.token },
  customer: { name: planted.name, email: planted.email },
  ...fields,
});

async function responseTo(
  behaviour: Parameters<typeof server.behaves>[0],
  limit?: number,
): Promise<KlarnaResponse> {
  server.behaves(behaviour);
  const response = await read({}, limit);
  expect(plantedIn(JSON.stringify(response))).toEqual([]);
  for (const value of Object.values(response.proof)) expect(value).toBeTypeOf('string');
  return response;
}

describe('a request to Klarna', () => {
  it.each([
    ['read', 'GET'],
    ['cancel', 'DELETE'],
  ] as const)(
    '%s is a %s without a body, with a correlation id of 32 hexadecimal characters',
    async (act, method) => {
      server.behaves(responding(200, shown()));
      const { proof } = await (act === 'read' ? read() : cancel());
      expect(server.requests).toMatchObject([{ method, url: `/v2/payment/requests/${id}`, body: '' }]);
      const headers: IncomingHttpHeaders = server.requests[0]?.headers ?? {};
      expect(headers['partner-correlation-id']).toMatch(/^[0-9a-f]{32}$/);
      const parentId = String(headers['partner-correlation-id']).slice(0, 16);
      expect(headers['traceparent']).toBe(`00-${traceIdOf(id)}-${parentId}-01`);
      expect(headers.accept).toBe('application/json');
      expect([headers['content-length'], headers['transfer-encoding'], headers['content-type']]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(headers).not.toHaveProperty('klarna-idempotency-key');
      expect(proof).toEqual({
        method,
        correlation_id: headers['partner-correlation-id'],
        status: '200',
      });
    },
  );

  it('moveExpiry is a PUT of the expiry only, without an idempotency key', async () => {
    server.behaves(responding(200, shown({ expires_at: '2026-03-01T12:30:00Z' })));
    const response = await klarna.moveExpiry(credentials, id, at('2026-03-01T12:30:00.5Z'), {
      timeoutMillis: 2000,
    });
    expect(response).toMatchObject({
      kind: 'payment_request',
      expiresAt: at('2026-03-01T12:30:00Z'),
      proof: { method: 'PUT', status: '200' },
    });
    expect(server.requests).toMatchObject([{ method: 'PUT', url: `/v2/payment/requests/${id}` }]);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      customer_interaction_config: { interaction_expiry: { timestamp: '2026-03-01T12:30:00.5Z' } },
    });
    const { headers } = server.requests[0] ?? {};
    expect(headers?.['content-type']).toBe('application/json');
    expect(headers).not.toHaveProperty('klarna-idempotency-key');
  });

  it('every request says who calls, and for which session', async () => {
    server.behaves(responding(200, shown()));
    const session = 'cart-17' as SessionId;
    const its = { ...credentials, integrator: 'ACME_PAYMENTS' };
    await klarna.read(its, id, 2000, session);
    await klarna.cancel(its, id, 2000, session);
    await klarna.moveExpiry(its, id, at('2026-03-01T12:30:00Z'), { timeoutMillis: 2000, sessionId: session });
    await klarna.read(its, id, 2000);
    const told = server.requests.map(({ headers }) => String(headers['klarna-integration-metadata']));
    expect(told).toEqual([
      ...Array.from({ length: 3 }, () => integrationMetadataOf(its, session)),
      integrationMetadataOf(its),
    ]);
    expect(plantedIn(told.join())).toEqual([]);
  });

  it.each([
    [{ 'klarna-mtls-verification-status': 'INVALID' }, { certificate: 'INVALID' }],
    [{ 'klarna-ip-validation-status': 'DENIED' }, { address: 'DENIED' }],
    [
      { 'klarna-mtls-verification-status': 'VALID', 'klarna-ip-validation-status': 'ALLOWED' },
      { certificate: 'VALID', address: 'ALLOWED' },
    ],
    [{ 'klarna-mtls-verification-status': planted.text, 'klarna-ip-validation-status': '' }, undefined],
    [{}, undefined],
  ])('a response with the headers %j has the checks %j', async (headers, checks) => {
    server.behaves(responding(404, {}, headers));
    expect((await read()).checks).toEqual(checks);
  });

  it('each request has its own correlation id', async () => {
    server.behaves(responding(200, shown()));
    await read();
    await read();
    expect(new Set(server.requests.map(({ headers }) => headers['partner-correlation-id'])).size).toBe(2);
  });

  it.each([
    [
      'an acquiring partner',
      'krn:partner:global:account:test:M48JWZF8',
      '/v2/accounts/krn:partner:global:account:test:M48JWZF8/payment/requests/',
    ],
    [
      'an id with characters of a path in it',
      'a/../b?c#d',
      '/v2/accounts/a%2F..%2Fb%3Fc%23d/payment/requests/',
    ],
  ])('a request for %s uses the path of the partner account', async (_, partnerAccountId, path) => {
    server.behaves(responding(200, shown()));
    await read({ partnerAccountId });
    await cancel({ partnerAccountId });
    expect(server.requests.map(({ url }) => url)).toEqual([path + id, path + id]);
  });

  it.each([
    ['the API key', undefined, `Basic ${planted.apiKey}`],
    ['base64 of the user name and the key', 'user-1', `Basic ${btoa(`user-1:${planted.apiKey}`)}`],
    ['base64 of an empty user name and the key', '', `Basic ${btoa(`:${planted.apiKey}`)}`],
  ])('the Authorization header is %s', async (_, username, authorization) => {
    server.behaves(responding(200, shown()));
    await read({ username });
    await cancel({ username });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      authorization,
      authorization,
    ]);
  });

  it('a request goes to the environment of the account', async () => {
    server.behaves(responding(200, shown()));
    expect(await read({ environment: 'live' })).toMatchObject({
      kind: 'unclear',
      proof: { error: 'ECONNREFUSED' },
    });
    expect(server.requests).toEqual([]);
  });

  it('consecutive requests use one connection', async () => {
    server.behaves(responding(200, shown()));
    for (let time = 0; time < 5; time += 1) await read();
    expect(server.connections()).toBe(1);
  });
});

describe('a response with a Payment Request', () => {
  it.each(['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const)(
    'a Payment Request in state %s is read',
    async (state) => {
      expect(await responseTo(responding(200, shown({ state })))).toMatchObject({
        kind: 'payment_request',
        state,
      });
    },
  );

  it('a Payment Request is read with its previous state, reason and times in nanoseconds', async () => {
    const response = await responseTo(
      responding(200, {
        ...shown({ state: 'CANCELED' }),
        previous_state: 'SUBMITTED',
        state_reason: 'PARTNER_CANCELED',
        updated_at: '2026-03-01T12:00:00.123456789Z',
        expires_at: '2026-03-01T16:00:00.1+01:00',
        payment_request_reference: 'order 4711',
      }),
    );
    expect(response).toMatchObject({
      previousState: 'SUBMITTED',
      stateReason: 'PARTNER_CANCELED',
      updatedAt: at('2026-03-01T12:00:00.123456789Z'),
      expiresAt: at('2026-03-01T15:00:00.1Z'),
      reference: 'order 4711',
    });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['missing', {}],
    [
      'of another type',
      {
        previous_state: 1,
        state_reason: {},
        updated_at: 1_772_366_400,
        expires_at: null,
        payment_request_reference: 7,
      },
    ],
    [
      'of an unknown value',
      {
        previous_state: 'PAUSED',
        state_reason: planted.name,
        updated_at: 'now',
        expires_at: '',
        payment_request_reference: 'a/b',
      },
    ],
  ])('a Payment Request is read with every other field %s', async (_, fields) => {
    const response = await responseTo(responding(200, shown(fields)));
    expect(response).toEqual({
      kind: 'payment_request',
      state: 'SUBMITTED',
      previousState: undefined,
      stateReason: undefined,
      updatedAt: undefined,
      expiresAt: undefined,
      reference: undefined,
      proof: response.proof,
    });
  });

  it('a Payment Request in an unknown state is unknown_state, with that state', async () => {
    const response = await responseTo(responding(200, shown({ state: 'PAUSED' })));
    expect(response).toMatchObject({ kind: 'unknown_state', proof: { state: 'PAUSED', status: '200' } });
  });

  it.each(['canceled', 'toString', '__proto__', `${planted.name} ${planted.email}`])(
    'a Payment Request in the state %j is unknown_state',
    async (state) => {
      expect((await responseTo(responding(200, shown({ state })))).kind).toBe('unknown_state');
    },
  );

  it.each<[string, Parameters<typeof responding>]>([
    ['an empty body', [200]],
    ['an empty 204', [204]],
    ['a blank', [200, ' ']],
    ['HTML', [200, `<html>${planted.text}</html>`, { 'content-type': 'text/html' }]],
    ['half of a JSON text', [200, '{"payment_request_id":']],
    ['null', [200, 'null']],
    ['an array', [200, [shown()]]],
    ['a number', [200, '7']],
    ['a text', [200, '"CANCELED"']],
    [
      'another request',
      [200, shown({ state: 'CANCELED', payment_request_id: 'krn:payment:eu1:request:other' })],
    ],
    ['no id', [200, { state: 'CANCELED' }]],
    ['no state', [200, { payment_request_id: id }]],
    ['a state that is not a text', [200, shown({ state: ['CANCELED'] })]],
    ['an error', [200, { error_id: 'e1', error_code: 'INTERNAL_ERROR' }]],
  ])('a 2xx with %s is unclear', async (_, response) => {
    expect(await responseTo(responding(...response))).toMatchObject({
      kind: 'unclear',
      retryAfterMillis: undefined,
      proof: { status: String(response[0]) },
    });
  });

  it('a Payment Request is read from a 201 and a 202', async () => {
    expect((await responseTo(responding(201, shown()))).kind).toBe('payment_request');
    expect((await responseTo(responding(202, shown()))).kind).toBe('payment_request');
  });
});

describe('an error response', () => {
  const meanings: readonly (readonly [number, string, KlarnaResponse['kind']])[] = [
    [400, 'VALIDATION_ERROR', 'refused'],
    [400, 'INVALID_CONTENT_TYPE', 'refused'],
    [401, 'UNAUTHORIZED', 'denied'],
    [403, 'OPERATION_FORBIDDEN', 'denied'],
    [404, 'RESOURCE_NOT_FOUND', 'not_found'],
    [405, 'METHOD_NOT_ALLOWED', 'refused'],
    [409, 'RESOURCE_CONFLICT', 'refused'],
    [410, 'GONE', 'refused'],
    [422, 'VALIDATION_ERROR', 'refused'],
    [429, 'RATE_LIMITED', 'rate_limited'],
    [500, 'INTERNAL_ERROR', 'unclear'],
    [500, 'SERVER_CONFIGURATION_ERROR', 'unclear'],
    [500, 'TIMEOUT', 'unclear'],
    [502, 'BAD_GATEWAY', 'unclear'],
    [503, 'TEMPORARY_UNAVAILABLE', 'unclear'],
    [504, 'GATEWAY_TIMEOUT', 'unclear'],
    [302, 'FOUND', 'unclear'],
  ];

  const envelopes = {
    'the first envelope': (error_code: string) => ({
      error_id: 'b1bc1a2e-0000-4000-8000-000000000000',
      error_type: 'INPUT_ERROR',
      error_code,
      error_message: planted.text,
      errors: [{ parameter: planted.email }],
      doc_url: 'https://docs.klarna.com',
    }),
    'the second envelope': (error_code: string) => ({
      error_id: 'b1bc1a2e-0000-4000-8000-000000000000',
      error_code,
      error_message: planted.text,
      validation_errors: [{ parameter: planted.name, reason: planted.text }],
      doc_url: 'https://docs.klarna.com',
    }),
  };

  describe.each(Object.entries(envelopes))('an error in %s', (_, envelope) => {
    it.each(meanings)('the error %i %s is %s, with its id and code', async (status, code, kind) => {
      const response = await responseTo(responding(status, envelope(code)));
      expect(response.kind).toBe(kind);
      expect(response.proof).toMatchObject({
        status: String(status),
        error_id: 'b1bc1a2e-0000-4000-8000-000000000000',
        error_code: code,
      });
      expect(Object.keys(response.proof).toSorted()).toEqual([
        'correlation_id',
        'error_code',
        'error_id',
        'method',
        'status',
      ]);
    });
  });

  it.each(meanings)(
    'the error %i with an empty or HTML body is read by its status (%s)',
    async (status, _, kind) => {
      expect((await responseTo(responding(status))).kind).toBe(kind);
      const html = await responseTo(responding(status, `<html>${planted.text}</html>`));
      expect(html.kind).toBe(kind);
      expect(Object.keys(html.proof).toSorted()).toEqual(['correlation_id', 'method', 'status']);
    },
  );

  it.each([
    ['texts', { error_id: planted.text + ' '.repeat(3), error_code: `${planted.name} called` }],
    ['long', { error_id: 'x'.repeat(81), error_code: 'x'.repeat(10_000) }],
    ['objects', { error_id: { a: 1 }, error_code: ['RESOURCE_CONFLICT'] }],
  ])('an error whose id and code are %s gives neither', async (_, body) => {
    const { proof } = await responseTo(responding(409, body));
    expect(Object.keys(proof).toSorted()).toEqual(['correlation_id', 'method', 'status']);
  });

  it.each<[string, number, Readonly<Record<string, string>>, number | undefined]>([
    ['Retry-After', 429, { 'retry-after': '7' }, 7000],
    ['the reset of the rate limit', 429, { 'x-ratelimit-reset': '3' }, 3000],
    [
      'the reset of a limit that is used up',
      503,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' },
      3000,
    ],
    [
      'undefined while calls are left',
      500,
      { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '60' },
      undefined,
    ],
    ['Retry-After rather than the reset', 429, { 'retry-after': '7', 'x-ratelimit-reset': '3' }, 7000],
    ['Retry-After of a 503', 503, { 'retry-after': '7' }, 7000],
    ['undefined without a header', 429, {}, undefined],
    ['undefined for an invalid Retry-After', 429, { 'retry-after': 'soon' }, undefined],
    ['undefined for a negative Retry-After', 429, { 'retry-after': '-1' }, undefined],
  ])('the time to wait is %s', async (_, status, headers, retryAfterMillis) => {
    expect(await responseTo(responding(status, {}, headers))).toMatchObject({ retryAfterMillis });
  });
});

describe('no response', () => {
  it.each([
    ['no byte', hanging],
    ['a slow drip', dripping],
  ])('the time limit covers the whole response: %s', async (_, behaviour) => {
    const begun = performance.now();
    const response = await responseTo(behaviour, 120);
    const took = performance.now() - begun;
    expect(response).toMatchObject({ kind: 'unclear', retryAfterMillis: undefined });
    expect(response.proof).toEqual({
      method: 'GET',
      correlation_id: response.proof['correlation_id'],
      error: 'ETIMEDOUT',
    });
    expect(took).toBeGreaterThan(100);
    expect(took).toBeLessThan(1500);
  });

  it.each([
    ['a reset', resetting, 'ECONNRESET'],
    ['a response that breaks off', breakingOff(JSON.stringify(shown({ state: 'CANCELED' }))), 'ECONNRESET'],
    ['a body beyond 1 MB', pouring(1_048_577), 'EMSGSIZE'],
  ])('%s is unclear, and not an exception', async (_, behaviour, error) => {
    expect(await responseTo(behaviour)).toMatchObject({ kind: 'unclear', proof: { error } });
  });

  it('a body of exactly 1 MB is read', async () => {
    expect(await responseTo(pouring(1_048_576))).toMatchObject({ kind: 'unclear', proof: { status: '200' } });
  });

  it('a failed call does not affect the next one', async () => {
    for (const behaviour of [resetting, dripping, pouring(2_000_000), breakingOff('{"a":1}')]) {
      await responseTo(behaviour, 200);
      expect((await responseTo(responding(200, shown()))).kind).toBe('payment_request');
    }
  });

  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const canceled = JSON.stringify(shown({ state: 'CANCELED' }));
  const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n\r\n';

  it.each<[string, Behaviour]>([
    ['101 with an upgrade', sending(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}`)],
    ['101 without an upgrade', sending('HTTP/1.1 101 Switching Protocols\r\n\r\n')],
    ['200 with an upgrade', sending(`${head}${upgrade}`)],
    ['one 100', sending('HTTP/1.1 100 Continue\r\n\r\n')],
    ['one 102 after the other', repeating('', 'HTTP/1.1 102 Processing\r\n\r\n')],
    ['one 103 after the other', repeating('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')],
    ['half of a status line', sending('HTTP/1.1 2')],
    ['headers that never end', repeating(head, 'x-more: 1\r\n')],
    ['a body that never begins', sending(`${head}content-length: 20\r\n\r\n`)],
    ['a body that never ends', repeating(`${head}\r\n`, ' ')],
    ['chunks that never end', repeating(`${head}transfer-encoding: chunked\r\n\r\n`, chunk(' '))],
    [
      'trailers that never end',
      repeating(`${head}transfer-encoding: chunked\r\n\r\n${chunk(canceled)}0\r\n`, 'x-more: 1\r\n'),
    ],
    ['a half-closed connection before the response', halfClosing('')],
    ['a half-closed connection in the headers', halfClosing(head)],
    ['a half-closed connection in the body', halfClosing(`${head}content-length: 9999\r\n\r\n${canceled}`)],
    ['no HTTP', sending('SSH-2.0-OpenSSH_9.6\r\n')],
  ])('%s settles within the time limit, for every call', async (_, behaviour) => {
    for (const call of [read, cancel, moveExpiry]) {
      server.behaves(behaviour);
      const begun = performance.now();
      expect(await call({}, 150)).toMatchObject({ kind: 'unclear' });
      expect(performance.now() - begun).toBeLessThan(1_000);
      expect((await responseTo(responding(200, shown()))).kind).toBe('payment_request');
    }
  });

  it('trailers of a complete response do no harm', async () => {
    const body = `${chunk(canceled)}0\r\nx-checksum: 1\r\n\r\n`;
    expect(
      await responseTo(sending(`${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n${body}`)),
    ).toMatchObject({
      kind: 'payment_request',
      state: 'CANCELED',
    });
  });

  it.each([
    ['a read', () => read(), 'payment_request', 2],
    ['a new expiry', () => moveExpiry(), 'payment_request', 2],
    ['a DELETE', () => cancel(), 'unclear', 1],
  ] as const)(
    '%s on a kept connection that Klarna has closed: only a repeatable call is sent again, at once',
    async (_, call, kind, sent) => {
      server.behaves(servingOnce(responding(200, shown({ state: 'CANCELED' }))));
      await read();
      const before = server.requests.length;
      expect((await call()).kind).toBe(kind);
      expect(server.requests.length - before).toBe(sent);
    },
  );

  it.each([
    ['a read', () => read(), 'payment_request', 2],
    ['a DELETE', () => cancel(), 'unclear', 1],
  ] as const)(
    '%s on one of several kept connections that Klarna has closed leaves none of them for the next call',
    async (_, call, kind, sent) => {
      server.behaves(servingOnce(responding(200, shown({ state: 'CANCELED' }))));
      await Promise.all([read(), read(), read()]);
      expect(server.connections()).toBeGreaterThanOrEqual(3);
      const before = server.requests.length;
      expect((await call()).kind).toBe(kind);
      expect(server.requests.length - before).toBe(sent);
      expect((await read()).kind).toBe('payment_request');
    },
  );

  it('a read on a connection that was opened before it and is closed is sent again, at once', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const { port, hostname } = new URL(server.url);
    const opened = connect(Number(port), hostname);
    await once(opened, 'connect');
    const open = agent.createConnection.bind(agent);
    agent.createConnection = () => {
      agent.createConnection = open;
      return opened;
    };
    const urls = { test: server.url, live: server.url };
    const preconnected = new HttpKlarnaPaymentRequests({
      urls,
      ids: new CountingIds(),
      agentOf: () => agent,
    });
    const behaviours = [resetting, responding(200, shown())];
    server.behaves((...call) => behaviours.shift()?.(...call));
    expect((await preconnected.read(credentials, id, 2_000)).kind).toBe('payment_request');
    expect(server.requests).toHaveLength(2);
    agent.destroy();
  });

  it('a read that a new connection cannot complete is sent once', async () => {
    // No connection is kept.
    await responseTo(responding(200, shown(), { connection: 'close' }));
    server.behaves(resetting);
    expect((await read()).kind).toBe('unclear');
    expect(server.requests).toHaveLength(1);
  });

  it('a DELETE without a response is unclear and is sent once', async () => {
    server.behaves(resetting);
    expect(await cancel()).toMatchObject({ kind: 'unclear', proof: { method: 'DELETE' } });
    expect(server.requests).toHaveLength(1);
  });
});

describe('agentFor', () => {
  const identity = { clientCertificate: 'certificate', clientKey: 'key' };

  it('reuses the agent of a certificate and its key', () => {
    expect(agentFor('https:', { ...identity })).toBe(agentFor('https:', identity));
  });

  it.each([
    ['key', 'https:', { ...identity, clientKey: 'corrected key' }],
    ['certificate', 'https:', { ...identity, clientCertificate: 'other certificate' }],
    ['missing certificate', 'https:', { clientCertificate: undefined, clientKey: undefined }],
    ['protocol', 'http:', identity],
  ])('shares no connections with another %s', (_, protocol, other) => {
    expect(agentFor(protocol, other)).not.toBe(agentFor('https:', identity));
  });

  it('keeps the 100 agents that were used last', () => {
    const first = agentFor('https:', identity);
    const of = (number: number) => agentFor('https:', { ...identity, clientKey: String(number) });
    for (let number = 0; number < 99; number += 1) of(number);
    expect(agentFor('https:', identity)).toBe(first);
    for (let number = 100; number < 200; number += 1) of(number);
    expect(agentFor('https:', identity)).not.toBe(first);
  });
});

it.each(['read', 'cancel'] as const)(
  'a bug of ours in a %s is not reported as a response of Klarna',
  async (call) => {
    const agentOf = (): never => {
      throw new TypeError('not a function');
    };
    const agent = new Proxy(new http.Agent(), { get: agentOf });
    const broken = new HttpKlarnaPaymentRequests({
      urls: { test: server.url, live: server.url },
      ids: new CountingIds(),
      agentOf: () => agent,
    });
    await expect(broken[call](credentials, id, 2_000)).rejects.toThrow(TypeError);
  },
);

describe('a request that Node cannot send', () => {
  it.each([
    ['a line end in the key', { apiKey: `${planted.apiKey}\nx` }],
    ['a zero-width space in the key', { apiKey: `${planted.apiKey}\u200b` }],
  ])('a request that cannot be sent is a configuration error: %s', async (_, fault) => {
    const failure: unknown = await cancel(fault).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(plantedIn(String(failure))).toEqual([]);
  });
});
