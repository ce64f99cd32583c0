import { expect, it } from 'vitest';
import { signDelivery } from '../../../local/klarna-simulator/sign-delivery.ts';
import { account, type SimulatorClient, startSimulator } from './running-simulator.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

const signingKeys = '/v2/notification/signing-keys';
const webhooks = '/v2/notification/webhooks';

const newSigningKey = async (klarna: SimulatorClient) =>
  (await klarna.api('POST', signingKeys)).json as {
    readonly signing_key_id: string;
    readonly signing_key: string;
  };

const subscriptionTo = (
  url: string,
  signing_key_id: string,
  event_types: readonly string[] = ['payment.*'],
) => ({
  url,
  event_types,
  event_version: 'v2',
  signing_key_id,
  status: 'ENABLED',
});

it('a signing key is created, shows its secret once, and is deleted', async () => {
  const klarna = await startSimulator();
  const created = await klarna.api('POST', signingKeys);
  const { signing_key_id, signing_key, created_at } = created.json;
  expect([created.status, typeof signing_key]).toEqual([201, 'string']);
  const shown = { signing_key_id, created_at };
  expect((await klarna.api('GET', signingKeys)).json).toEqual({ signing_keys: [shown] });
  const item = `${signingKeys}/${String(signing_key_id)}`;
  expect((await klarna.api('GET', item)).json).toEqual(shown);
  expect(await klarna.api('DELETE', item)).toMatchObject({ status: 204, text: '' });
  expect((await klarna.api('GET', item)).status).toBe(404);
});

it('an account has at most 50 signing keys', async () => {
  const signing = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, 'x']));
  const klarna = await startSimulator({ signingKeys: signing });
  expect((await klarna.api('POST', signingKeys)).status).toBe(409);
});

it('a webhook is created, listed, changed and deleted', async () => {
  const klarna = await startSimulator();
  const receiver = await startWebhookReceiver();
  const key = await newSigningKey(klarna);
  const subscription = subscriptionTo(receiver.url, key.signing_key_id);
  const created = await klarna.api('POST', webhooks, subscription);
  expect(created).toMatchObject({ status: 201, json: subscription });
  const webhookId = String(created.json['webhook_id']);
  const item = `${webhooks}/${webhookId}`;
  expect((await klarna.api('GET', item)).json).toEqual(created.json);
  expect((await klarna.api('GET', webhooks)).json).toEqual({ webhooks: [created.json] });
  expect((await klarna.api('POST', webhooks, subscription)).status).toBe(409);
  expect((await klarna.api('DELETE', `${signingKeys}/${key.signing_key_id}`)).status).toBe(409);

  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(1);
  const [delivery] = receiver.received;
  expect(delivery?.headers['klarna-signing-key-id']).toBe(key.signing_key_id);
  expect(delivery?.headers['klarna-signature']).toBe(signDelivery(delivery?.bytes ?? '', key.signing_key));
  expect(delivery?.metadata).toMatchObject({ webhook_id: webhookId, subject_account_id: account });

  expect((await klarna.api('PATCH', item, { status: 'DISABLED' })).json['status']).toBe('DISABLED');
  await klarna.do(await klarna.place(), 'start');
  expect(await klarna.list('deliveries')).toHaveLength(1);
  expect((await klarna.api('DELETE', item)).status).toBe(204);
  expect((await klarna.api('GET', item)).status).toBe(404);
});

it.each<[string, readonly string[], readonly string[]]>([
  ['everything', ['payment.*'], ['in-progress', 'canceled', 'updated']],
  ['state changes', ['payment.request.state-change.*'], ['in-progress', 'canceled']],
  ['one type', ['payment.request.state-change.canceled'], ['canceled']],
  ['something else', ['dispute.*', 'payment.request'], []],
])('a subscriber to %s receives those events only', async (_, types, told) => {
  const klarna = await startSimulator({
    signingKeys: { k: 'secret' },
    webhooks: [{ url: 'http://127.0.0.1:2/', signing_key_id: 'k', event_types: [...types] }],
  });
  const moved = await klarna.place();
  await klarna.api('PATCH', `/v2/payment/requests/${moved}`, { amount: 5 });
  await klarna.do(await klarna.place(), 'start');
  await klarna.cancel(await klarna.place());
  const types_ = (await klarna.list('deliveries')).map(({ event_type }) =>
    String(event_type).split('.').at(-1),
  );
  expect(types_.toSorted()).toEqual([...told].toSorted());
});

