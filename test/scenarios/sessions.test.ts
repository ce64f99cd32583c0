import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SystemResponse, newPaymentRequestId, SystemClient } from '../support/system-client.ts';
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

const newSession = (): string => `cart ${randomUUID()} ö`;
const pathOf = (session: string): string => `/sessions/${encodeURIComponent(session)}`;

/** Payment Requests at Klarna, all registered for one session. */
async function attempts(session: string, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const id = await lapse.createAtKlarna();
    const { status } = await lapse.register(id, { session_timeout: 'PT10M', session_id: session });
    expect(status).toBe(201);
    ids.push(id);
  }
  return ids;
}

const requestsOf = ({ body }: SystemResponse) =>
  body['payment_requests'] as readonly Record<string, unknown>[];

const statusOf = async (session: string) => (await lapse.api('GET', pathOf(session))).body['status'];

describe('a session', () => {
  it('a session is open, and paid once one of its requests is, whatever the others are', async () => {
    const session = newSession();
    const [first = '', second = ''] = await attempts(session, 2);
    const before = await lapse.api('GET', pathOf(session));
    expect(before.body).toMatchObject({ session_id: session, status: 'open' });
    expect(requestsOf(before).map((each) => each['payment_request_id'])).toEqual([first, second]);

    await lapse.deliver(first, 'EXPIRED');
    expect(await statusOf(session)).toBe('open');
    await lapse.deliver(second, 'COMPLETED');
    expect(await statusOf(session)).toBe('paid');
    expect((await lapse.record(first))['state']).toBe('EXPIRED');
  });

  it('a page that knows a session gets 304 until it changes, and counts down by the time of the server', async () => {
    const session = newSession();
    const [id = ''] = await attempts(session, 1);
    const first = await lapse.api('GET', pathOf(session));
    expect(first.body['seconds_left']).toBeGreaterThan(500);
    expect(first.body['seconds_left']).toBeLessThanOrEqual(600);
    const deadline = Date.parse(String(requestsOf(first)[0]?.['deadline_at']));
    const left = (deadline - Date.parse(String(first.body['server_time']))) / 1_000;
    expect(first.body['seconds_left']).toBe(Math.floor(left));

    const known = { 'if-none-match': first.headers.get('etag') ?? '' };
    const again = () => lapse.api('GET', pathOf(session), undefined, undefined, known);
    expect(await again()).toMatchObject({ status: 304, body: { text: '' } });
    await lapse.deliver(id, 'COMPLETED');
    expect(await again()).toMatchObject({ status: 200, body: { status: 'paid', seconds_left: null } });
  });

  it('a cancel for an operator says so in the record, and names the operator', async () => {
    const session = newSession();
    const [id = ''] = await attempts(session, 1);
    const behind = (name: string) => ({ 'x-requested-by': name });
    const refused = await lapse.api('DELETE', pathOf(session), undefined, undefined, behind('root:x'));
    expect(refused).toMatchObject({ status: 400, body: { field: 'X-Requested-By' } });
    await lapse.api('DELETE', pathOf(session), undefined, undefined, behind('operator:night-shift'));
    expect(await lapse.record(id)).toMatchObject({
      state: 'CANCELED',
      cancellation: {
        cause: 'operator',
        requested_by: expect.stringMatching(/ for operator:night-shift$/) as string,
      },
    });
  });

  it('a registration that is repeated with its key leaves a later deadline alone, and another call is refused', async () => {
    const id = await lapse.createAtKlarna();
    const path = `/payment-requests/${id}`;
    const keyed = { 'idempotency-key': randomUUID() };
    const register = (body: unknown) => lapse.api('PUT', path, body, undefined, keyed);
    expect((await register({ session_timeout: 'PT10M' })).status).toBe(201);
    const moved = await lapse.api('PATCH', path, { session_timeout: 'PT20M' });
    const again = await register({ session_timeout: 'PT10M' });
    expect(again).toMatchObject({ status: 201, body: { deadline_at: moved.body['deadline_at'] } });
    const extend = () =>
      lapse.api('PATCH', path, { session_timeout: 'PT30M' }, undefined, { 'idempotency-key': 'longer-1' });
    const { deadline_at, extensions } = (await extend()).body;
    expect(await extend()).toMatchObject({ status: 200, body: { deadline_at, extensions } });
    expect(await register({ session_timeout: 'PT11M' })).toMatchObject({
      status: 422,
      body: { type: 'urn:lapse:problem:idempotency-key-reused' },
    });

    const cancel = () =>
      lapse.api('DELETE', path, undefined, undefined, { 'idempotency-key': randomUUID().slice(0, 8) });
    const own = { 'idempotency-key': 'cancel-1' };
    expect((await cancel()).body['outcome']).toBe('canceled');
    const other = () => lapse.api('DELETE', path, undefined, undefined, own);
    expect((await other()).body['outcome']).toBe('already_canceled');
    expect((await other()).body['outcome']).toBe('already_canceled');
  });

  it('a cancel of a session that is repeated with its key leaves a newer attempt alone', async () => {
    const session = newSession();
    const [first = ''] = await attempts(session, 1);
    const end = (reason: string) =>
      lapse.api('DELETE', `${pathOf(session)}?reason=${reason}`, undefined, undefined, {
        'idempotency-key': `end ${session}`.replaceAll(/[^a-z0-9]/g, '').slice(0, 64),
      });
    const canceled = { payment_request_id: first, outcome: 'canceled', state: 'CANCELED' };
    expect((await end('out')).body['payment_requests']).toEqual([canceled]);
    const [second = ''] = await attempts(session, 1);
    expect((await end('out')).body['payment_requests']).toEqual([canceled]);
    expect((await lapse.record(second))['cancellation']).toBeNull();
    expect(await end('other')).toMatchObject({
      status: 422,
      body: { type: 'urn:lapse:problem:idempotency-key-reused', session_id: session },
    });
  });

  it('a session is ended when all of its requests are', async () => {
    const session = newSession();
    const [first = '', second = ''] = await attempts(session, 2);
    await lapse.cancel(first);
    expect(await statusOf(session)).toBe('open');
    await lapse.cancel(second);
    expect(await statusOf(session)).toBe('ended');
  });

  it('a canceled session ends its open requests and leaves the paid one', async () => {
    const session = newSession();
    const [open = '', paid = '', over = ''] = await attempts(session, 3);
    await lapse.customer(paid, 'start');
    await lapse.customer(paid, 'approve');
    await lapse.until(paid, ({ state }) => state === 'COMPLETED');
    await lapse.cancel(over);
    const commands = (id: string) =>
      lapse
        .api('GET', `/payment-requests/${id}/history`)
        .then(({ body }) =>
          (body['entries'] as readonly Record<string, unknown>[]).filter(
            ({ kind }) => kind === 'cancel_request',
          ),
        );
    const before = [await commands(paid), await commands(over)];

    const dryRun = await lapse.api('DELETE', `${pathOf(session)}?dry_run=true`);
    expect(requestsOf(dryRun).map((each) => each['outcome'])).toEqual([
      'would_cancel',
      'already_final',
      'already_canceled',
    ]);
    expect((await lapse.record(open))['state']).not.toBe('CANCELED');

    const response = await lapse.api('DELETE', `${pathOf(session)}?reason=basket%20emptied`);
    expect(response.status).toBe(200);
    expect(requestsOf(response)).toEqual([
      { payment_request_id: open, outcome: 'canceled', state: 'CANCELED' },
      { payment_request_id: paid, outcome: 'already_final', state: 'COMPLETED' },
      { payment_request_id: over, outcome: 'already_canceled', state: 'CANCELED' },
    ]);
    expect(response.body['status']).toBe('paid');
    const after = [await commands(paid), await commands(over)];
    expect(after.map((entries) => entries.slice(0, -1))).toEqual(before);
    const asked = { requested_by: expect.any(String) as string, reason: 'basket emptied' };
    expect(after.map((entries) => entries.at(-1))).toMatchObject([
      { effect: 'noted', state: 'COMPLETED', evidence: { ...asked, outcome: 'spared' } },
      { effect: 'noted', state: 'CANCELED', evidence: { ...asked, outcome: 'already_canceled' } },
    ]);
    expect(await lapse.record(open)).toMatchObject({
      state: 'CANCELED',
      cancellation: { cause: 'api', reason: 'basket emptied' },
    });
    expect(await lapse.callsAtKlarna(paid)).toEqual([]);

    const again = await lapse.api('DELETE', pathOf(session));
    expect(requestsOf(again).map((each) => each['outcome'])).toEqual([
      'already_canceled',
      'already_final',
      'already_canceled',
    ]);
  });

  it('a session canceled ten times at once sends one DELETE for each request', async () => {
    const session = newSession();
    const ids = await attempts(session, 3);
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => lapse.api('DELETE', pathOf(session))),
    );
    for (const response of responses) {
      expect(response.status).toBe(200);
      for (const { outcome } of requestsOf(response)) {
        expect(['canceled', 'already_canceled', 'pending']).toContain(outcome);
      }
    }
    for (const id of ids) {
      expect((await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE')).toHaveLength(1);
    }
    expect(await statusOf(session)).toBe('ended');
  });

  it('a canceled session ends its other requests when Klarna does not respond about one', async () => {
    const session = newSession();
    const [silent = '', other = ''] = await attempts(session, 2);
    await lapse.simulator('POST', '/faults', {
      kind: 'hang',
      on: 'any',
      payment_request_id: silent,
      times: 20,
    });
    const response = await lapse.api('DELETE', pathOf(session));
    expect(requestsOf(response)).toMatchObject([
      { payment_request_id: silent, outcome: 'pending' },
      { payment_request_id: other, outcome: 'canceled', state: 'CANCELED' },
    ]);
    await lapse.simulator('DELETE', '/faults');
  });

  it('an unknown session returns 404', async () => {
    for (const method of ['GET', 'DELETE']) {
      const response = await lapse.api(method, pathOf(newSession()));
      expect([response.status, response.body['type']]).toEqual([404, 'urn:lapse:problem:not-found']);
    }
  });
});

