import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPaymentRequestId, oneCancel, SystemClient } from '../support/system-client.ts';
import { hasSimulator, isDeployed, openTarget, type Target, timers } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openTarget();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

const final = (record: Record<string, unknown>): boolean => record['final'] === true;

/** Klarna's webhook about our own cancel may arrive before the cancel is recorded. */
const settled = (record: Record<string, unknown>): boolean =>
  final(record) && (record['cancellation'] as { outcome?: string } | null)?.outcome === 'canceled';

describe.skipIf(!hasSimulator)('a cancel on request', () => {
  it('a cancel of an unregistered request sends one GET and one DELETE, and a second cancel sends none', async () => {
    const id = await lapse.createAtKlarna();
    const first = await lapse.cancel(id, '?reason=shopper%20left');
    expect([first.status, first.body['outcome']]).toEqual([200, 'canceled']);
    expect(await lapse.record(id)).toMatchObject({
      state: 'CANCELED',
      final: true,
      evidence: { source: 'cancel' },
      cancellation: { outcome: 'canceled', cause: 'api', reason: 'shopper left' },
    });
    const second = await lapse.cancel(id);
    expect([second.status, second.body['outcome']]).toEqual([200, 'already_canceled']);
    expect((await lapse.callsAtKlarna(id)).join(' ')).toMatch(oneCancel);
  });

  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'])(
    'a cancel of a %s request returns 409 with the state and sends no DELETE',
    async (state) => {
      const id = await lapse.createAtKlarna({ state });
      const response = await lapse.cancel(id);
      expect(response.status).toBe(409);
      expect(response.body).toMatchObject({ type: 'urn:lapse:problem:already-final', state });
      expect(await lapse.callsAtKlarna(id)).toEqual(['GET']);
    },
  );

  it('a cancel of a COMPLETED request with allow_completed asks Klarna, which decides', async () => {
    const strict = await lapse.createAtKlarna({ state: 'COMPLETED' });
    expect((await lapse.cancel(strict, '?allow_completed=true')).status).toBe(409);
    expect(await lapse.callsAtKlarna(strict)).toContain('DELETE');

    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: true });
    const lax = await lapse.createAtKlarna({ state: 'COMPLETED' });
    expect((await lapse.cancel(lax, '?allow_completed=true')).body['outcome']).toBe('canceled');
    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: false });
  });

  it('twenty simultaneous cancels send one DELETE, and each gets a 2xx response', async () => {
    const id = await lapse.createAtKlarna();
    const responses = await Promise.all(Array.from({ length: 20 }, () => lapse.cancel(id)));
    for (const { status } of responses) expect([200, 202]).toContain(status);
    expect((await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE')).toHaveLength(1);
    expect((await lapse.record(id))['state']).toBe('CANCELED');
  });

  it('a cancel of a request that does not exist returns 404 and makes no record', async () => {
    const id = newPaymentRequestId();
    expect((await lapse.cancel(id)).status).toBe(404);
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);
  });

  it('a dry run says what it would do, and sends no DELETE', async () => {
    const id = await lapse.createAtKlarna();
    expect((await lapse.cancel(id, '?dry_run=true')).body['outcome']).toBe('would_cancel');
    expect(await lapse.callsAtKlarna(id)).toEqual(['GET']);
    expect((await lapse.cancel(id, '?dryrun=true')).status).toBe(400);
    expect(await lapse.callsAtKlarna(id)).toEqual(['GET']);
  });
});

describe.skipIf(!hasSimulator)('a cancel to which Klarna responds badly', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['500 TIMEOUT, though it was done', { kind: 'timeout-error', effect: true }, 200],
    ['500 TIMEOUT, not done', { kind: 'timeout-error', effect: false }, 200],
    ['a reset, though it was done', { kind: 'reset', effect: true }, 200],
    ['a 200 without a body', { kind: 'empty' }, 200],
    ['HTML', { kind: 'html', status: 502 }, 200],
    ['429 for a second', { kind: 'rate-limit' }, 200],
    ['409, since the customer has just approved', { kind: 'approve-first' }, 409],
  ])('a cancel with the fault %s has the right outcome', async (_, fault, status) => {
    const id = await lapse.createAtKlarna();
    await lapse.simulator('POST', '/faults', { on: 'cancel', payment_request_id: id, ...fault });
    const response = await lapse.cancel(id);
    expect(response.status).toBe(status);
    expect((await lapse.record(id))['state']).toBe(status === 409 ? 'COMPLETED' : 'CANCELED');
  });

  it('a cancel without any response of Klarna returns 202, and the record claims nothing more', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.simulator('POST', '/faults', {
      kind: 'hang',
      on: 'any',
      payment_request_id: id,
      times: 20,
    });
    const response = await lapse.cancel(id);
    expect([response.status, response.body['outcome']]).toEqual([202, 'pending']);
    expect(await lapse.record(id)).toMatchObject({ state: null, cancellation: { outcome: 'pending' } });
    await lapse.simulator('DELETE', '/faults');
    expect((await lapse.cancel(id)).status).toBe(200);
  });
});

