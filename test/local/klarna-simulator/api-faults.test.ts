import { describe, expect, it } from 'vitest';
import { pathOf, type SimulatorClient, startSimulator } from './running-simulator.ts';

const stateOf = async (klarna: SimulatorClient, id: string) => (await klarna.read(id)).json['state'];

describe.each<[string, Record<string, unknown>, number, string | undefined]>([
  ['conflict', {}, 409, 'RESOURCE_CONFLICT'],
  ['rate-limit', {}, 429, 'RATE_LIMITED'],
  ['timeout-error', {}, 500, 'TIMEOUT'],
  ['unavailable', {}, 503, 'TEMPORARY_UNAVAILABLE'],
  ['forbidden', {}, 403, 'OPERATION_FORBIDDEN'],
  ['unauthorized', {}, 401, 'UNAUTHORIZED'],
  ['empty', { effect: false }, 200, undefined],
  ['html', { status: 502 }, 502, undefined],
])('the fault %s changes nothing at Klarna', (kind, options, status, error_code) => {
  it.each([false, true])('the fault %s with effect cancels at Klarna', async (effect) => {
    const klarna = await startSimulator();
    const id = await klarna.place();
    await klarna.fault({ kind, on: 'cancel', ...options, effect });
    const response = await klarna.cancel(id);
    expect([response.status, response.json['error_code']]).toEqual([status, error_code]);
    expect(await stateOf(klarna, id)).toBe(effect ? 'CANCELED' : 'SUBMITTED');
    expect((await klarna.list('calls'))[0]).toMatchObject({
      method: 'DELETE',
      status,
      took_effect: effect,
      fault: kind,
    });
  });
});

describe.each(['hang', 'reset'])('the fault %s has no response and changes nothing at Klarna', (kind) => {
  it.each([false, true])('the fault %s with effect has no response and cancels at Klarna', async (effect) => {
    const klarna = await startSimulator();
    const id = await klarna.place();
    await klarna.fault({ kind, on: 'cancel', effect });
    await expect(
      fetch(`${klarna.url}${pathOf(id)}`, {
        method: 'DELETE',
        headers: { authorization: 'Basic x' },
        signal: AbortSignal.timeout(200),
      }),
    ).rejects.toThrow(kind === 'hang' ? 'timeout' : 'fetch failed');
    expect(await stateOf(klarna, id)).toBe(effect ? 'CANCELED' : 'SUBMITTED');
    expect((await klarna.list('calls'))[0]).toMatchObject({ status: null, took_effect: effect, fault: kind });
  });
});

it('rate-limit: the headers say when to try again', async () => {
  const klarna = await startSimulator();
  await klarna.fault({ kind: 'rate-limit', retryAfter: 2 });
  const { headers } = await klarna.read('x');
  expect([
    headers.get('x-ratelimit-remaining'),
    headers.get('x-ratelimit-reset'),
    headers.get('retry-after'),
  ]).toEqual(['0', '2', '2']);
  await klarna.fault({ kind: 'rate-limit' });
  expect((await klarna.read('x')).headers.get('retry-after')).toBeNull();
});

it('empty: the call is performed, and the response has no body', async () => {
  const klarna = await startSimulator();
  const id = await klarna.place();
  await klarna.fault({ kind: 'empty', on: 'cancel' });
  expect(await klarna.cancel(id)).toMatchObject({ status: 200, text: '' });
  expect(await stateOf(klarna, id)).toBe('CANCELED');
});

it('html: the response is an HTML page instead of JSON', async () => {
  const klarna = await startSimulator();
  await klarna.fault({ kind: 'html' });
  const response = await klarna.read(await klarna.place());
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/html');
  expect(response.text).toContain('<!doctype html>');
});

it('slow: the call is performed at once, and the response is late', async () => {
  const klarna = await startSimulator();
  const id = await klarna.place();
  await klarna.fault({ kind: 'slow', on: 'cancel', delayMs: 150 });
  const began = performance.now();
  const cancel = klarna.cancel(id);
  await expect.poll(() => stateOf(klarna, id), { interval: 5 }).toBe('CANCELED');
  expect((await cancel).json['state']).toBe('CANCELED');
  expect(performance.now() - began).toBeGreaterThan(145);
});

it.each([
  ['SUBMITTED', false, 409, 'COMPLETED'],
  ['IN_PROGRESS', false, 409, 'COMPLETED'],
  ['SUBMITTED', true, 200, 'CANCELED'],
])(
  'approve-first, from %s, completed can be canceled: %s',
  async (state, completedCanBeCanceled, status, after) => {
    const klarna = await startSimulator({ completedCanBeCanceled });
    const id = await klarna.place({ state });
    await klarna.fault({ kind: 'approve-first', on: 'cancel' });
    expect((await klarna.cancel(id)).status).toBe(status);
    expect(await stateOf(klarna, id)).toBe(after);
  },
);

it.each(['SUBMITTED', 'COMPLETED', 'CANCELED'])('expired-and-deleted, from %s: 404', async (state) => {
  const klarna = await startSimulator();
  const id = await klarna.place({ state });
  await klarna.fault({ kind: 'expired-and-deleted', on: 'read' });
  expect((await klarna.read(id)).status).toBe(404);
  expect((await klarna.read(id)).status).toBe(404);
});

describe('a fault of the simulator', () => {
  it('a fault applies to as many calls as it says', async () => {
    const klarna = await startSimulator();
    const id = await klarna.place();
    await klarna.fault({ kind: 'unavailable', times: 2 });
    expect(await klarna.list('faults')).toMatchObject([{ kind: 'unavailable', on: 'any', times: 2 }]);
    expect(
      [await klarna.read(id), await klarna.read(id), await klarna.read(id)].map(({ status }) => status),
    ).toEqual([503, 503, 200]);
    expect(await klarna.list('faults')).toEqual([]);
  });

  it.each([
    ['create', 'POST', '/v2/payment/requests'],
    ['read', 'GET', '/v2/payment/requests/x'],
    ['cancel', 'DELETE', '/v2/payment/requests/x'],
    ['patch', 'PATCH', '/v2/payment/requests/x'],
    ['patch', 'PUT', '/v2/payment/requests/x'],
  ])('a fault on %s applies to that operation only', async (on, method, path) => {
    const klarna = await startSimulator();
    for (const other of ['create', 'read', 'cancel', 'patch'].filter((name) => name !== on)) {
      await klarna.fault({ kind: 'forbidden', on: other });
    }
    await klarna.fault({ kind: 'unavailable', on });
    const body = method.startsWith('P') ? {} : undefined;
    expect((await klarna.api(method, path, body)).status).toBe(503);
  });

  it('a fault for one request applies to that request only', async () => {
    const klarna = await startSimulator();
    const [id, other] = [await klarna.place(), await klarna.place()];
    await klarna.fault({ kind: 'unavailable', payment_request_id: id });
    expect((await klarna.read(other)).status).toBe(200);
    expect((await klarna.read(id)).status).toBe(503);
  });

  it('a cleared fault applies to no call', async () => {
    const klarna = await startSimulator();
    await klarna.fault({ kind: 'unavailable' });
    expect((await klarna.control('DELETE', '/faults')).status).toBe(204);
    expect((await klarna.read(await klarna.place())).status).toBe(200);
  });
});
