import { describe, expect, it } from 'vitest';
import { account, pathOf, startSimulator, subscribed } from './running-simulator.ts';

it('a request is created as specified, and announced only when asked to', async () => {
  const klarna = await startSimulator(subscribed('http://127.0.0.1:2/'));
  const request = {
    payment_request_id: 'krn:payment:us1:request:wanted',
    partner_account_id: account,
    state: 'IN_PROGRESS',
    expires_at: '2099-01-01T00:00:00.5Z',
    payment_request_reference: 'order-3',
    amount: 12,
  };
  const shown = { ...request, expires_at: '2099-01-01T00:00:00.500000000Z' };
  expect(await klarna.control('POST', '/payment-requests', request)).toMatchObject({
    status: 201,
    json: shown,
  });
  expect((await klarna.control('POST', '/payment-requests', request)).status).toBe(409);
  expect(await klarna.list('payment-requests')).toMatchObject([shown]);
  expect(await klarna.list('deliveries')).toEqual([]);
  await klarna.place({ announce: true });
  expect(await klarna.list('deliveries')).toMatchObject([
    { event_type: 'payment.request.state-change.submitted' },
  ]);
});

it('everything about one request is shown, without bodies and the customer’s data', async () => {
  const klarna = await startSimulator(subscribed('http://127.0.0.1:2/'));
  const id = await klarna.place({ announce: true });
  await klarna.place({ announce: true });
  await klarna.do(id, 'approve');
  await klarna.read(id);
  await klarna.do(id, 'delete');
  const { status, json, text } = await klarna.control('GET', `/payment-requests/${id}`);
  expect(status).toBe(200);
  expect(json).toMatchObject({
    payment_request: { payment_request_id: id, state: 'COMPLETED', deleted_at: expect.any(String) as string },
    calls: [{ method: 'GET', payment_request_id: id, status: 200 }],
    deliveries: [
      { event_type: 'payment.request.state-change.submitted', occurred_at: expect.any(String) as string },
      { event_type: 'payment.request.state-change.in-progress' },
      { event_type: 'payment.request.state-change.completed' },
    ],
  });
  expect(text).not.toContain('state_context');
  expect(text).not.toContain('"body"');
  expect((await klarna.control('GET', '/payment-requests/krn:none')).status).toBe(404);
});

it('every API call is recorded without its credentials, and the calls can be cleared', async () => {
  const klarna = await startSimulator();
  const id = await klarna.place();
  await klarna.api('GET', `${pathOf(id)}?x=1`, undefined, { 'partner-correlation-id': 'abc123' });
  await klarna.cancel(id);
  await klarna.cancel(id);
  await klarna.api('GET', '/nothing', undefined, { authorization: 'Basic not-to-be-noted' });
  const created = await klarna.api('POST', '/v2/payment/requests', {});
  const calls = await klarna.list('calls');
  expect(calls).toMatchObject([
    {
      method: 'GET',
      path: pathOf(id),
      payment_request_id: id,
      status: 200,
      correlation_id: 'abc123',
      took_effect: false,
    },
    { method: 'DELETE', payment_request_id: id, status: 200, correlation_id: null, took_effect: true },
    { method: 'DELETE', status: 409, took_effect: false },
    { method: 'GET', path: '/nothing', payment_request_id: null, status: 403 },
    {
      method: 'POST',
      payment_request_id: created.json['payment_request_id'],
      status: 201,
      took_effect: true,
    },
  ]);
  expect(JSON.stringify(calls)).not.toContain('not-to-be-noted');
  expect((await klarna.control('DELETE', '/calls')).status).toBe(204);
  expect(await klarna.list('calls')).toEqual([]);
});

it('a changed setting leaves the others unchanged', async () => {
  const klarna = await startSimulator({ webhookDelayMs: 7 });
  const { status, json } = await klarna.control('POST', '/settings', { completedCanBeCanceled: true });
  expect(status).toBe(200);
  expect(json).toMatchObject({ completedCanBeCanceled: true, webhookDelayMs: 7, clockScale: 60 });
  expect((await klarna.control('GET', '/settings')).json).toEqual(json);
});

describe('invalid input of the control surface', () => {
  it.each<[string, unknown, string]>([
    ['/faults', { kind: 'sabotage' }, 'kind is "sabotage"; allowed: conflict, timeout-error,'],
    ['/faults', {}, 'kind is missing; allowed: conflict,'],
    ['/faults', { kind: 'conflict', times: 0 }, 'times is 0; allowed: a whole number from 1 to 1000000.'],
    [
      '/faults',
      { kind: 'conflict', on: 'webhook' },
      'on is "webhook"; allowed: create, read, cancel, patch, authorize, any, manage.',
    ],
    ['/faults', { kind: 'lose', on: 'cancel' }, 'on is "cancel"; allowed: webhook.'],
    [
      '/faults',
      { kind: 'hang', status: 500 },
      'status is not a field; allowed: times, payment_request_id, on',
    ],
    ['/faults', { kind: 'html', status: 99 }, 'status is 99; allowed: a whole number from 200 to 599.'],
    ['/faults', { kind: 'slow', delayMs: -1 }, 'delayMs is -1; allowed: a whole number from 0 to 86400000.'],
    ['/faults', [], 'kind is missing'],
    ['/faults', 7, 'The text is 7; allowed: one JSON object.'],
    ['/faults', '{"kind":', 'The text is not JSON; allowed: one JSON object.'],
    ['/settings', { clockScale: 0 }, 'clockScale is 0; allowed: a number above 0.'],
    ['/settings', { responseToRepeatedCancel: 418 }, 'allowed: 200, 400, 403, 404, 409.'],
    ['/settings', { speed: 1 }, 'speed is not a field; allowed: completedCanBeCanceled,'],
    [
      '/payment-requests',
      { payment_request_id: 'mine' },
      'payment_request_id is "mine"; allowed: an id such as',
    ],
    ['/payment-requests', { state: 'PAID' }, 'state is "PAID"; allowed: SUBMITTED, IN_PROGRESS,'],
    ['/payment-requests', { expires_at: 'soon' }, 'expires_at is "soon"; allowed: a time in RFC 3339'],
    ['/payment-requests/mine/submit', {}, 'mine is not a valid id; allowed: one such as'],
    ['/payment-requests/mine/eat', {}, 'eat is not an action; allowed: submit, start,'],
    ['/payment-requests', 'x'.repeat(1_048_577), 'The body is too long; allowed: 1 MB.'],
  ])('%s %j is refused with what is allowed', async (path, body, sentence) => {
    const klarna = await startSimulator();
    const { status, json } = await klarna.control('POST', path, body);
    expect(status).toBe(400);
    expect(json['error']).toContain(sentence);
  });

  it('an unknown path and an unknown request get 404', async () => {
    const klarna = await startSimulator();
    const path = await klarna.control('GET', '/everything');
    expect([path.status, path.json['error']]).toEqual([
      404,
      expect.stringContaining('GET and DELETE /calls'),
    ]);
    const request = await klarna.do('krn:payment:eu1:request:none', 'start');
    expect([request.status, request.json['error']]).toEqual([
      404,
      expect.stringContaining('/submit makes one'),
    ]);
    expect((await klarna.do('%zz', 'start')).status).toBe(404);
  });
});
