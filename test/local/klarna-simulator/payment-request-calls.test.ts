import { describe, expect, it } from 'vitest';
import { account, pathOf, type SimulatorClient, startSimulator } from './running-simulator.ts';

const collection = (owner = account) => `/v2/accounts/${encodeURIComponent(owner)}/payment/requests`;
const direct = '/v2/payment/requests';
const nanoseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;

const lifetimeMinutes = (json: Readonly<Record<string, unknown>>) =>
  Math.round((Date.parse(String(json['expires_at'])) - Date.parse(String(json['created_at']))) / 60_000);

const expiringIn = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

const withExpiry = (interaction_expiry: unknown) => ({ customer_interaction_config: { interaction_expiry } });

const create = async (klarna: SimulatorClient, body: unknown = {}) => {
  const { status, json } = await klarna.api('POST', collection(), body);
  expect(status).toBe(201);
  return String(json['payment_request_id']);
};

describe.each([
  ['acquiring partner', collection()],
  ['direct', direct],
])('on the %s path', (_, path) => {
  it('a request is created, read, changed and canceled', async () => {
    const klarna = await startSimulator();
    const body = { currency: 'SEK', amount: 1000, payment_request_reference: 'order-1', state: 'COMPLETED' };
    const created = await klarna.api('POST', path, body);
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      payment_request_id: expect.stringMatching(/^krn:payment:eu1:request:[0-9a-f-]{36}$/) as string,
      state: 'SUBMITTED',
      currency: 'SEK',
      payment_request_reference: 'order-1',
      expires_at: expect.stringMatching(nanoseconds) as string,
      updated_at: expect.stringMatching(nanoseconds) as string,
    });
    expect(lifetimeMinutes(created.json)).toBe(180);

    const item = `${path}/${String(created.json['payment_request_id'])}`;
    expect(await klarna.api('GET', item)).toMatchObject({ status: 200, json: created.json });

    for (const method of ['PATCH', 'PUT']) {
      const moved = await klarna.api(method, item, withExpiry({ duration: 'PT20M' }));
      expect([moved.status, lifetimeMinutes(moved.json)]).toEqual([200, 20]);
    }

    const canceled = await klarna.api('DELETE', item);
    expect(canceled).toMatchObject({
      status: 200,
      json: { state: 'CANCELED', previous_state: 'SUBMITTED', state_reason: 'PARTNER_CANCELED' },
    });
    expect((await klarna.api('GET', item)).json).toEqual(canceled.json);
  });
});

it.each([
  ['PUT', 'PATCH', 405],
  ['PATCH', 'PUT', 405],
  ['PATCH', 'PUT', 404],
  ['PATCH', 'PUT', 400],
  ['PATCH', 'PUT', 403],
] as const)(
  'with updateVerb %s, an update by %s gets %i and changes nothing',
  async (updateVerb, other, status) => {
    const klarna = await startSimulator();
    await klarna.control('POST', '/settings', { updateVerb, responseToOtherVerb: status });
    const id = await create(klarna);
    const item = `${direct}/${id}`;
    expect((await klarna.api(other, item, withExpiry({ duration: 'PT20M' }))).status).toBe(status);
    expect(lifetimeMinutes((await klarna.api('GET', item)).json)).not.toBe(20);
    expect((await klarna.api(updateVerb, item, withExpiry({ duration: 'PT20M' }))).status).toBe(200);
  },
);

it('a request is hidden from another account, and on the direct path from a key of another account', async () => {
  const klarna = await startSimulator();
  const id = await create(klarna);
  expect((await klarna.api('GET', pathOf(id, 'krn:partner:global:account:test:OTHER'))).status).toBe(404);
  expect((await klarna.api('GET', `${direct}/${id}`)).status).toBe(200);
});

it('a request is canceled while the customer is in Klarna’s flow', async () => {
  const klarna = await startSimulator();
  const id = await klarna.place({ state: 'IN_PROGRESS' });
  expect((await klarna.cancel(id)).json).toMatchObject({ state: 'CANCELED', previous_state: 'IN_PROGRESS' });
});

it('the same call with the same idempotency key is performed once in 24 hours of the simulator’s clock', async () => {
  const klarna = await startSimulator();
  const headers = { 'klarna-idempotency-key': '0c1a9f0e-5a7b-5c3d-9e1f-2a3b4c5d6e7f' };
  const first = await klarna.api('POST', collection(), {}, headers);
  const again = await klarna.api('POST', collection(), {}, headers);
  expect(again).toMatchObject({ status: 201, json: first.json });
  expect(await klarna.list('payment-requests')).toHaveLength(1);
  await klarna.control('POST', '/settings', { clockAheadMs: 24 * 3_600_000 + 1 });
  await klarna.api('POST', collection(), {}, headers);
  expect(await klarna.list('payment-requests')).toHaveLength(2);
});

