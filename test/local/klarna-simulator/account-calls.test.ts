// @peculiar/x509 needs Reflect metadata, and refuses to load without it.
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { expect, it } from 'vitest';
import { account, type JsonResponse, type SimulatorClient, startSimulator } from './running-simulator.ts';

const apiKeys = '/v2/account/integration/credentials/api-key';
const certificates = '/v2/account/integration/credentials/client-certificate';
const enforcement = '/v2/account/integration/client-certificates/enforcement';
const allowedAddresses = '/v2/account/integration/ip-restrictions/allowed-ips';
const webhooks = '/v2/notification/webhooks';

const first = 'klarna_test_api_first';
const day = 86_400_000;
const withKey = (key: string) => ({ authorization: `Basic ${key}` });

const startWithKey = (settings = {}) => startSimulator({ apiKeys: { [first]: {} }, ...settings });

const as = (klarna: SimulatorClient, key: string) => (method: string, path: string, body?: unknown) =>
  klarna.api(method, path, body, withKey(key));

const credentialsIn = ({ json }: JsonResponse) => json['credentials'] as readonly Record<string, unknown>[];

const secretIn = ({ json }: JsonResponse) => (json['secret'] as { readonly secret: string }).secret;

it('a created API key works at once, shows its secret once, and is refused after its deletion', async () => {
  const klarna = await startWithKey();
  const call = as(klarna, first);
  const created = await call('POST', apiKeys, { description: 'rotation' });
  expect(created).toMatchObject({ status: 201, json: { description: 'rotation', state: 'ACTIVE' } });
  const secret = secretIn(created);
  expect(secret).toMatch(/^klarna_test_api_[A-Za-z0-9_-]{43}$/);
  const id = String(created.json['credential_id']);
  const withNew = as(klarna, secret);
  expect((await withNew('GET', webhooks)).status).toBe(200);
  const listed = await call('GET', apiKeys);
  expect(listed.text).not.toContain(secret);
  expect(listed.text).not.toContain(first);
  expect(credentialsIn(listed)).toMatchObject([
    { state: 'ACTIVE', last_used_at: expect.any(String) as string },
    { credential_id: id, last_used_at: expect.any(String) as string },
  ]);
  expect((await call('GET', `${apiKeys}/${id}`)).json).toEqual(credentialsIn(listed)[1]);
  expect(await call('DELETE', `${apiKeys}/${id}`)).toMatchObject({ status: 204, text: '' });
  expect((await withNew('GET', webhooks)).status).toBe(401);
  expect((await call('GET', `${apiKeys}/${id}`)).json['state']).toBe('DISABLED');
  expect((await call('DELETE', `${apiKeys}/unknown`)).status).toBe(404);
});

it('an API key is created without a body, too, and a wrong description is refused', async () => {
  const klarna = await startWithKey();
  const call = as(klarna, first);
  const created = await call('POST', apiKeys);
  expect(created.status).toBe(201);
  expect(created.json).not.toHaveProperty('description');
  expect(await call('POST', apiKeys, { description: 5 })).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter: 'description' }] },
  });
});

it('a deleted API key stays refused where any unknown key is accepted', async () => {
  const klarna = await startSimulator();
  const created = await klarna.api('POST', apiKeys);
  const call = as(klarna, secretIn(created));
  expect((await call('DELETE', `${apiKeys}/${String(created.json['credential_id'])}`)).status).toBe(204);
  expect((await call('GET', webhooks)).status).toBe(401);
  const encoded = { authorization: `Basic ${Buffer.from(`:${secretIn(created)}`).toString('base64')}` };
  expect((await klarna.api('GET', webhooks, undefined, encoded)).status).toBe(401);
});

it('an API key that is not used for two months is disabled, and one that is used is not', async () => {
  const klarna = await startSimulator({ apiKeys: { [first]: {}, klarna_test_api_idle: {} } });
  const call = as(klarna, first);
  const later = (days: number) => klarna.control('POST', '/settings', { clockAheadMs: days * day });
  await later(61);
  expect((await call('GET', webhooks)).status).toBe(200);
  await later(63);
  expect((await call('GET', webhooks)).status).toBe(200);
  expect((await as(klarna, 'klarna_test_api_idle')('GET', webhooks)).status).toBe(401);
  expect(credentialsIn(await call('GET', apiKeys)).map(({ state }) => state)).toEqual(['ACTIVE', 'DISABLED']);
});