it('a simulated event is about a request that does not exist', async () => {
  const klarna = await startSimulator();
  const receiver = await startWebhookReceiver();
  const { signing_key_id } = await newSigningKey(klarna);
  const { json } = await klarna.api(
    'POST',
    webhooks,
    subscriptionTo(receiver.url, signing_key_id, ['other.*']),
  );
  const simulate = `${webhooks}/${String(json['webhook_id'])}/simulate`;
  const event_type = 'payment.request.state-change.in-progress';
  expect((await klarna.api('POST', simulate, { event_type, event_version: 'v2' })).status).toBe(202);
  await receiver.hasReceived(1);
  expect(receiver.received[0]).toMatchObject({ metadata: { event_type }, payload: { state: 'IN_PROGRESS' } });
  expect(await klarna.list('payment-requests')).toEqual([]);
  const wildcard = { event_type: 'payment.*', event_version: 'v2' };
  expect((await klarna.api('POST', simulate, wildcard)).status).toBe(400);
});

it.each<[string, Record<string, unknown>]>([
  ['url', { url: 'ftp://example.com' }],
  ['event_types', { event_types: [] }],
  ['event_types', { event_types: ['*'] }],
  ['event_version', { event_version: 'v1' }],
  ['signing_key_id', { signing_key_id: 'unknown' }],
  ['status', { status: 'ON' }],
])('a subscription whose %s is %j is refused', async (parameter, wrong) => {
  const klarna = await startSimulator({ signingKeys: { k: 'secret' } });
  const response = await klarna.api('POST', webhooks, {
    ...subscriptionTo('http://127.0.0.1:2/', 'k'),
    ...wrong,
  });
  expect(response).toMatchObject({ status: 400, json: { validation_errors: [{ parameter }] } });
});

it('a subscription of the types that Lapse needs receives their events', async () => {
  const klarna = await startSimulator();
  const receiver = await startWebhookReceiver();
  const { signing_key_id } = await newSigningKey(klarna);
  const types = ['payment.request.*', 'payment.transaction.state-change.*'];
  const { json } = await klarna.api('POST', webhooks, subscriptionTo(receiver.url, signing_key_id, types));
  await klarna.do(await klarna.place(), 'start');
  const event_type = 'payment.transaction.state-change.authorized';
  const simulate = `${webhooks}/${String(json['webhook_id'])}/simulate`;
  expect((await klarna.api('POST', simulate, { event_type, event_version: 'v2' })).status).toBe(202);
  await receiver.hasReceived(2);
  const received = receiver.received.map(({ metadata }) => metadata['event_type']);
  expect(received.toSorted()).toEqual(['payment.request.state-change.in-progress', event_type]);
});

it('a rotation moves the webhook to the new key, and the old key can then be deleted', async () => {
  const klarna = await startSimulator();
  const receiver = await startWebhookReceiver();
  const old = await newSigningKey(klarna);
  const { json } = await klarna.api('POST', webhooks, subscriptionTo(receiver.url, old.signing_key_id));
  const next = await newSigningKey(klarna);
  const item = `${webhooks}/${String(json['webhook_id'])}`;
  const moved = await klarna.api('PATCH', item, { signing_key_id: next.signing_key_id });
  expect(moved.json).toEqual({ ...json, signing_key_id: next.signing_key_id });
  expect((await klarna.api('DELETE', `${signingKeys}/${old.signing_key_id}`)).status).toBe(204);
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(1);
  expect(receiver.received[0]?.headers['klarna-signing-key-id']).toBe(next.signing_key_id);
});

it('a change that makes two subscriptions equal is refused', async () => {
  const klarna = await startSimulator({ signingKeys: { k: 'secret' } });
  await klarna.api('POST', webhooks, subscriptionTo('http://127.0.0.1:2/', 'k', ['payment.*', 'other.*']));
  const { json } = await klarna.api('POST', webhooks, subscriptionTo('http://127.0.0.1:3/', 'k'));
  const item = `${webhooks}/${String(json['webhook_id'])}`;
  const equal = { url: 'http://127.0.0.1:2/', event_types: ['other.*', 'payment.*'] };
  expect((await klarna.api('PATCH', item, equal)).status).toBe(409);
  expect((await klarna.api('PATCH', item, { url: 'http://127.0.0.1:3/' })).status).toBe(200);
  expect(await klarna.api('PATCH', item, { status: 'PAUSED' })).toMatchObject({
    status: 400,
    json: { validation_errors: [{ parameter: 'status' }] },
  });
});

it('a webhook is disabled and enabled by a change with an idempotency key', async () => {
  const klarna = await startSimulator({ signingKeys: { k: 'secret' } });
  const { json } = await klarna.api('POST', webhooks, subscriptionTo('http://127.0.0.1:2/', 'k'));
  const item = `${webhooks}/${String(json['webhook_id'])}`;
  const change = (status: string, key: string) =>
    klarna.api('PATCH', item, { status }, { 'klarna-idempotency-key': key });
  expect((await change('DISABLED', 'one')).json['status']).toBe('DISABLED');
  expect((await change('ENABLED', 'two')).json['status']).toBe('ENABLED');
  expect((await change('DISABLED', 'one')).json['status']).toBe('DISABLED');
  expect((await klarna.api('GET', item)).json['status']).toBe('ENABLED');
});