describe('a cancel that the state forbids', () => {
  it.each(['CANCELED', 'EXPIRED', 'DECLINED', 'COMPLETED'])(
    'a cancel of a request that is %s gets 409',
    async (state) => {
      const klarna = await startSimulator();
      const id = await klarna.place({ state });
      expect(await klarna.cancel(id)).toMatchObject({
        status: 409,
        json: { error_code: 'RESOURCE_CONFLICT' },
      });
      expect((await klarna.read(id)).json['state']).toBe(state);
    },
  );

  it.each([
    [404, { error_code: 'RESOURCE_NOT_FOUND' }],
    [400, { error_code: 'VALIDATION_ERROR' }],
    [403, { error_code: 'OPERATION_FORBIDDEN' }],
    [200, { state: 'DECLINED' }],
  ])(
    'a cancel that the state forbids gets %d, where the setting says so',
    async (responseToRepeatedCancel, json) => {
      const klarna = await startSimulator();
      await klarna.control('POST', '/settings', { responseToRepeatedCancel });
      const id = await klarna.place({ state: 'DECLINED' });
      expect(await klarna.cancel(id)).toMatchObject({ status: responseToRepeatedCancel, json });
    },
  );

  it('a COMPLETED request is canceled, where the setting says so', async () => {
    const klarna = await startSimulator({ completedCanBeCanceled: true });
    const id = await klarna.place({ state: 'COMPLETED' });
    expect(await klarna.cancel(id)).toMatchObject({ status: 200, json: { state: 'CANCELED' } });
  });
});

describe('the interaction expiry', () => {
  it.each([
    ['a duration of 15 minutes', { duration: 'PT15M' }, 15],
    ['a duration of 48 hours', { duration: 'PT48H' }, 2_880],
    ['a timestamp', { timestamp: expiringIn(60) }, 60],
  ])('the interaction expiry may be %s', async (_, expiry, minutes) => {
    const klarna = await startSimulator();
    const { status, json } = await klarna.api('POST', collection(), withExpiry(expiry));
    expect([status, lifetimeMinutes(json)]).toEqual([201, minutes]);
  });

  it.each([
    ['14 minutes', { duration: 'PT14M' }],
    ['more than 48 hours', { duration: 'PT49H' }],
    ['a timestamp in the past', { timestamp: expiringIn(-60) }],
    ['a timestamp that is soon', { timestamp: expiringIn(5) }],
    ['both', { duration: 'PT1H', timestamp: expiringIn(60) }],
    ['neither', {}],
    ['no duration', { duration: 'an hour' }],
    ['a number', 900],
  ])('the interaction expiry may not be %s', async (_, expiry) => {
    const klarna = await startSimulator();
    const id = await klarna.place();
    for (const [method, path] of [
      ['POST', collection()],
      ['PATCH', pathOf(id)],
    ] as const) {
      const { status, json } = await klarna.api(method, path, withExpiry(expiry));
      expect([status, json['error_code']]).toEqual([400, 'VALIDATION_ERROR']);
      expect(json['errors']).toMatchObject([{ parameter: 'customer_interaction_config.interaction_expiry' }]);
    }
  });

  it('the interaction expiry moves only while SUBMITTED', async () => {
    const klarna = await startSimulator();
    const id = await klarna.place({ state: 'IN_PROGRESS' });
    expect((await klarna.api('PATCH', pathOf(id), withExpiry({ duration: 'PT1H' }))).status).toBe(409);
  });
});

