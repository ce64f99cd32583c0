import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newPaymentRequestId,
  oneCancel,
  type SystemResponse,
  SystemClient,
} from '../support/system-client.ts';
import { openLocalTarget, type Target } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openLocalTarget();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

const newReference = (): string => `order ${randomUUID()} ü`;
const pathOf = (reference: string): string => `/references/${encodeURIComponent(reference)}`;

/** Waits until the request has joined what waits for the reference. Its own record has the session a moment before. */
async function untilJoined(reference: string, id: string): Promise<void> {
  await expect
    .poll(async () => (await lapse.api('GET', pathOf(reference))).body['awaited'], { timeout: 10_000 })
    .toMatchObject({ status: 'joined', payment_request_id: id });
}

const requestsOf = ({ body }: SystemResponse) =>
  body['payment_requests'] as readonly Record<string, unknown>[];

describe('a reference of the shop', () => {
  it("a request that was never registered is found and canceled by the reference in Klarna's webhook", async () => {
    const reference = newReference();
    expect((await lapse.api('GET', pathOf(reference))).status).toBe(404);
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });

    const found = await lapse.api('GET', pathOf(reference));
    expect(found).toMatchObject({ status: 200, body: { reference, status: 'open' } });
    expect(requestsOf(found)).toMatchObject([{ payment_request_id: id, reference }]);

    const canceled = await lapse.api('DELETE', `${pathOf(reference)}?reason=lost`);
    expect(requestsOf(canceled)).toEqual([
      { payment_request_id: id, outcome: 'canceled', state: 'CANCELED' },
    ]);
    expect((await lapse.api('GET', pathOf(reference))).body['status']).toBe('ended');
  });

  it('a read at Klarna tells the reference too', async () => {
    const reference = newReference();
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    const { body } = await lapse.api('GET', `/payment-requests/${id}?refresh=true`);
    expect(body).toMatchObject({ reference });
    expect(requestsOf(await lapse.api('GET', pathOf(reference)))).toHaveLength(1);
  });

  it('the reference of a registration stays, whatever Klarna tells', async () => {
    const [own, klarnas] = [newReference(), newReference()];
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT10M', reference: own });
    await lapse.deliver(id, 'IN_PROGRESS', { payload: { payment_request_reference: klarnas } });
    expect((await lapse.record(id))['reference']).toBe(own);
    expect((await lapse.api('GET', pathOf(klarnas))).status).toBe(404);
  });

  it('a registration after the webhook keeps the reference that Klarna told', async () => {
    const reference = newReference();
    const id = await lapse.createAtKlarna();
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    const { status, body } = await lapse.register(id, { session_timeout: 'PT10M' });
    expect({ status, reference: body['reference'] }).toEqual({ status: 201, reference });
  });

  it('a cancel by reference spares the paid one of two requests', async () => {
    const reference = newReference();
    const [paid, open] = [await lapse.createAtKlarna(), await lapse.createAtKlarna()];
    for (const id of [paid, open]) await lapse.register(id, { session_timeout: 'PT10M', reference });
    await lapse.customer(paid, 'start');
    await lapse.customer(paid, 'approve');
    await lapse.until(paid, ({ state }) => state === 'COMPLETED');
    const { body } = await lapse.api('DELETE', pathOf(reference));
    expect(body).toMatchObject({
      status: 'paid',
      payment_requests: [
        { payment_request_id: paid, outcome: 'already_final', state: 'COMPLETED' },
        { payment_request_id: open, outcome: 'canceled', state: 'CANCELED' },
      ],
    });
  });

  it('a session that is registered before the request exists joins it, with its deadline', async () => {
    const reference = newReference();
    const session_id = `cart ${randomUUID()}`;
    const put = () => lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M', session_id });
    expect(await put()).toMatchObject({ status: 201, body: { awaited: { status: 'waiting' } } });
    expect((await put()).status).toBe(200);
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, id);
    expect(await lapse.record(id)).toMatchObject({ reference, session_id, timer: 'armed' });
    expect(await put()).toMatchObject({ status: 200, body: { status: 'open' } });
  });

  it('a registration that is repeated with its key has its first outcome, before and after the join', async () => {
    const reference = newReference();
    const keyed = { 'idempotency-key': randomUUID() };
    const put = (session_timeout: string, headers: Record<string, string> = keyed) =>
      lapse.api('PUT', pathOf(reference), { session_timeout }, undefined, headers);
    expect((await put('PT10M')).status).toBe(201);
    const moved = await put('PT20M', {});
    expect(await put('PT10M')).toMatchObject({ status: 201, body: { awaited: moved.body['awaited'] } });
    expect(await put('PT11M')).toMatchObject({
      status: 422,
      body: { type: 'urn:lapse:problem:idempotency-key-reused', reference },
    });
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, id);
    expect((await lapse.cancel(id)).status).toBe(200);
    const after = await put('PT10M');
    expect(after.status).toBe(201);
    expect(requestsOf(after)).toMatchObject([{ payment_request_id: id, state: 'CANCELED' }]);
  });

  it('a cancel by reference that is repeated with its key leaves the next attempt alone', async () => {
    const reference = newReference();
    const cancel = () =>
      lapse.api('DELETE', pathOf(reference), undefined, undefined, { 'idempotency-key': 'end-1' });
    expect((await cancel()).status).toBe(202);
    const first = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(first, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, first);
    expect((await lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M' })).status).toBe(201);
    const again = await cancel();
    expect(again).toMatchObject({ status: 200, body: { awaited: null } });
    expect(requestsOf(again)).toEqual([
      { payment_request_id: first, outcome: 'canceled', state: 'CANCELED' },
    ]);
    const second = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(second, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, second);
    expect(await lapse.record(second)).toMatchObject({ cancellation: null, timer: 'armed' });
  });

  it('a registration that a final request refused is refused again with its key', async () => {
    const reference = newReference();
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'COMPLETED', { payload: { payment_request_reference: reference } });
    const put = () =>
      lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M' }, undefined, {
        'idempotency-key': 'order-1',
      });
    const first = await put();
    expect(first).toMatchObject({ status: 409, body: { payment_request_id: id, state: 'COMPLETED' } });
    expect((await put()).body).toEqual(first.body);
  });

  it('a registration after the webhook registers the request that was seen', async () => {
    const reference = newReference();
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    const registered = await lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M' });
    expect(registered).toMatchObject({ status: 201, body: { awaited: null } });
    expect(requestsOf(registered)).toMatchObject([{ payment_request_id: id, timer: 'armed' }]);
  });

  it('the first of two requests with the reference joins, and the other is only observed', async () => {
    const reference = newReference();
    await lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M' });
    const [first, second] = [await lapse.createAtKlarna(), await lapse.createAtKlarna()];
    for (const id of [first, second])
      await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, first);
    await lapse.control('POST', '/sweep');
    expect((await lapse.record(second))['deadline_at']).toBeNull();
  });

  it('a cancel before the request is seen is kept, and carried out once it is', async () => {
    const reference = newReference();
    const kept = await lapse.api(
      'DELETE',
      `${pathOf(reference)}?reason=${encodeURIComponent('basket emptied')}`,
    );
    expect(kept).toMatchObject({
      status: 202,
      body: { awaited: { status: 'waiting' }, payment_requests: [] },
    });
    expect((await lapse.api('PUT', pathOf(reference), { session_timeout: 'PT10M' })).status).toBe(409);
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference: reference } });
    const canceled = await lapse.until(id, ({ state }) => state === 'CANCELED');
    expect(canceled['cancellation']).toMatchObject({
      outcome: 'canceled',
      cause: 'api',
      reason: 'basket emptied',
    });
    expect((await lapse.callsAtKlarna(id)).join(' ')).toMatch(oneCancel);
  });

  it('a kept cancel spares a request that the customer has paid', async () => {
    const reference = newReference();
    await lapse.api('DELETE', pathOf(reference));
    const id = await lapse.createAtKlarna({ payment_request_reference: reference });
    await lapse.customer(id, 'start');
    await lapse.customer(id, 'approve');
    await lapse.deliver(id, 'IN_PROGRESS', { payload: { payment_request_reference: reference } });
    await untilJoined(reference, id);
    expect((await lapse.record(id))['state']).toBe('COMPLETED');
    expect(await lapse.callsAtKlarna(id)).not.toContain('DELETE');
  });

  it('a session whose request is never seen says so, and makes one event', async () => {
    const reference = newReference();
    const deadline_at = new Date(Date.now() + 1_500).toISOString();
    expect((await lapse.api('PUT', pathOf(reference), { deadline_at })).status).toBe(201);
    await expect
      .poll(
        async () => {
          await lapse.control('POST', '/sweep');
          return (await lapse.api('GET', pathOf(reference))).body;
        },
        { timeout: 15_000, interval: 500 },
      )
      .toMatchObject({ status: 'ended', awaited: { status: 'never_seen' }, payment_requests: [] });
    const told = async () =>
      (await lapse.events()).filter(
        ({ 'detail-type': type, detail }) =>
          type === 'Payment Request Never Seen' && (detail as { reference: unknown }).reference === reference,
      );
    await expect.poll(told, { timeout: 10_000 }).toHaveLength(1);
  });

  it.each(['a/b', '..', 'x'.repeat(256), ''])(
    'a reference in a webhook that no path can carry is ignored: %j',
    async (payment_request_reference) => {
      const id = newPaymentRequestId();
      const { status } = await lapse.deliver(id, 'SUBMITTED', { payload: { payment_request_reference } });
      expect(status).toBe(200);
      expect((await lapse.record(id))['reference']).toBeNull();
    },
  );
});