describe.skipIf(isDeployed)('a session', () => {
  it('an abandoned session is canceled within two seconds of its deadline', async () => {
    const id = await lapse.createAtKlarna();
    const registered = await lapse.register(id, {
      session_timeout: 'PT2S',
      session_id: 'cart-1',
      reference: 'order-1',
    });
    expect(registered.status).toBe(201);
    const deadline = Date.parse(String(registered.body['deadline_at']));
    const record = await lapse.until(id, settled);
    expect(record).toMatchObject({
      state: 'CANCELED',
      session_id: 'cart-1',
      timer: 'fired',
      cancellation: { cause: 'timeout', outcome: 'canceled' },
    });
    expect(Date.parse(String(record['updated_at'])) - deadline).toBeLessThan(2_000);
  });

  it('a session that is paid before its deadline is spared, and no DELETE is sent', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT2S' });
    await lapse.customer(id, 'start');
    await lapse.customer(id, 'approve');
    const record = await lapse.until(id, ({ timer }) => timer === 'fired');
    expect(record['state']).toBe('COMPLETED');
    expect(await lapse.callsAtKlarna(id)).toEqual([]);
  });

  it('a session whose deadline moves ends at the new deadline', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT30M' });
    const moved = await lapse.api('PATCH', `/payment-requests/${id}`, { session_timeout: 'PT2S' });
    expect(moved.status).toBe(200);
    expect((await lapse.until(id, final))['state']).toBe('CANCELED');
  });

  it('a session is registered once, however often it is sent, and not after its end', async () => {
    const id = await lapse.createAtKlarna();
    expect((await lapse.register(id, { session_timeout: 'PT10M' })).status).toBe(201);
    expect((await lapse.register(id, { session_timeout: 'PT10M' })).status).toBe(200);
    await lapse.cancel(id);
    const late = await lapse.register(id, { session_timeout: 'PT10M' });
    expect([late.status, late.body['type'], late.body['state']]).toEqual([
      409,
      'urn:lapse:problem:already-final',
      'CANCELED',
    ]);
  });

  it('an open session has one schedule, unless the sweep is the timer, and an ended one has none', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT10M' });
    const schedules = async () =>
      JSON.stringify((await lapse.control('GET', '/schedules')).body).includes(id);
    expect(await schedules()).toBe(timers === 'scheduler');
    await lapse.cancel(id);
    expect(await schedules()).toBe(false);
  });
});