it('a key of one environment is refused in the other, which has things of its own', async () => {
  const klarna = await startSimulator({ apiKeys: { [first]: {}, klarna_live_api_first: {} } });
  const test = as(klarna, first);
  const live = as(klarna, 'klarna_live_api_first');
  expect((await live('GET', webhooks)).status).toBe(401);
  expect((await test('GET', `/live${webhooks}`)).status).toBe(401);
  const key = await live('POST', '/live/v2/notification/signing-keys');
  const subscription = {
    url: 'http://127.0.0.1:2/',
    event_types: ['payment.request.*'],
    event_version: 'v2',
    signing_key_id: key.json['signing_key_id'],
    status: 'ENABLED',
  };
  expect((await live('POST', `/live${webhooks}`, subscription)).status).toBe(201);
  expect((await test('GET', webhooks)).json).toEqual({ webhooks: [] });
  expect((await test('GET', '/v2/notification/signing-keys')).json).toEqual({ signing_keys: [] });
  expect(secretIn(await live('POST', `/live${apiKeys}`))).toMatch(/^klarna_live_api_/);

  const created = await live('POST', '/live/v2/payment/requests', {});
  const path = `/v2/payment/requests/${String(created.json['payment_request_id'])}`;
  expect((await live('GET', `/live${path}`)).status).toBe(200);
  expect((await test('GET', path)).status).toBe(404);
  await test('POST', '/v2/payment/requests', {});
  const deliveries = await klarna.list('deliveries');
  expect(deliveries.map(({ body }) => JSON.parse(String(body)) as unknown)).toMatchObject([
    { metadata: { live: true, recipient_account_id: 'krn:partner:global:account:live:M48JWZF8' } },
  ]);
});

it.each(['Basic klarna_live_api_any', `Basic ${Buffer.from(':klarna_live_api_any').toString('base64')}`])(
  'a live key is refused on the test host where any key is accepted: %s',
  async (authorization) => {
    const klarna = await startSimulator();
    expect((await klarna.api('GET', webhooks, undefined, { authorization })).status).toBe(401);
    expect((await klarna.api('GET', `/live${webhooks}`, undefined, { authorization })).status).toBe(200);
  },
);

it('a key that is bound to an account manages the things of this account only', async () => {
  const klarna = await startSimulator({
    apiKeys: {
      'shop-key': { partner_account_id: account },
      'other-key': { partner_account_id: 'krn:other' },
    },
  });
  const shop = as(klarna, 'shop-key');
  const other = as(klarna, 'other-key');
  const key = (await shop('POST', '/v2/notification/signing-keys')).json['signing_key_id'];
  const subscription = { url: 'http://127.0.0.1:2/', event_types: ['payment.*'], event_version: 'v2' };
  const created = await shop('POST', webhooks, { ...subscription, signing_key_id: key });
  expect(created).toMatchObject({ status: 201, json: { status: 'ENABLED' } });
  expect((await other('GET', webhooks)).json).toEqual({ webhooks: [] });
  expect((await other('DELETE', `${webhooks}/${String(created.json['webhook_id'])}`)).status).toBe(404);
  expect((await other('POST', webhooks, { ...subscription, signing_key_id: key })).status).toBe(400);
  expect(credentialsIn(await other('GET', apiKeys))).toHaveLength(1);
  await shop('POST', `/v2/accounts/${account}/payment/requests`, {});
  await other('POST', '/v2/payment/requests', {});
  expect(await klarna.list('deliveries')).toHaveLength(1);
});

async function signingRequest(name: string, namedCurve: 'P-256' | 'P-384' = 'P-256'): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve, hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm });
  return request.toString('pem');
}

const requestFor = (certificate_signing_request: unknown) => ({
  description: 'mutual TLS',
  config: { usage: 'MTLS', certificate_signing_request },
});

it('a client certificate is issued for a request, is listed, and reports its absence in calls', async () => {
  const klarna = await startWithKey();
  const call = as(klarna, first);
  expect((await call('GET', webhooks)).headers.get('klarna-mtls-verification-status')).toBeNull();
  const created = await call('POST', certificates, requestFor(await signingRequest('CN=M48JWZF8')));
  expect(created).toMatchObject({
    status: 201,
    json: { description: 'mutual TLS', state: 'ACTIVE', config: { usage: 'MTLS' } },
  });
  const issued = new X509Certificate(String(created.json['certificate']));
  expect(issued.subject).toBe('CN=M48JWZF8');
  expect(issued.issuer).toBe('CN=Klarna simulator');
  expect(issued.ca).toBe(false);
  expect(Date.parse(issued.validTo)).toBe(
    Math.floor(Date.parse(String(created.json['expires_at'])) / 1000) * 1000,
  );
  expect(credentialsIn(await call('GET', certificates))).toEqual([created.json]);
  const again = await call('GET', `${certificates}/${String(created.json['credential_id'])}`);
  expect(again.json).toEqual(created.json);
  expect(again.headers.get('klarna-mtls-verification-status')).toBe('NOT_PRESENT');
  expect((await call('GET', `${certificates}/unknown`)).status).toBe(404);
});

