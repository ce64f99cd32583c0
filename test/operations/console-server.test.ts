import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { PaymentRequestRecord, Reference } from '../../client/responses.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import { listReferences, listSessions } from '../../operations/console/console-data.ts';
import { type RunningConsole, startConsole } from '../../operations/console/console-server.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { recordWith } from '../support/fixtures.ts';

const record = (place: number, fields: Partial<PaymentRequestRecord> = {}) =>
  ({
    ...viewOf(recordWith({ paymentRequestId: requestId(place) })),
    ...fields,
  }) as PaymentRequestRecord;

interface Sent {
  readonly url: string;
  readonly method: string | undefined;
  readonly body: unknown;
}

let running: RunningConsole;
let sent: Sent[] = [];
let closedSources = 0;

async function start() {
  sent = [];
  closedSources = 0;
  running = await startConsole({
    port: 0,
    stack: 'Lapse-test',
    accounts: ['demo' as Account],
    apiUrl: 'https://api.example',
    client: () =>
      Promise.resolve({
        get: () => Promise.resolve(undefined),
        list: async function* () {
          yield await Promise.resolve(record(1));
        },
        reference: () => Promise.resolve(undefined),
      }),
    send: (url, init) => {
      sent.push({ url, method: init.method, body: init.body });
      return Promise.resolve(
        new Response('{"a":1}', { status: 202, headers: { 'set-cookie': 'planted=1' } }),
      );
    },
    quarantine: async function* () {
      yield await Promise.resolve({ delivery_id: 'd1' });
    },
    events: () =>
      Promise.resolve({
        events: async function* (signal: AbortSignal) {
          yield '{"id":"e1"}';
          await once(signal, 'abort');
        },
        close: () => {
          closedSources += 1;
          return Promise.resolve();
        },
      }),
    now: () => 0,
  });
}

afterEach(() => running.close());

const ownHeaders = { 'x-lapse-page': '1' };

/** A call with exactly this path and these headers. */
async function call(
  method: string,
  path: string,
  { headers = ownHeaders, body = '' }: { headers?: Record<string, string>; body?: string } = {},
) {
  const { hostname, port } = new URL(running.url);
  const asked = request({ hostname, port, method, path, headers, agent: false }).end(body);
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  const text = (await reply.setEncoding('utf8').toArray()).join('');
  return { status: reply.statusCode, headers: reply.headers, text };
}