describe('webhooks', () => {
  const lifecycle = ['SUBMITTED', 'IN_PROGRESS', 'SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'DECLINED'];

  it('webhooks in any order, each three times, lead to the same record', async () => {
    const deliveries = lifecycle.map((state, index) => ({
      state,
      eventId: `event-${index}`,
      occurredAt: `2026-03-01T12:00:0${index}Z`,
    }));
    const shuffles = [
      deliveries,
      deliveries.toReversed(),
      [5, 0, 3, 1, 4, 2].map((index) => deliveries[index]),
    ];
    const records: Record<string, unknown>[] = [];
    for (const order of shuffles) {
      const id = newPaymentRequestId();
      for (const delivery of [...order, ...order, ...order]) {
        if (!delivery) continue;
        expect((await lapse.deliver(id, delivery.state, delivery)).status).toBe(200);
      }
      const {
        payment_request_id: _,
        created_at: __,
        updated_at: ___,
        trace_id: ____,
        version,
        evidence,
        ...record
      } = await lapse.record(id);
      // One write for each delivery with a new fact, and one more if a sweep runs meanwhile.
      expect([6, 7]).toContain(version);
      records.push({ ...record, by: (evidence as Record<string, unknown>)['event_id'] });
    }
    expect(records[0]).toMatchObject({ state: 'DECLINED', by: 'event-5' });
    expect(records[1]).toEqual(records[0]);
    expect(records[2]).toEqual(records[0]);
  });

  it('webhooks that arrive before the registration are kept and joined', async () => {
    const id = newPaymentRequestId();
    await lapse.deliver(id, 'IN_PROGRESS');
    expect((await lapse.register(id, { session_timeout: 'PT10M', session_id: 'cart-9' })).status).toBe(201);
    expect(await lapse.record(id)).toMatchObject({
      state: 'IN_PROGRESS',
      session_id: 'cart-9',
      timer: timers === 'sweep' ? 'sweep' : 'armed',
    });
  });

  it.each<[string, (id: string) => Promise<{ status: number }>, number]>([
    ['another key', (id) => lapse.deliver(id, 'COMPLETED', { key: { id: 'unknown', key: 'x' } }), 400],
    [
      'a wrong signature',
      (id) => lapse.deliver(id, 'COMPLETED', { headers: { 'klarna-signature': 'a'.repeat(64) } }),
      400,
    ],
    [
      'no JSON by content type',
      (id) => lapse.deliver(id, 'COMPLETED', { headers: { 'content-type': 'text/plain' } }),
      415,
    ],
    ['more than 64 KiB', () => lapse.post(`{"a":"${'x'.repeat(70_000)}"}`), 413],
    [
      'another account',
      (id) => lapse.deliver(id, 'COMPLETED', { metadata: { subject_account_id: 'krn:other' } }),
      200,
    ],
    ['another environment', (id) => lapse.deliver(id, 'COMPLETED', { metadata: { live: true } }), 200],
    [
      'an unknown type',
      (id) => lapse.deliver(id, 'COMPLETED', { metadata: { event_type: 'payment.new' } }),
      200,
    ],
    ['an unknown state', (id) => lapse.deliver(id, 'COMPLETED', { payload: { state: 'PAUSED' } }), 200],
    ['no JSON at all', () => lapse.post('}{'), 200],
  ])('a delivery with %s changes no record', async (_, deliver, status) => {
    const id = newPaymentRequestId();
    expect((await deliver(id)).status).toBe(status);
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);
  });

  it('a webhook is accepted by POST only', async () => {
    expect((await fetch(system.webhook)).status).toBe(405);
  });

  it.skipIf(isDeployed)(
    'webhooks get 503 while the table does not respond, and are stored once it does',
    async () => {
      const id = newPaymentRequestId();
      await lapse.control('POST', '/faults', {
        target: 'dynamodb',
        kind: 'error',
        action: 'UpdateItem',
        times: 10,
      });
      const options = { eventId: randomUUID(), occurredAt: '2026-03-01T12:00:00Z' };
      expect((await lapse.deliver(id, 'COMPLETED', options)).status).toBe(503);
      await lapse.control('DELETE', '/faults');
      expect((await lapse.deliver(id, 'COMPLETED', options)).status).toBe(200);
      expect((await lapse.record(id))['state']).toBe('COMPLETED');
    },
  );
});

describe('the page of a session', () => {
  it('a page reads its session with a token and no other authorization, where the deployment has pages', async () => {
    const session = `cart-${randomUUID()}`;
    const body = { session_timeout: 'PT10M', session_id: session };
    expect((await lapse.register(newPaymentRequestId(), body)).status).toBe(201);
    const make = () => lapse.api('POST', `/sessions/${session}/page-token`, { valid_for: 'PT5M' });
    // The index that finds a session is a moment behind.
    await expect.poll(async () => (await make()).status, { timeout: 10_000 }).not.toBe(404);
    const { status, body: made } = await make();
    if (status === 409) {
      expect(made['type']).toBe('urn:lapse:problem:no-page-origins');
      return;
    }
    expect(status).toBe(201);
    const read = (authorization: string) =>
      fetch(`${system.api}${String(made['path'])}`, {
        headers: { authorization, origin: 'https://other.example' },
      });
    const page = await read(`Bearer ${String(made['token'])}`);
    expect([page.status, page.headers.get('vary')]).toEqual([200, 'Origin']);
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    expect(await page.json()).toMatchObject({ session_id: session, status: 'open' });
    const forged = await read(`Bearer ${String(made['token']).slice(0, -4)}AAAA`);
    expect(forged.status).toBe(401);
    expect(await forged.json()).toMatchObject({ type: 'urn:lapse:problem:invalid-page-token' });
  });
});

