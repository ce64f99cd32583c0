import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';
import { openLocalTarget, type Target, timers } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openLocalTarget();
  lapse = new SystemClient(system);
}, 60_000);

afterAll(() => system.stop());

const sweep = () => lapse.control('POST', '/sweep');

it('a cancel with an unknown outcome is settled by one sweep', async () => {
  const id = await lapse.createAtKlarna();
  const mute = { kind: 'unavailable', payment_request_id: id, times: 50 };
  await lapse.simulator('POST', '/faults', mute);
  const pending = await lapse.cancel(id);
  expect([pending.status, pending.body['outcome']]).toEqual([202, 'pending']);
  expect(await lapse.record(id)).toMatchObject({ state: null, final: false });
  await lapse.simulator('DELETE', '/faults');
  await sweep();
  expect(await lapse.record(id)).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
});

it('a DELETE that took effect without a response is known after one sweep, and not sent again', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', {
    kind: 'timeout-error',
    on: 'cancel',
    payment_request_id: id,
    effect: true,
  });
  await lapse.simulator('POST', '/faults', { kind: 'lose', on: 'webhook', payment_request_id: id, times: 9 });
  // The first read succeeds; the reads after the DELETE have no response.
  await lapse.simulator('POST', '/faults', { kind: 'slow', on: 'read', payment_request_id: id, delayMs: 1 });
  await lapse.simulator('POST', '/faults', { kind: 'reset', on: 'read', payment_request_id: id, times: 50 });
  expect((await lapse.cancel(id)).status).toBe(202);
  await lapse.simulator('DELETE', '/faults');
  await sweep();
  expect(await lapse.record(id)).toMatchObject({ state: 'CANCELED', final: true });
  expect((await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE')).toHaveLength(1);
});

it('a cancel whose function was killed during the DELETE is completed later', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', {
    kind: 'slow',
    on: 'cancel',
    payment_request_id: id,
    delayMs: 1_500,
  });
  const broken = lapse.cancel(id);
  await expect.poll(() => lapse.callsAtKlarna(id)).toContain('DELETE');
  await lapse.control('POST', '/faults', {
    target: 'lambda',
    kind: 'kill',
    function: 'cancel-payment-request',
  });
  expect((await broken).status).toBe(500);
  // Klarna did cancel. Its webhook, the sweep or the next caller reports that.
  await lapse.until(id, ({ state }) => state === 'CANCELED', 60_000);
}, 90_000);

it('a payment after our cancel keeps the state and sets attention', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.cancel(id);
  await lapse.deliver(id, 'COMPLETED', { occurredAt: '2999-01-01T00:00:00Z', eventId: randomUUID() });
  expect(await lapse.record(id)).toMatchObject({ state: 'CANCELED', attention: 'contradiction' });
  await expect
    .poll(async () => (await lapse.events()).map((event) => JSON.stringify(event)))
    .toContainEqual(
      expect.stringMatching(new RegExp(`Payment Request Needs Attention.*${id}|${id}.*Needs Attention`)),
    );
});

it.skipIf(timers === 'sweep')('a timer message that arrives twice, or early, has no effect', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.control('POST', '/faults', { target: 'sqs', kind: 'duplicate' });
  await lapse.register(id, { session_timeout: 'PT2S' });
  await lapse.until(id, ({ final }) => final === true);
  expect((await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE')).toHaveLength(1);
});

it('a webhook for an unregistered request creates a record that waits', async () => {
  const id = newPaymentRequestId();
  await lapse.deliver(id, 'SUBMITTED');
  expect(await lapse.record(id)).toMatchObject({ state: 'SUBMITTED', deadline_at: null, timer: 'none' });
});