it('a certificate request without a common name gets one of Klarna’s', async () => {
  const klarna = await startWithKey();
  const { json } = await as(klarna, first)('POST', certificates, requestFor(await signingRequest('O=Shop')));
  expect(new X509Certificate(String(json['certificate'])).subject).toMatch(/^CN=M48JWZF8-[0-9a-f]{8}$/);
});

const tampered = async () => {
  const [head = '', body = '', ...rest] = (await signingRequest('CN=x')).split('\n');
  return [head, `${body.slice(0, 40)}${body[40] === 'A' ? 'B' : 'A'}${body.slice(41)}`, ...rest].join('\n');
};

it.each<[string, () => unknown]>([
  ['text', () => 'not a request'],
  ['a number', () => 5],
  ['a request on another curve', () => signingRequest('CN=x', 'P-384')],
  ['a request that its key did not sign', tampered],
])('a certificate request that is %s is refused', async (_, request) => {
  const klarna = await startWithKey();
  const response = await as(klarna, first)('POST', certificates, requestFor(await request()));
  expect(response).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter: 'config.certificate_signing_request' }] },
  });
});

it.each([
  ['config', {}],
  ['config.usage', { config: { usage: 'SMTP', certificate_signing_request: 'x' } }],
])('a certificate request with a wrong %s is refused', async (parameter, body) => {
  const klarna = await startWithKey();
  expect(await as(klarna, first)('POST', certificates, body)).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter }] },
  });
});

it('client certificates are required from the time that a call names', async () => {
  const klarna = await startWithKey();
  const call = as(klarna, first);
  expect((await call('GET', enforcement)).json).toEqual({});
  const enforced_from = new Date(Date.now() + day).toISOString();
  const put = await call('PUT', enforcement, { enforced_from });
  expect(put.status).toBe(200);
  expect(Date.parse(String(put.json['enforced_from']))).toBe(Date.parse(enforced_from));
  expect((await call('GET', enforcement)).json).toEqual(put.json);
  await klarna.control('POST', '/settings', { clockAheadMs: 2 * day });
  expect(await call('GET', webhooks)).toMatchObject({
    status: 403,
    json: { error_code: 'OPERATION_FORBIDDEN' },
  });
  await klarna.control('POST', '/settings', { mtlsVerificationStatus: 'VALID' });
  const valid = await call('GET', webhooks);
  expect(valid.status).toBe(200);
  expect(valid.headers.get('klarna-mtls-verification-status')).toBeNull();
  expect((await call('DELETE', enforcement)).status).toBe(204);
  await klarna.control('POST', '/settings', { mtlsVerificationStatus: 'INVALID' });
  const released = await call('GET', webhooks);
  expect([released.status, released.headers.get('klarna-mtls-verification-status')]).toEqual([
    200,
    'INVALID',
  ]);
});

it('client certificates are required at once by NOW', async () => {
  const klarna = await startWithKey();
  const call = as(klarna, first);
  expect((await call('PUT', enforcement, { enforced_from: 'NOW' })).status).toBe(200);
  expect((await call('GET', enforcement)).status).toBe(403);
});

it.each([
  ['the past', -1_000],
  ['more than three months ahead', 93 * day],
])('an enforcement in %s is refused', async (_, ahead) => {
  const klarna = await startWithKey();
  const enforced_from = new Date(Date.now() + ahead).toISOString();
  expect(await as(klarna, first)('PUT', enforcement, { enforced_from })).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter: 'enforced_from' }] },
  });
});