describe('the list of an account', () => {
  it('all pages of the list have every open request once, and no ended one', async () => {
    const open = await attempts(newSession(), 5);
    const [ended = ''] = await attempts(newSession(), 1);
    await lapse.cancel(ended);
    const found: string[] = [];
    let path = '/payment-requests?open=true&limit=2';
    for (let pages = 0; pages < 50; pages += 1) {
      const response = await lapse.api('GET', path);
      expect(response.status).toBe(200);
      expect(requestsOf(response).length).toBeLessThanOrEqual(2);
      for (const each of requestsOf(response)) {
        expect(each['final']).toBe(false);
        found.push(String(each['payment_request_id']));
      }
      const cursor = response.body['next_cursor'];
      if (typeof cursor !== 'string') break;
      path = `/payment-requests?open=true&limit=2&cursor=${cursor}`;
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found.slice(0, 5)).toEqual(open.toReversed());
    expect(found).not.toContain(ended);
  });

  it('the list filters by state and by deadline', async () => {
    const id = newPaymentRequestId();
    await lapse.deliver(id, 'DECLINED');
    const reference = newSession();
    await lapse.api('PUT', `/payment-requests/${id}`, { session_timeout: 'PT20M', reference });
    const declined = async (state: string) => {
      const query = `state=${state}&reference=${encodeURIComponent(reference)}`;
      const response = await lapse.api('GET', `/payment-requests?${query}`);
      return requestsOf(response).map((each) => each['payment_request_id']);
    };
    await expect.poll(() => declined('DECLINED'), { timeout: 10_000 }).toEqual([id]);
    expect(await declined('CANCELED')).toEqual([]);

    const [soon = ''] = await attempts(newSession(), 1);
    const deadline = String((await lapse.record(soon))['deadline_at']);
    const due = async (before: string) =>
      requestsOf(await lapse.api('GET', `/payment-requests?open=true&limit=100&due_before=${before}`)).map(
        (each) => each['payment_request_id'],
      );
    expect(await due(deadline)).not.toContain(soon);
    expect(await due(new Date(Date.parse(deadline) + 1).toISOString())).toContain(soon);
  });

  it.each([
    ['state', 'state=PAID'],
    ['open', 'open=maybe'],
    ['open', 'open=false'],
    ['state', 'state=DECLINED'],
    ['due_before', 'due_before=tomorrow'],
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['cursor', 'cursor=nonsense'],
    ['page', 'page=2'],
  ])('the list refuses an invalid %s: %s', async (field, query) => {
    const response = await lapse.api('GET', `/payment-requests?${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.body).toMatchObject({ type: 'urn:lapse:problem:invalid-request', field });
    expect(response.body['allowed']).toBeTruthy();
  });
});