describe('invalid input', () => {
  const anyId = 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4';

  it.each([
    ['another KRN', 'krn:partner:global:account:test:M48JWZF8'],
    ['encoded control characters', 'krn%0d%0aSet-Cookie:x'],
    ['10 KB', 'x'.repeat(10_000)],
  ])('an id that is %s is refused', async (_, id) => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const response = await lapse.api(method, `/payment-requests/${id}`, method === 'GET' ? undefined : {});
      expect([response.status, response.body['field']]).toEqual([400, 'payment_request_id']);
    }
  });

  it.each(['krn/payment', 'krn%2Fpayment'])('an id with a slash, as in %s, is refused', async (id) => {
    const response = await lapse.api('DELETE', `/payment-requests/${id}`);
    expect([response.status, response.body['type'], response.body['field']]).toEqual([
      404,
      'urn:lapse:problem:unknown-route',
      'path',
    ]);
  });

  it('a path that names something else than its parameters is refused', async () => {
    await lapse.register(anyId, { session_timeout: 'PT20M', session_id: 'cut' });
    const cut = await lapse.api('DELETE', '/sessions/cut%3Fcontinued');
    // A gateway may cut the parameter at the decoded question mark, or pass it whole.
    const field = expect.stringMatching(/^(?:path|session_id)$/) as unknown;
    expect(cut).toMatchObject({ status: 400, body: { type: 'urn:lapse:problem:invalid-request', field } });
    expect((await lapse.record(anyId))['state']).toBeNull();
  });

  it.each(['a/b', 'a\\b', 'a?b', 'a#b', 'a%b', '.', '..'])(
    'a session id and a reference that a path cannot carry are refused: %j',
    async (text) => {
      for (const field of ['session_id', 'reference']) {
        const response = await lapse.register(anyId, { session_timeout: 'PT20M', [field]: text });
        expect(response).toMatchObject({ status: 400, body: { field } });
      }
    },
  );

  it('a method that the path does not have is refused with those it has', async () => {
    const response = await lapse.api('POST', '/payment-requests');
    expect([response.status, response.body['type'], response.body['field']]).toEqual([
      405,
      'urn:lapse:problem:method-not-allowed',
      'method',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['a negative duration', { session_timeout: '-PT5M' }, 'session_timeout'],
    ['a year', { session_timeout: 'P1Y' }, 'session_timeout'],
    ['text', { session_timeout: 'soon' }, 'session_timeout'],
    ['a number', { session_timeout: 5 }, 'session_timeout'],
    ['more than 48 hours', { session_timeout: 'PT49H' }, 'session_timeout'],
    ['a deadline in the past', { deadline_at: '2020-01-01T00:00:00Z' }, 'deadline_at'],
    ['both', { session_timeout: 'PT5M', deadline_at: '2999-01-01T00:00:00Z' }, 'session_timeout'],
    ['a session id with a line feed', { session_timeout: 'PT5M', session_id: 'a\nb' }, 'session_id'],
    ['a field of no name of ours', { session_timeout: 'PT5M', sesion_id: 'x' }, 'sesion_id'],
    ['an array', [], 'body'],
    ['a number as the body', 7, 'body'],
    ['no JSON', '{"session_timeout":', 'body'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 'body'],
  ])('%s is refused with the field and what is allowed', async (_, body, field) => {
    const response = await lapse.register(anyId, body);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.body).toMatchObject({ type: 'urn:lapse:problem:invalid-request', field });
    expect(response.body['allowed']).toBeTruthy();
  });

  it('a body of 1 MB is refused', async () => {
    expect((await lapse.register(anyId, `{"session_id":"${'x'.repeat(1_000_000)}"}`)).status).toBe(413);
  });

  it('an unknown account is refused', async () => {
    const body = { session_timeout: 'PT20M' };
    const response = await lapse.api('PUT', `/payment-requests/${anyId}`, body, 'unknown');
    expect([response.status, response.body['field']]).toEqual([404, 'account']);
  });
});

it.skipIf(isDeployed)('every written fact is published once', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT10M', reference: 'order-3' });
  await lapse.cancel(id);
  await lapse.cancel(id);
  const mine = async () =>
    (await lapse.events()).filter(
      (event) => (event['detail'] as Record<string, unknown>)['payment_request_id'] === id,
    );
  await expect
    .poll(async () => (await mine()).map((event) => event['detail-type']), { timeout: 5_000 })
    .toContain('Payment Request State Changed');
  const details = (await mine()).map((event) => event['detail'] as Record<string, unknown>);
  expect(
    details.some(
      ({ state, cause, reference }) => state === 'CANCELED' && cause === 'api' && reference === 'order-3',
    ),
  ).toBe(true);
  const keys = details.map(({ event_key }) => event_key);
  expect(new Set(keys).size).toBe(keys.length);
});