describe('an invalid call', () => {
  it.each<[string, unknown, string]>([
    ['an array', [], 'body'],
    ['a number', 7, 'body'],
    ['no JSON', '{"amount":', 'body'],
    ['more than 1 MB', `{"a":"${'x'.repeat(1_048_576)}"}`, 'body'],
    ['a currency in words', { currency: 'kronor' }, 'currency'],
    ['half an öre', { amount: 0.5 }, 'amount'],
    ['a long reference', { payment_request_reference: 'x'.repeat(256) }, 'payment_request_reference'],
    ['a config that is none', { customer_interaction_config: [] }, 'customer_interaction_config'],
  ])('a body with %s is refused', async (_, body, parameter) => {
    const klarna = await startSimulator();
    const response = await klarna.api('POST', collection(), body);
    expect(response).toMatchObject({ status: 400, json: { errors: [{ parameter }] } });
  });

  it('another content type is refused', async () => {
    const klarna = await startSimulator();
    const response = await klarna.api('POST', collection(), '{}', { 'content-type': 'text/plain' });
    expect(response).toMatchObject({ status: 400, json: { error_code: 'INVALID_CONTENT_TYPE' } });
  });

  it('a cancel with a body is refused', async () => {
    const klarna = await startSimulator();
    expect((await klarna.api('DELETE', pathOf(await klarna.place()), {})).status).toBe(400);
  });

  it.each(['with-dashes', 'x'.repeat(256)])('a correlation id such as %s is refused', async (id) => {
    const klarna = await startSimulator();
    const headers = { 'partner-correlation-id': id };
    expect((await klarna.api('GET', pathOf('x'), undefined, headers)).json).toMatchObject({
      errors: [{ parameter: 'Partner-Correlation-Id' }],
    });
  });

  it('a path that Klarna does not have gets 403 without a body', async () => {
    const klarna = await startSimulator();
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', collection()],
      ['POST', pathOf('x')],
      ['GET', '/v2/payment/requests/a/b'],
      ['PATCH', '/v2/notification/signing-keys/x'],
      ['GET', '/v2/notification/webhooks/x/simulate'],
    ] as const) {
      expect(await klarna.api(method, path)).toMatchObject({ status: 403, text: '' });
    }
  });

  it('an id with a malformed encoding names nothing', async () => {
    const klarna = await startSimulator();
    expect((await klarna.api('GET', pathOf('%zz'))).status).toBe(404);
  });
});

it('errors have one envelope on the acquiring partner’s path and the other on the direct one', async () => {
  const klarna = await startSimulator();
  const shared = {
    error_id: expect.any(String) as string,
    error_code: 'RESOURCE_NOT_FOUND',
    error_message: expect.any(String) as string,
    doc_url: expect.any(String) as string,
  };
  const partner = { ...shared, error_type: 'RESOURCE_ERROR', errors: [] };
  expect((await klarna.api('GET', pathOf('x'))).json).toEqual(partner);
  expect((await klarna.api('GET', `${direct}/x`)).json).toEqual({ ...shared, validation_errors: [] });
});

it('the headers show the rate limit, and calls beyond it get 429', async () => {
  const klarna = await startSimulator({ rateLimit: 1 });
  const first = await klarna.api('GET', pathOf('x'));
  expect(first.headers.get('x-ratelimit-limit')).toBe('1');
  expect(first.headers.get('x-ratelimit-remaining')).toBe('0');
  expect(first.headers.get('x-ratelimit-reset')).toMatch(/^[1-9]\d*$/);
  expect(await klarna.api('GET', pathOf('x'))).toMatchObject({
    status: 429,
    json: { error_code: 'RATE_LIMITED' },
  });
});

it.each([
  ['forward by a minute', 60_000],
  ['back by an hour', -3_600_000],
])('the window of the rate limit follows the simulator’s clock, set %s', async (_, clockAheadMs) => {
  const klarna = await startSimulator({ rateLimit: 1 });
  const status = async () => (await klarna.api('GET', pathOf('x'))).status;
  expect([await status(), await status()]).toEqual([404, 429]);
  await klarna.control('POST', '/settings', { clockAheadMs });
  expect([await status(), await status()]).toEqual([404, 429]);
});

it('the window of the rate limit does not end before its minute by the simulator’s clock', async () => {
  const klarna = await startSimulator({ rateLimit: 1 });
  await klarna.api('GET', pathOf('x'));
  await klarna.control('POST', '/settings', { clockAheadMs: 50_000 });
  const { status, headers } = await klarna.api('GET', pathOf('x'));
  expect(status).toBe(429);
  expect(Number(headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(10);
});

it('each API key has a rate limit of its own, in windows of the length that is set', async () => {
  const klarna = await startSimulator({ rateLimit: 1, rateWindowMs: 2_000 });
  const call = (authorization: string) =>
    fetch(`${klarna.url}${pathOf('x')}`, { headers: { authorization } });
  const statuses = async () => [(await call('Basic one')).status, (await call('Basic two')).status];
  expect([await statuses(), await statuses()]).toEqual([
    [404, 404],
    [429, 429],
  ]);
  expect(Number((await call('Basic one')).headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(2);
  await klarna.control('POST', '/settings', { clockAheadMs: 2_000 });
  expect(await statuses()).toEqual([404, 404]);
});
