import { expect, it } from 'vitest';
import { signDelivery } from '../../../local/klarna-simulator/sign-delivery.ts';
import { signingKey, startSimulator, subscribed } from './running-simulator.ts';
import { type ReceivedDelivery, startWebhookReceiver } from './webhook-receiver.ts';

const start = async () => {
  const receiver = await startWebhookReceiver();
  return { receiver, klarna: await startSimulator(subscribed(receiver.url)) };
};

const isSigned = ({ headers, bytes }: ReceivedDelivery) =>
  headers['klarna-signature'] === signDelivery(bytes, signingKey);

it('wrong-signature: the first attempt has a wrong signature, the retry a right one', async () => {
  const { klarna, receiver } = await start();
  receiver.responses(400);
  await klarna.fault({ kind: 'wrong-signature' });
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(2);
  expect(receiver.received.map(isSigned)).toEqual([false, true]);
  expect(receiver.received[0]?.headers['klarna-signature']).toMatch(/^[0-9a-f]{64}$/);
  expect(receiver.received[0]?.bytes).toEqual(receiver.received[1]?.bytes);
});

it('duplicate: the same bytes arrive twice', async () => {
  const { klarna, receiver } = await start();
  await klarna.fault({ kind: 'duplicate', on: 'webhook' });
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(2);
  expect(receiver.received[0]?.bytes).toEqual(receiver.received[1]?.bytes);
  expect(receiver.received.every(isSigned)).toBe(true);
});

it('reorder: the delivery arrives after the next one', async () => {
  const { klarna, receiver } = await start();
  await klarna.fault({ kind: 'reorder' });
  const id = await klarna.place();
  await klarna.do(id, 'start');
  expect(await klarna.list('deliveries')).toMatchObject([{ status: 'waiting', held: true, attempts: [] }]);
  await klarna.do(id, 'approve');
  await receiver.hasReceived(2);
  expect(receiver.states()).toEqual(['COMPLETED', 'IN_PROGRESS']);
});

it('reorder: the delivery is sent after a while when there is no next one', async () => {
  const receiver = await startWebhookReceiver();
  const klarna = await startSimulator({ ...subscribed(receiver.url), clockScale: 10_000 });
  await klarna.fault({ kind: 'reorder' });
  await klarna.do(await klarna.place(), 'start');
  await receiver.hasReceived(1);
});

it('delay: the delivery arrives later by the delay', async () => {
  const { klarna, receiver } = await start();
  await klarna.fault({ kind: 'delay', delayMs: 150 });
  const id = await klarna.place();
  const began = Date.now();
  await klarna.do(id, 'start');
  await receiver.hasReceived(1);
  expect(Date.now() - began).toBeGreaterThanOrEqual(150);
});

it('lose: the delivery never arrives, even after a flush', async () => {
  const { klarna, receiver } = await start();
  const id = await klarna.place();
  await klarna.fault({ kind: 'lose', payment_request_id: id });
  await klarna.do(id, 'start');
  await klarna.do(id, 'approve');
  await receiver.hasReceived(1);
  await klarna.control('POST', '/deliveries/flush');
  expect(receiver.states()).toEqual(['COMPLETED']);
  expect((await klarna.list('deliveries')).map(({ status }) => status)).toEqual(['lost', 'delivered']);
});
