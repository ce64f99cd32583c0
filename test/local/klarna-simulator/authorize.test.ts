import { expect, it } from 'vitest';
import { account, startSimulator, subscribed } from './running-simulator.ts';

const acquirerPath = `/v2/accounts/${account}/payment/authorize`;

it.each([
  ['the acquiring partner’s path', acquirerPath],
  ['the direct path', '/v2/payment/authorize'],
])('on %s, an authorization that needs the customer creates a Payment Request', async (_, path) => {
  const klarna = await startSimulator(subscribed('http://127.0.0.1:2/'));
  const timestamp = new Date(Date.now() + 3_600_000).toISOString();
  const { status, json } = await klarna.api('POST', path, {
    currency: 'EUR',
    step_up_config: {
      payment_request_reference: 'order-7',
      customer_interaction_config: { interaction_expiry: { timestamp } },
    },
  });
  expect(status).toBe(200);
  expect(json).toMatchObject({
    result: 'STEP_UP_REQUIRED',
    payment_request: {
      payment_request_id: expect.stringMatching(/^krn:payment:/) as string,
      payment_request_reference: 'order-7',
      state: 'SUBMITTED',
    },
  });
  const request = json['payment_request'] as Record<string, string>;
  expect(Date.parse(request['expires_at'] ?? '')).toBe(Date.parse(timestamp));
  const id = request['payment_request_id'] ?? '';
  const itsPath = path.replace('authorize', `requests/${id}`);
  expect((await klarna.api('GET', itsPath)).json).toEqual(request);
  expect(await klarna.list('deliveries')).toMatchObject([
    { event_type: 'payment.request.state-change.submitted', payment_request_id: id },
  ]);
});

it('an authorization without step_up_config has Klarna’s default lifetime', async () => {
  const klarna = await startSimulator();
  const { json } = await klarna.api('POST', acquirerPath, {});
  const { expires_at: expiresAt } = json['payment_request'] as Record<string, string>;
  expect(Math.abs(Date.parse(expiresAt ?? '') - Date.now() - 3 * 3_600_000)).toBeLessThan(60_000);
});

it.each(['APPROVED', 'DECLINED'] as const)(
  'an authorization that is %s creates no Payment Request',
  async (result) => {
    const klarna = await startSimulator({ authorizeResult: result });
    expect(await klarna.api('POST', acquirerPath, {})).toMatchObject({ status: 200, json: { result } });
    expect(await klarna.list('payment-requests')).toEqual([]);
  },
);

it('an authorization is made once for one idempotency key', async () => {
  const klarna = await startSimulator();
  const authorize = () => klarna.api('POST', acquirerPath, {}, { 'klarna-idempotency-key': 'k' });
  expect((await authorize()).json).toEqual((await authorize()).json);
  expect(await klarna.list('payment-requests')).toHaveLength(1);
});

it.each<[string, Record<string, unknown>]>([
  ['step_up_config', { step_up_config: 5 }],
  ['step_up_config.payment_request_reference', { step_up_config: { payment_request_reference: 5 } }],
  ['step_up_config.customer_interaction_config', { step_up_config: { customer_interaction_config: 5 } }],
  [
    'step_up_config.customer_interaction_config.interaction_expiry',
    { step_up_config: { customer_interaction_config: { interaction_expiry: { duration: 'PT14M' } } } },
  ],
  ['currency', { currency: 'euro' }],
])('an authorization whose %s is wrong is refused in the envelope of its path', async (parameter, body) => {
  const klarna = await startSimulator();
  expect(await klarna.api('POST', acquirerPath, body)).toMatchObject({
    status: 400,
    json: { error_type: 'INPUT_ERROR', errors: [{ parameter }] },
  });
  expect(await klarna.api('POST', '/v2/payment/authorize', body)).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter }] },
  });
});

it('a key that is bound to another account cannot authorize for this one', async () => {
  const klarna = await startSimulator({ apiKeys: { 'other-key': { partner_account_id: 'krn:other' } } });
  const headers = { authorization: 'Basic other-key' };
  expect((await klarna.api('POST', acquirerPath, {}, headers)).status).toBe(403);
});