it('the address of a call is reported, and refused once that is enforced', async () => {
  const klarna = await startWithKey({ allowedAddresses: ['192.0.2.0/24'] });
  const call = as(klarna, first);
  const set = (settings: object) => klarna.control('POST', '/settings', settings);
  const status = async () => (await call('GET', webhooks)).headers.get('klarna-ip-validation-status');
  expect(await status()).toBeNull();
  await set({ ipValidationStatus: 'DENIED' });
  expect(await status()).toBe('DENIED');
  await set({ ipValidationStatus: null });
  expect((await call('GET', allowedAddresses)).json).toEqual({
    mode: 'NOT_ENABLED',
    allowed_ips: ['192.0.2.0/24'],
  });
  await set({ ipRestrictions: 'REPORTING' });
  expect(await status()).toBe('DENIED');
  await set({ ipValidationStatus: 'INVALID' });
  expect(await status()).toBe('INVALID');
  await set({ ipValidationStatus: null, allowedAddresses: ['127.0.0.0/8', '2001:db8::/32'] });
  expect(await status()).toBe('ALLOWED');
  await set({ ipRestrictions: 'ENFORCED' });
  expect(await status()).toBeNull();
  expect((await call('GET', webhooks)).status).toBe(200);
  await set({ allowedAddresses: [] });
  expect((await call('GET', webhooks)).status).toBe(403);
});

it.each([['10.0.0.0/33'], ['10.0.0'], ['::/129'], ['example.com'], ['10.0.0.0/8/8']])(
  '%s is refused as an allowed address',
  async (address) => {
    const klarna = await startSimulator();
    const { status, json } = await klarna.control('POST', '/settings', { allowedAddresses: [address] });
    expect([status, json['error']]).toEqual([400, expect.stringContaining('a CIDR block')]);
  },
);

it('every response has the date of the simulator’s clock', async () => {
  const klarna = await startSimulator();
  const dateOf = async () =>
    Date.parse((await klarna.api('GET', webhooks)).headers.get('date') ?? '') - Date.now();
  expect(Math.abs(await dateOf())).toBeLessThan(60_000);
  await klarna.control('POST', '/settings', { clockAheadMs: -600_000 });
  expect(Math.abs((await dateOf()) + 600_000)).toBeLessThan(60_000);
});

it.each([
  ['a signing key', 'POST', '/v2/notification/signing-keys', undefined, 'signing_key_id'],
  ['an API key', 'POST', apiKeys, { description: 'x' }, 'credential_id'],
])('%s is created once for one idempotency key', async (_, method, path, body, id) => {
  const klarna = await startSimulator();
  const create = (key: string) => klarna.api(method, path, body, { 'klarna-idempotency-key': key });
  const created = await create('key-1');
  expect(created.status).toBe(201);
  expect((await create('key-1')).json).toEqual(created.json);
  const other = await create('key-2');
  expect(other.json[id]).not.toBe(created.json[id]);
  await klarna.control('POST', '/settings', { clockAheadMs: day + 1_000 });
  expect((await create('key-1')).json[id]).not.toBe(created.json[id]);
});

it('a certificate is issued once for one idempotency key, even by two calls at once', async () => {
  const klarna = await startSimulator();
  const request = requestFor(await signingRequest('CN=x'));
  const create = () => klarna.api('POST', certificates, request, { 'klarna-idempotency-key': 'k' });
  const [one, two] = await Promise.all([create(), create()]);
  expect(one.json).toEqual(two.json);
  expect(credentialsIn(await klarna.api('GET', certificates))).toHaveLength(1);
});

it.each([
  ['PUT', webhooks],
  ['PATCH', '/v2/notification/signing-keys/x'],
  ['POST', `${apiKeys}/x`],
  ['GET', `${apiKeys}/`],
  ['GET', `${apiKeys}/a/b`],
  ['POST', '/v2/notification/webhooks/a/simulate/b'],
  ['POST', allowedAddresses],
  ['GET', '/v2/payment/authorize'],
])('%s %s is not a call of Klarna', async (method, path) => {
  const klarna = await startSimulator();
  expect(await klarna.api(method, path)).toMatchObject({ status: 403, text: '' });
});

it('a fault of a managing call applies to the call that it names', async () => {
  const klarna = await startSimulator();
  await klarna.fault({
    kind: 'reset',
    effect: true,
    on: 'manage',
    call: `POST /v2/notification/signing-keys`,
  });
  expect((await klarna.api('GET', webhooks)).status).toBe(200);
  await expect(klarna.api('POST', '/v2/notification/signing-keys')).rejects.toThrow();
  const { json } = await klarna.api('GET', '/v2/notification/signing-keys');
  expect(json['signing_keys']).toHaveLength(1);
  await klarna.fault({ kind: 'unavailable' });
  expect((await klarna.api('GET', webhooks)).status).toBe(200);
});
