import { describe, expect, it } from 'vitest';
import { piiCanaries } from '../../../local/klarna-simulator/pii-canaries.ts';
import { account, startSimulator, subscribed } from './running-simulator.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

const start = async () => {
  const receiver = await startWebhookReceiver();
  return { receiver, klarna: await startSimulator(subscribed(receiver.url)) };
};

describe('a customer', () => {
  it('a customer opens Klarna, steps back, opens it again and approves; each step is announced', async () => {
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

  it('only an approval shows name, address and token', async () => {
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

  it('a customer who approves or declines at once has opened Klarna’s flow', async () => {
    const { klarna } = await start();
    expect((await klarna.do(await klarna.place(), 'approve')).json['previous_state']).toBe('IN_PROGRESS');
    expect((await klarna.do(await klarna.place(), 'decline')).json).toMatchObject({
      state: 'DECLINED',
      previous_state: 'IN_PROGRESS',
    });
  });

  it('a completed request can be declined at authorization', async () => {
    const { klarna } = await start();
    const id = await klarna.place({ state: 'COMPLETED' });
    expect((await klarna.do(id, 'decline')).json['state']).toBe('DECLINED');
  });

  it('an abandoned request stays as it is, and the time is recorded', async () => {
    const { klarna } = await start();
    const id = await klarna.place();
    expect((await klarna.do(id, 'abandon')).json).toMatchObject({
      state: 'SUBMITTED',
      abandoned_at: expect.any(String) as string,
    });
    expect(await klarna.list('deliveries')).toEqual([]);
  });

  it('a request is submitted under a chosen id, and announced', async () => {
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

describe('the passing of time', () => {
  it('a request expires, which is announced, and is deleted some time later', async () => {
    const { klarna, receiver } = await start();
    await klarna.control('POST', '/settings', { deletionDelayMs: 1_500 });
    const id = await klarna.place({ expires_at: new Date(Date.now() + 1_500).toISOString() });
    expect((await klarna.read(id)).json['state']).toBe('SUBMITTED');
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['EXPIRED']);
    expect((await klarna.read(id)).json['state']).toBe('EXPIRED');
    await expect.poll(async () => (await klarna.read(id)).status, { timeout: 5_000 }).toBe(404);
    expect(await klarna.list('payment-requests')).toMatchObject([
      { payment_request_id: id, state: 'EXPIRED', deleted_at: expect.any(String) as string },
    ]);
  });

  it('a change of the clock applies at once', async () => {
    const { klarna, receiver } = await start();
    const id = await klarna.place();
    await klarna.control('POST', '/settings', { clockAheadMs: 4 * 3_600_000, deletionDelayMs: 60_000 });
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['EXPIRED']);
    const { updated_at: at } = (await klarna.read(id)).json;
    expect(Date.parse(String(at))).toBeGreaterThan(Date.now() + 3 * 3_600_000);
  });

  it('a paid request does not expire', async () => {
    const { klarna } = await start();
    const id = await klarna.place({ state: 'COMPLETED', expires_at: '2020-01-01T00:00:00Z' });
    expect((await klarna.read(id)).json['state']).toBe('COMPLETED');
  });

  it('a request can be made to expire, or be deleted, now', async () => {
    const { klarna } = await start();
    const id = await klarna.place();
    expect((await klarna.do(id, 'expire')).json['state']).toBe('EXPIRED');
    expect((await klarna.read(id)).status).toBe(200);
    await klarna.do(id, 'delete');
    expect((await klarna.read(id)).status).toBe(404);
    expect((await klarna.do(id, 'delete')).status).toBe(404);
  });
});
