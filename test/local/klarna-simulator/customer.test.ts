import { describe, expect, it } from 'vitest';
import { piiCanaries } from '../../../local/klarna-simulator/pii-canaries.ts';
import { account, startSimulator, subscribed } from './running-simulator.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

const start = async () => {
  const receiver = await startWebhookReceiver();
  return { receiver, klarna: await startSimulator(subscribed(receiver.url)) };
};

describe('a customer', () => {
  it('goes in, steps back, goes in again and approves; each step is told', async () => {
    const { klarna, receiver } = await start();
    const id = await klarna.place({ payment_request_reference: 'order-7' });
    for (const [action, state] of [
      ['start', 'IN_PROGRESS'],
      ['step-back', 'SUBMITTED'],
      ['start', 'IN_PROGRESS'],
      ['approve', 'COMPLETED'],
    ] as const) {
      expect(await klarna.do(id, action)).toMatchObject({ status: 200, json: { state } });
    }
    await receiver.hasReceived(4);
    const inOrder = receiver.received.toSorted((a, b) =>
      String(a.metadata['occurred_at']).localeCompare(String(b.metadata['occurred_at'])),
    );
    expect(
      inOrder.map(({ payload }) => [payload['state'], payload['previous_state'], payload['state_reason']]),
    ).toEqual([
      ['IN_PROGRESS', 'SUBMITTED', undefined],
      ['SUBMITTED', 'IN_PROGRESS', 'PURCHASE_FLOW_ABORTED'],
      ['IN_PROGRESS', 'SUBMITTED', undefined],
      ['COMPLETED', 'IN_PROGRESS', undefined],
    ]);
    expect(new Set(inOrder.map(({ metadata }) => metadata['occurred_at'])).size).toBe(4);
    expect(inOrder[3]).toMatchObject({
      metadata: {
        event_type: 'payment.request.state-change.completed',
        event_version: 'v2',
        subject_account_id: account,
        live: false,
      },
      payload: { payment_request_id: id, payment_request_reference: 'order-7' },
    });
  });

  it('who approves gives name, address and token away, and nobody else does', async () => {
    const { klarna, receiver } = await start();
    await klarna.do(await klarna.place(), 'approve');
    await receiver.hasReceived(2);
    const texts = receiver.received.map(({ bytes }) => bytes.toString('utf8'));
    const completed = texts.find((text) => text.includes('"COMPLETED"')) ?? '';
    const other = texts.find((text) => !text.includes('"COMPLETED"')) ?? '';
    for (const canary of Object.values(piiCanaries)) {
      expect(completed).toContain(canary);
      expect(other).not.toContain(canary);
    }
  });

  it('who approves or declines at once has been in Klarna’s flow', async () => {
    const { klarna } = await start();
    expect((await klarna.do(await klarna.place(), 'approve')).json['previous_state']).toBe('IN_PROGRESS');
    expect((await klarna.do(await klarna.place(), 'decline')).json).toMatchObject({
      state: 'DECLINED',
      previous_state: 'IN_PROGRESS',
    });
  });

  it('can be declined at authorization', async () => {
    const { klarna } = await start();
    const id = await klarna.place({ state: 'COMPLETED' });
    expect((await klarna.do(id, 'decline')).json['state']).toBe('DECLINED');
  });

  it('who abandons does nothing more, which is noted', async () => {
    const { klarna } = await start();
    const id = await klarna.place();
    expect((await klarna.do(id, 'abandon')).json).toMatchObject({
      state: 'SUBMITTED',
      abandoned_at: expect.any(String) as string,
    });
    expect(await klarna.list('deliveries')).toEqual([]);
  });

  it('submits under a chosen id, which is told', async () => {
    const { klarna, receiver } = await start();
    const id = 'krn:payment:us1:request:chosen-1';
    expect((await klarna.do(id, 'submit', { partner_account_id: account })).status).toBe(201);
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['SUBMITTED']);
    expect((await klarna.do(id, 'submit')).status).toBe(409);
  });

  it.each([
    ['start', 'IN_PROGRESS', 'SUBMITTED'],
    ['step-back', 'SUBMITTED', 'IN_PROGRESS'],
    ['approve', 'CANCELED', 'SUBMITTED, IN_PROGRESS'],
    ['decline', 'EXPIRED', 'SUBMITTED, IN_PROGRESS, COMPLETED'],
    ['expire', 'COMPLETED', 'SUBMITTED, IN_PROGRESS'],
    ['abandon', 'DECLINED', 'SUBMITTED, IN_PROGRESS'],
  ])('the customer cannot %s when the request is %s', async (action, state, from) => {
    const { klarna } = await start();
    const id = await klarna.place({ state });
    expect(await klarna.do(id, action)).toMatchObject({
      status: 409,
      json: { error: `A request that is ${state} cannot ${action}; allowed from ${from}.` },
    });
    expect((await klarna.read(id)).json['state']).toBe(state);
  });
});

describe('time', () => {
  it('expires a request, tells it, and deletes the request a while later', async () => {
    const { klarna, receiver } = await start();
    await klarna.control('POST', '/settings', { deletionDelayMs: 300 });
    const id = await klarna.place({ expires_at: new Date(Date.now() + 100).toISOString() });
    expect((await klarna.read(id)).json['state']).toBe('SUBMITTED');
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['EXPIRED']);
    expect((await klarna.read(id)).json['state']).toBe('EXPIRED');
    await expect.poll(async () => (await klarna.read(id)).status, { timeout: 5_000 }).toBe(404);
    expect(await klarna.list('payment-requests')).toMatchObject([
      { payment_request_id: id, state: 'EXPIRED', deleted_at: expect.any(String) as string },
    ]);
  });

  it('passes at once when the clock is set', async () => {
    const { klarna, receiver } = await start();
    const id = await klarna.place();
    await klarna.control('POST', '/settings', { clockAheadMs: 4 * 3_600_000, deletionDelayMs: 60_000 });
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['EXPIRED']);
    const { updated_at: at } = (await klarna.read(id)).json;
    expect(Date.parse(String(at))).toBeGreaterThan(Date.now() + 3 * 3_600_000);
  });

  it('does nothing to what is paid', async () => {
    const { klarna } = await start();
    const id = await klarna.place({ state: 'COMPLETED', expires_at: '2020-01-01T00:00:00Z' });
    expect((await klarna.read(id)).json['state']).toBe('COMPLETED');
  });

  it('can be told to expire or delete a request now', async () => {
    const { klarna } = await start();
    const id = await klarna.place();
    expect((await klarna.do(id, 'expire')).json['state']).toBe('EXPIRED');
    expect((await klarna.read(id)).status).toBe(200);
    await klarna.do(id, 'delete');
    expect((await klarna.read(id)).status).toBe(404);
    expect((await klarna.do(id, 'delete')).status).toBe(404);
  });
});
