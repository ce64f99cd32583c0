import { expect, it } from 'vitest';
import { startSimulator, subscribed } from './running-simulator.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

/** Klarna's delays, in seconds. */
const waits = [10, 120, 900, 10_800, 21_600, 43_200];

it.each([200, 201, 202, 204])('status %d counts as received', async (status) => {
  const receiver = await startWebhookReceiver();
  receiver.responses(status);
  const klarna = await startSimulator(subscribed(receiver.url));
  await klarna.do(await klarna.place(), 'start');
  await expect
    .poll(() => klarna.list('deliveries'))
    .toMatchObject([{ status: 'delivered', attempts: [{ status }] }]);
});

it.each([203, 301, 400, 500])('status %d does not count as received', async (status) => {
  const receiver = await startWebhookReceiver();
  receiver.responses(status);
  const klarna = await startSimulator({ ...subscribed(receiver.url), clockScale: 1 });
  await klarna.do(await klarna.place(), 'start');
  await expect
    .poll(() => klarna.list('deliveries'))
    .toMatchObject([{ status: 'waiting', attempts: [{ status }] }]);
});

it('a delivery is retried on Klarna’s schedule with the same bytes, and then never again', async () => {
  const receiver = await startWebhookReceiver();
  receiver.responses(...Array<number>(7).fill(503));
  const clockScale = 200_000;
  const klarna = await startSimulator({ ...subscribed(receiver.url), clockScale });
  await klarna.do(await klarna.place(), 'start');
  await expect.poll(() => klarna.list('deliveries'), { timeout: 5_000 }).toMatchObject([{ status: 'lost' }]);
  expect(receiver.received).toHaveLength(7);
  expect(new Set(receiver.received.map(({ bytes }) => bytes.toString('utf8'))).size).toBe(1);
  const [delivery] = await klarna.list('deliveries');
  const times = (delivery?.['attempts'] as { at: string }[]).map(({ at }) => Date.parse(at));
  for (const [index, wait] of waits.entries()) {
    const waited = (times[index + 1] ?? 0) - (times[index] ?? 0);
    expect(waited).toBeGreaterThanOrEqual(Math.floor((wait * 1000) / clockScale));
  }
  expect((await klarna.control('POST', '/deliveries/flush')).json).toEqual({ attempted: 0 });
});

it('the first retry comes after 10 seconds unscaled, and a flush does not wait for it', async () => {
  const receiver = await startWebhookReceiver();
  receiver.responses(503);
  const klarna = await startSimulator({ ...subscribed(receiver.url), clockScale: 1 });
  await klarna.do(await klarna.place(), 'start');
  await expect.poll(() => klarna.list('deliveries')).toMatchObject([{ attempts: [{ status: 503 }] }]);
  const [delivery] = await klarna.list('deliveries');
  const [attempt] = delivery?.['attempts'] as { at: string }[];
  const wait = Date.parse(String(delivery?.['next_attempt_at'])) - Date.parse(attempt?.at ?? '');
  expect(wait).toBeGreaterThanOrEqual(10_000);
  expect(wait).toBeLessThan(12_000);
  expect((await klarna.control('POST', '/deliveries/flush')).json).toEqual({ attempted: 1 });
  expect(await klarna.list('deliveries')).toMatchObject([
    {
      status: 'delivered',
      attempts: [
        { status: 503, response: 'taken' },
        { status: 200, response: 'taken' },
      ],
    },
  ]);
});

it('a delivery does not wait for ever for a response', async () => {
  const receiver = await startWebhookReceiver();
  receiver.responses('silence');
  const klarna = await startSimulator({ ...subscribed(receiver.url), deliveryTimeoutMs: 50 });
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(2);
  await expect
    .poll(() => klarna.list('deliveries'))
    .toMatchObject([{ attempts: [{ error: 'TimeoutError' }, { status: 200 }] }]);
});

it('an attempt without a response has the reason', async () => {
  const klarna = await startSimulator(subscribed('http://127.0.0.1:2/'));
  await klarna.do(await klarna.place(), 'start');
  const refused: unknown = expect.objectContaining({ error: 'ECONNREFUSED' });
  await expect
    .poll(async () => (await klarna.list('deliveries'))[0])
    .toMatchObject({ attempts: expect.arrayContaining([refused]) as unknown });
});

it('a configured delay applies before the first attempt', async () => {
  const receiver = await startWebhookReceiver();
  const klarna = await startSimulator({ ...subscribed(receiver.url), webhookDelayMs: 60_000 });
  await klarna.do(await klarna.place(), 'start');
  expect(await klarna.list('deliveries')).toMatchObject([{ status: 'waiting', attempts: [] }]);
  await klarna.control('POST', '/deliveries/flush');
  expect(receiver.states()).toEqual(['IN_PROGRESS']);
});

it('times have no fractions, as in Klarna’s samples, where configured so', async () => {
  const receiver = await startWebhookReceiver();
  const klarna = await startSimulator({ ...subscribed(receiver.url), occurredAtDigits: 0 });
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(1);
  expect(receiver.received[0]?.metadata['occurred_at']).toMatch(/T\d\d:\d\d:\d\dZ$/);
});

it('an onboarded account is announced to those who subscribe to accounts, with version 1', async () => {
  const receiver = await startWebhookReceiver();
  const { webhooks = [], ...rest } = subscribed(receiver.url);
  const accounts = webhooks.map((webhook) => ({ ...webhook, event_types: ['partner.account.*'] }));
  const klarna = await startSimulator({ ...rest, webhooks: accounts });
  const account_id = 'krn:partner:global:account:test:M4NEW';
  expect(await klarna.control('POST', '/accounts', { account_id })).toMatchObject({ status: 201 });
  await expect.poll(() => receiver.received.length).toBe(1);
  expect(JSON.parse(receiver.received[0]?.bytes.toString('utf8') ?? '')).toMatchObject({
    metadata: {
      event_type: 'partner.account.state-change.operational',
      event_version: 'v1',
      subject_account_id: account_id,
    },
  });
});