describe('the console', () => {
  it('serves the page and its facts, and says that there is no simulator', async () => {
    await start();
    expect((await call('GET', '/', { headers: {} })).text).toContain('<!doctype html>');
    const { text, headers } = await call('GET', '/status');
    expect(JSON.parse(text)).toMatchObject({
      simulator: false,
      deployed: 'Lapse-test',
      accounts: [{ name: 'demo' }],
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  it.each([
    ['another host name', '/status', { host: 'evil.example', ...ownHeaders }, 421],
    ['a page of another site', '/status', { ...ownHeaders, origin: 'https://evil.example' }, 403],
    ['a call that is not from the page', '/api/accounts/demo/payment-requests', {}, 403],
    ['a call of another site', '/control/quarantine', { ...ownHeaders, 'sec-fetch-site': 'cross-site' }, 403],
  ])('refuses %s', async (_, path, headers, status) => {
    await start();
    expect((await call('GET', path, { headers })).status).toBe(status);
    expect(sent).toEqual([]);
  });

  it('forwards calls about an account, with the signature of the operator, and no cookie back', async () => {
    await start();
    const path = `/api/accounts/demo/payment-requests/${requestId(1)}?dry_run=true`;
    const { status, headers } = await call('DELETE', path, { body: '' });
    expect(status).toBe(202);
    expect(headers['set-cookie']).toBeUndefined();
    expect(sent).toMatchObject([
      { url: `https://api.example${path.slice(4)}`, method: 'DELETE', body: undefined },
    ]);
  });

  it.each([
    ['GET', '/api/overview'],
    ['PUT', '/api/accounts/demo/settings'],
    ['GET', '/api/accounts/demo/payment-requests/../settings'],
    ['GET', '/control/schedules'],
    ['GET', '/control/clock?account=demo'],
    ['GET', '/klarna/faults'],
    ['GET', '/../package.json'],
  ])('has no %s %s', async (method, path) => {
    await start();
    expect((await call(method, path)).status).toBe(404);
    expect(sent).toEqual([]);
  });

  it.each(['/control/clock', '/control/faults', '/control/sweep'])('takes no POST %s', async (path) => {
    await start();
    expect((await call('POST', path)).status).toBe(405);
  });

  it('refuses a body that the API would refuse', async () => {
    await start();
    const path = '/api/accounts/demo/payment-requests/x';
    expect((await call('PUT', path, { body: 'x'.repeat(20_000) })).status).toBe(413);
  });

  it('reads sessions, attention and the quarantine', async () => {
    await start();
    const sessions = JSON.parse((await call('GET', '/control/sessions?account=demo')).text) as object;
    expect(sessions).toMatchObject({ payment_requests: [{ payment_request_id: requestId(1) }] });
    expect(JSON.parse((await call('GET', '/control/quarantine')).text)).toEqual([{ delivery_id: 'd1' }]);
    expect((await call('GET', '/control/attention?account=demo')).status).toBe(200);
    const references = await call('GET', '/control/references?account=demo&search=order-1');
    expect([references.status, references.text]).toEqual([200, '[]']);
    expect((await call('GET', '/control/sessions?account=DEMO')).status).toBe(400);
  });

  it('streams events, and removes what they needed when the reader leaves', async () => {
    await start();
    const gone = new AbortController();
    const response = await fetch(`${running.url}/control/events?follow=true`, {
      headers: ownHeaders,
      signal: gone.signal,
    });
    const reader = response.body?.getReader();
    const read = (await reader?.read()) as { value?: Uint8Array } | undefined;
    expect(new TextDecoder().decode(read?.value)).toBe('{"id":"e1"}\n');
    gone.abort();
    await expect.poll(() => closedSources).toBe(1);
  });
});

describe('the sessions of the console', () => {
  const filters: object[] = [];
  const asked: string[] = [];
  const client = {
    reference: (reference: string) => {
      asked.push(reference);
      const awaited = reference === 'order-waiting' ? { status: 'waiting', cancellation: null } : null;
      return Promise.resolve({ reference, awaited } as unknown as Reference);
    },
    get: (id: string) => Promise.resolve(id === requestId(9) ? record(9) : undefined),
    list: async function* (filter: object = {}) {
      filters.push(filter);
      if (Object.keys(filter).length === 0) yield record(1, { session_id: 's1', state: 'SUBMITTED' });
      if ('session_id' in filter)
        yield await Promise.resolve(record(2, { session_id: 's2', state: 'COMPLETED' }));
    },
  };
  it('have what waits for a whole reference, and ask for no other text', async () => {
    expect(await listReferences(client, 'order-waiting')).toEqual([
      { reference: 'order-waiting', status: 'waiting', cancellation: null },
    ]);
    expect(await listReferences(client, 'order-known')).toEqual([]);
    asked.length = 0;
    for (const search of ['', 'a/b', requestId(9)]) expect(await listReferences(client, search)).toEqual([]);
    expect(asked).toEqual([]);
  });

  const idsOf = async (status: 'open' | 'paid' | undefined, search: string) =>
    (await listSessions(client, { status, search })).payment_requests.map((each) => each.payment_request_id);

  it('are the open ones and those that need a person, without a scan of the table', async () => {
    expect(await idsOf(undefined, '')).toEqual([requestId(1)]);
    expect(filters).toContainEqual({ attention: 'contradiction' });
  });

  it('are found by a whole id, and by session or reference', async () => {
    expect(await idsOf(undefined, requestId(9))).toEqual([requestId(9)]);
    expect(await idsOf('paid', 's2')).toEqual([requestId(2)]);
    expect(await idsOf('open', 's2')).toEqual([]);
    expect(await idsOf(undefined, 'a/b')).toEqual([]);
  });
});
