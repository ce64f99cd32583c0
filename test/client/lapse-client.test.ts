import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  LapseClient,
  type LapseClientOptions,
  LapseProblem,
  LapseUnavailable,
} from '../../client/lapse-client.ts';
import { responding, hanging, resetting, startMisbehavingServer } from '../support/misbehaving-server.ts';

let server: Awaited<ReturnType<typeof startMisbehavingServer>>;
let pauses: number[];
let now: number;

beforeAll(async () => {
  server = await startMisbehavingServer();
});
afterAll(() => server.close());
beforeEach(() => {
  pauses = [];
  now = 0;
});

const id = 'krn:payment:eu1:request:1';

const client = (options: Partial<LapseClientOptions> = {}): LapseClient =>
  new LapseClient({
    url: server.url,
    account: 'shop-se',
    authorization: 'none',
    now: () => now,
    wait: (millis) => {
      pauses.push(millis);
      now += millis;
      return Promise.resolve();
    },
    random: () => 0.5,
    ...options,
  });

const problem = (type: string, members: object = {}) => ({
  type: `urn:lapse:problem:${type}`,
  title: 't',
  detail: `the detail of ${type}`,
  ...members,
});

/** The server sends these responses in order, and repeats the last one. */
function replies(...behaviours: readonly Parameters<typeof server.behaves>[0][]): void {
  let next = 0;
  server.behaves((response, request) => {
    const behaviour = behaviours[Math.min(next, behaviours.length - 1)];
    next += 1;
    behaviour?.(response, request);
  });
}

const record = { payment_request_id: id, state: 'SUBMITTED' };

describe('the trace of a client call', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it.each([
    ['a traceparent is sent with every attempt', () => traceparent, traceparent],
    ['a call without a traceparent sends none', () => undefined, undefined],
    ['a traceparent of two lines is left out', () => 'a\nb', undefined],
  ])('%s', async (_, give, expected) => {
    replies(responding(503, problem('unavailable')), responding(200, record));
    await client({ traceparent: give }).get(id);
    const sent = server.requests.slice(-2).map(({ headers }) => headers['traceparent']);
    expect(sent).toEqual([expected, expected]);
  });
});

describe('the outcome of a client call', () => {
  it.each<[string, number, object, () => Promise<unknown>, unknown]>([
    ['registered', 201, record, () => client().register(id, {}), { outcome: 'registered', record }],
    ['registered again', 200, record, () => client().register(id, {}), { outcome: 'updated', record }],
    [
      'too late to register',
      409,
      problem('already-final', { state: 'COMPLETED' }),
      () => client().register(id, {}),
      { outcome: 'already_final', state: 'COMPLETED' },
    ],
    [
      'being canceled',
      409,
      problem('cancellation-pending'),
      () => client().extend(id, { session_timeout: 'PT5M' }),
      { outcome: 'cancellation_pending' },
    ],
    [
      'too long',
      409,
      problem('extension-limit', { allowed: 'at most 10 extensions' }),
      () => client().extend(id, { session_timeout: 'PT5M' }),
      { outcome: 'extension_limit', allowed: 'at most 10 extensions' },
    ],
    [
      'not registered',
      404,
      problem('not-found'),
      () => client().extend(id, { session_timeout: 'PT5M' }),
      { outcome: 'not_found' },
    ],
    ['unknown', 404, problem('not-found'), () => client().get(id), undefined],
    ['an unknown history', 404, problem('not-found'), () => client().history(id), undefined],
    [
      'canceled',
      200,
      { outcome: 'canceled', ...record },
      () => client().cancel(id),
      { outcome: 'canceled', record },
    ],
    [
      'pending',
      202,
      { outcome: 'pending', ...record },
      () => client().cancel(id),
      { outcome: 'pending', record },
    ],
    [
      'paid',
      409,
      problem('already-final', { state: 'COMPLETED' }),
      () => client().cancel(id),
      { outcome: 'already_final', state: 'COMPLETED' },
    ],
    ['an unknown session', 404, problem('not-found'), () => client().cancelSession('s'), undefined],
    [
      'a job',
      201,
      { job_id: 'j' },
      () => client().startCancelJob('j', { session_id: 's' }),
      { outcome: 'started', job: { job_id: 'j' } },
    ],
    [
      'a session that waits for its request',
      201,
      { reference: 'order', status: 'open' },
      () => client().registerReference('order', { session_timeout: 'PT20M' }),
      { outcome: 'registered', reference: { reference: 'order', status: 'open' } },
    ],
    [
      'a reference with a cancel that waits',
      409,
      problem('cancellation-pending'),
      () => client().registerReference('order', { session_timeout: 'PT20M' }),
      { outcome: 'cancellation_pending' },
    ],
    [
      'a cancel that waits',
      202,
      { awaited: { status: 'waiting' } },
      () => client().cancelReference('order'),
      { awaited: { status: 'waiting' } },
    ],
    [
      'another job',
      409,
      problem('job-exists'),
      () => client().startCancelJob('j', { session_id: 's' }),
      { outcome: 'taken' },
    ],
    ['no job to stop', 404, problem('not-found'), () => client().stopCancelJob('j'), undefined],
  ])('%s', async (_, status, body, call, outcome) => {
    replies(responding(status, body));
    expect(await call()).toEqual(outcome);
    expect(server.requests).toHaveLength(1);
  });

  it('a call has its ids in the path and the rest in the query or the body', async () => {
    replies(responding(200, {}));
    await client().cancel(id, { reason: 'shop closed', dry_run: true });
    await client().session('cart: 17 å');
    await client().reference('order 4711');
    await client().cancelReference('order 4711', { reason: 'no response' });
    await client().registerReference('order 4711', { session_timeout: 'PT20M' });
    await client().register(id, { session_timeout: 'PT20M' });
    expect(server.requests.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
      `DELETE /accounts/shop-se/payment-requests/${encodeURIComponent(id)}?reason=shop+closed&dry_run=true `,
      'GET /accounts/shop-se/sessions/cart%3A%2017%20%C3%A5 ',
      'GET /accounts/shop-se/references/order%204711 ',
      'DELETE /accounts/shop-se/references/order%204711?reason=no+response ',
      'PUT /accounts/shop-se/references/order%204711 {"session_timeout":"PT20M"}',
      `PUT /accounts/shop-se/payment-requests/${encodeURIComponent(id)} {"session_timeout":"PT20M"}`,
    ]);
  });
});

it('a cancel sends an explicit allow_completed of false, because the account may allow it', async () => {
  replies(responding(200, {}));
  for (const allow_completed of [true, false]) await client().cancel(id, { allow_completed });
  await client().cancel(id);
  expect(server.requests.map(({ url }) => url.split('?')[1])).toEqual([
    'allow_completed=true',
    'allow_completed=false',
    undefined,
  ]);
});

describe('a list of the client', () => {
  it('a list requests a page only when the loop reaches it', async () => {
    const page = (number: number, next: string | null) =>
      responding(200, { payment_requests: [{ version: number }], next_cursor: next });
    replies(page(1, 'two'), page(2, null));
    const versions: number[] = [];
    for await (const { version } of client().list({ open: true })) versions.push(version);
    expect(versions).toEqual([1, 2]);
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/accounts/shop-se/payment-requests?open=true&limit=100',
      '/accounts/shop-se/payment-requests?open=true&limit=100&cursor=two',
    ]);
    replies(page(1, 'two'));
    for await (const _ of client().list()) break;
    expect(server.requests).toHaveLength(1);
  });

  it("the list of a job's report ends where the running job has written no more", async () => {
    replies(
      responding(200, { payment_requests: [{ outcome: 'canceled' }], next_cursor: '1' }),
      responding(200, { payment_requests: [], next_cursor: '1' }),
    );
    const outcomes = [];
    for await (const { outcome } of client().cancelJobReport('j')) outcomes.push(outcome);
    expect(outcomes).toEqual(['canceled']);
    expect(server.requests).toHaveLength(2);
  });
});

describe('a repeated call of the client', () => {
  it.each([429, 500, 502, 503, 504])('a call is repeated after %i, with jitter', async (status) => {
    replies(responding(status, {}), responding(status, {}), responding(200, record));
    expect(await client().get(id)).toEqual(record);
    expect(pauses).toEqual([200, 400]);
  });

  it.each([
    ['a reset', resetting],
    ['half a response', responding(200, '{"state":', { 'content-length': '100' })],
  ])('a call is repeated after %s', async (_, behaviour) => {
    server.behaves(behaviour);
    await expect(client({ budgetMillis: 2_000 }).get(id)).rejects.toThrow(LapseUnavailable);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  it('a call is not repeated before Retry-After', async () => {
    replies(responding(503, {}, { 'retry-after': '7' }), responding(200, record));
    await client().get(id);
    expect(pauses).toEqual([7_000]);
  });

  it('a call is not repeated when its budget would end, and the error names none of its content', async () => {
    replies(responding(503, {}, { 'retry-after': '60' }));
    const failure: unknown = await client()
      .cancel(id, { reason: 'a secret' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LapseUnavailable);
    expect(failure).toMatchObject({ status: 503 });
    expect(String(failure)).toContain('status 503 (no detail), after 1 attempt. Repeating it is safe.');
    expect(JSON.stringify(failure) + String(failure)).not.toContain('secret');
  });

  it('a call that the caller aborts is not repeated, and throws the reason of the abort', async () => {
    server.behaves(hanging);
    const reason = new Error('the shopper went away');
    const off = new AbortController();
    const call = client().get(id, { signal: off.signal });
    // A request that arrives only after this test would be one of the next test.
    await expect.poll(() => server.requests).toHaveLength(1);
    off.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it('the client lists the jobs of the account', async () => {
    replies(responding(200, { cancel_jobs: [{ job_id: 'b' }, { job_id: 'a' }] }));
    expect((await client().listCancelJobs()).map(({ job_id }) => job_id)).toEqual(['b', 'a']);
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /accounts/shop-se/cancel-jobs',
    ]);
  });

  it('an attempt without a response ends at its limit, and the call is repeated', async () => {
    replies(hanging, responding(200, record));
    expect(await client({ attemptMillis: 200 }).get(id)).toEqual(record);
    expect(server.requests).toHaveLength(2);
  });

  it('an attempt ends at its limit although fetch ignores the signal', async () => {
    let calls = 0;
    const fetch = () => {
      calls += 1;
      return calls === 1 ? new Promise<Response>(() => undefined) : Promise.resolve(Response.json(record));
    };
    expect(await client({ attemptMillis: 50, fetch }).get(id)).toEqual(record);
  });

  it('an attempt ends at its limit although the body never ends', async () => {
    const endless = () => Promise.resolve(new Response(new ReadableStream()));
    await expect(
      client({ attemptMillis: 50, budgetMillis: 300, fetch: endless, now: () => performance.now() }).get(id),
    ).rejects.toMatchObject({ name: 'LapseUnavailable', cause: { code: 'TimeoutError' } });
  });

  it('credentials that do not come in time are tried again, and nothing was sent', async () => {
    let tries = 0;
    const token = () => {
      tries += 1;
      return tries === 1 ? new Promise<string>(() => undefined) : Promise.resolve('t');
    };
    replies(responding(200, record));
    // This call counts twice when it is sent twice, and is repeated all the same.
    const extended = client({ attemptMillis: 50, authorization: { token } }).extend(id, {
      session_timeout: 'PT5M',
    });
    expect(await extended).toMatchObject({ outcome: 'updated' });
    expect(server.requests).toHaveLength(1);
  });

  it('credentials that never come end the call within its budget, with the reason', async () => {
    const authorization = { token: () => new Promise<string>(() => undefined) };
    const options = { authorization, attemptMillis: 50, budgetMillis: 200, now: () => performance.now() };
    await expect(client(options).get(id)).rejects.toMatchObject({
      name: 'LapseUnavailable',
      cause: { code: 'AuthorizationTimeout' },
    });
  });

  describe('a signal', () => {
    const reason = new Error('the shopper went away');

    it('a call with an aborted signal asks for no credentials and sends nothing', async () => {
      let asked = 0;
      const token = () => {
        asked += 1;
        return Promise.resolve('t');
      };
      replies(responding(200, record));
      const signal = AbortSignal.abort(reason);
      await expect(client({ authorization: { token } }).get(id, { signal })).rejects.toBe(reason);
      expect([asked, server.requests.length]).toEqual([0, 0]);
    });

    it.each<[string, Partial<LapseClientOptions>]>([
      ['for credentials', { authorization: { token: () => new Promise(() => undefined) } }],
      ['for fetch', { fetch: () => new Promise(() => undefined) }],
      ['for the body', { fetch: () => Promise.resolve(new Response(new ReadableStream())) }],
    ])('a signal ends a call that waits %s', async (_, options) => {
      const off = new AbortController();
      const call = client(options).get(id, { signal: off.signal });
      setTimeout(() => {
        off.abort(reason);
      }, 20);
      await expect(call).rejects.toBe(reason);
    });

    it('a signal ends a call that waits for its next attempt', async () => {
      replies(responding(503, {}, { 'retry-after': '20' }));
      const off = new AbortController();
      const call = new LapseClient({ url: server.url, account: 'shop-se', authorization: 'none' }).get(id, {
        signal: off.signal,
      });
      await expect.poll(() => server.requests).toHaveLength(1);
      off.abort(reason);
      await expect(call).rejects.toBe(reason);
    });

    it('a signal ends a list between two pages', async () => {
      replies(responding(200, { payment_requests: [record], next_cursor: 'two' }));
      const off = new AbortController();
      const pages = client().list({}, { signal: off.signal });
      await pages.next();
      off.abort(reason);
      await expect(pages.next()).rejects.toBe(reason);
      expect(server.requests).toHaveLength(1);
    });
  });

  describe('a connection that fails', () => {
    it('the error has the code of the connection error, and nothing of the address or the call', async () => {
      const closed = await startMisbehavingServer();
      await closed.close();
      const failure: unknown = await client({ url: closed.url, budgetMillis: 500 })
        .cancel(id, { reason: 'a secret' })
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ cause: { name: 'ConnectionFault', code: 'ECONNREFUSED' } });
      expect(String(failure)).toContain('no response (ECONNREFUSED)');
      expect(String(failure)).not.toContain('secret');
    });

    it('a call that counts again is repeated where there was no connection', async () => {
      let calls = 0;
      const fetch = () => {
        calls += 1;
        const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
        return calls === 1
          ? Promise.reject(new TypeError('fetch failed', { cause }))
          : Promise.resolve(Response.json(record));
      };
      expect(await client({ fetch }).extend(id, { session_timeout: 'PT5M' })).toMatchObject({
        outcome: 'updated',
      });
    });
  });

  it('a call without a response in its whole budget is not repeated', async () => {
    server.behaves(hanging);
    const call = client({ budgetMillis: 500, now: () => performance.now() }).get(id);
    await expect(call).rejects.toMatchObject({ name: 'LapseUnavailable', status: undefined });
    expect(server.requests).toHaveLength(1);
  });
});

describe('every kind of call', () => {
  const deadline_at = '2026-03-01T12:30:00Z';
  const job = { payment_request_ids: [id], dry_run: false };

  it.each<[string, string, () => Promise<unknown>]>([
    ['a registration', 'PUT', () => client().register(id, { session_timeout: 'PT20M' })],
    ['a deadline', 'PATCH', () => client().extend(id, { deadline_at })],
    ['a cancel', 'DELETE', () => client().cancel(id, { reason: 'shop closed' })],
    ["a session's cancel", 'DELETE', () => client().cancelSession('s')],
    ['a job', 'PUT', () => client().startCancelJob('j', job)],
    ['the end of a job', 'DELETE', () => client().stopCancelJob('j')],
    ['a read', 'GET', () => client().get(id, { refresh: true })],
  ])(
    'the client repeats %s unchanged when there is no response, or one without a meaning',
    async (_, method, call) => {
      replies(resetting, responding(500, {}), responding(503, {}), responding(200, record));
      expect(await call()).toBeDefined();
      expect(server.requests).toHaveLength(4);
      expect(new Set(server.requests.map((each) => `${each.method} ${each.url} ${each.body}`)).size).toBe(1);
      expect(server.requests[0]?.method).toBe(method);
    },
  );

  describe('a deadline given as a duration, which would count twice,', () => {
    const extend = () => client().extend(id, { session_timeout: 'PT30M' });

    it.each<[string, Parameters<typeof server.behaves>[0], number | undefined]>([
      ['no response', resetting, undefined],
      ['a function that was ended', responding(500, { message: 'Internal Server Error' }), 500],
      ['no function', responding(503, { message: 'Service Unavailable' }), 503],
      ['a table that did not answer', responding(503, problem('unavailable'), { 'retry-after': '1' }), 503],
    ])('a deadline given as a duration is not sent again after %s', async (_, behaviour, status) => {
      replies(behaviour, responding(200, record));
      const failure: unknown = await extend().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(LapseUnavailable);
      expect(failure).toMatchObject({ status });
      expect(String(failure)).toContain('It may have been done. A second call would count again.');
      expect(server.requests).toHaveLength(1);
      expect(pauses).toEqual([]);
    });

    it('a deadline given as a duration is sent again after API Gateway has rejected it', async () => {
      replies(responding(429, {}), responding(200, record));
      expect(await extend()).toMatchObject({ outcome: 'updated' });
      expect(server.requests).toHaveLength(2);
    });
  });
});

it('an unavailable API names its problem: klarna-denied means that the credentials are wrong', async () => {
  const detail = 'Nothing was done. Check the api_key, environment and partner_account_id of the account.';
  replies(responding(502, problem('klarna-denied', { detail }), { 'retry-after': '60' }));
  const failure: unknown = await client()
    .cancel(id)
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LapseUnavailable);
  expect(failure).toMatchObject({ status: 502, type: 'klarna-denied' });
  expect(String(failure)).toContain(`status 502 (${detail}), after 1 attempt`);
  expect(server.requests).toHaveLength(1);
});

describe('a refusal of the API', () => {
  it('a refusal has its type, its fields and what is allowed, and is not repeated', async () => {
    const errors = [{ field: 'session_timeout', given: '"P1Y"', allowed: 'a duration' }];
    replies(responding(400, problem('invalid-request', { errors })));
    const failure: unknown = await client()
      .register(id, { session_timeout: 'P1Y' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LapseProblem);
    expect(failure).toMatchObject({ type: 'invalid-request', status: 400, errors });
    expect(server.requests).toHaveLength(1);
  });

  it.each(['misconfigured', 'internal'])(
    'a 500 that needs a person is not repeated, and the error has its type: %s',
    async (type) => {
      replies(responding(500, problem(type)), responding(200, record));
      const failure: unknown = await client()
        .get(id)
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(LapseProblem);
      expect(failure).toMatchObject({ type, status: 500, message: `the detail of ${type}` });
      expect([server.requests.length, pauses]).toEqual([1, []]);
    },
  );

  it('a 500 of API Gateway, which has no type, is repeated', async () => {
    replies(responding(500, { message: 'Internal Server Error' }), responding(200, record));
    expect(await client().get(id)).toEqual(record);
    expect(server.requests).toHaveLength(2);
  });

  it.each<[string, number, unknown, string, string]>([
    [
      'an unknown account',
      404,
      problem('unknown-account'),
      'unknown-account',
      'the detail of unknown-account',
    ],
    ['no JSON', 405, 'malformed', 'http', 'no detail'],
    ['a list', 405, [1], 'http', 'no detail'],
  ])('a refusal is %s', async (_, status, body, type, message) => {
    replies(responding(status, body));
    await expect(client().get(id)).rejects.toMatchObject({ type, status, message });
  });
});

describe('the authorization of a call', () => {
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI',
    sessionToken: 'a-token',
  };

  it('a call is signed with SigV4 as the SDK itself signs it', async () => {
    replies(responding(200, record));
    await client({
      authorization: { credentials: () => Promise.resolve(credentials), region: 'eu-north-1' },
    }).register(id, { session_id: 'å' });
    const [request] = server.requests;
    if (!request) throw new Error('nothing was sent');
    const { headers, url, body } = request;
    const { pathname, host } = new URL(`${server.url}${url}`);
    const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
    expect(signed).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token']));
    const at = String(headers['x-amz-date']);
    const signer = new SignatureV4({
      credentials,
      region: 'eu-north-1',
      service: 'execute-api',
      sha256: Sha256,
    });
    const wanted = await signer.sign(
      {
        method: 'PUT',
        protocol: 'http:',
        hostname: host,
        path: pathname,
        headers: Object.fromEntries(
          signed
            .filter((name) => name !== 'x-amz-security-token')
            .map((name) => [name, name === 'host' ? host : String(headers[name])]),
        ),
        body,
        query: {},
      },
      {
        signingDate: new Date(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')),
        signableHeaders: new Set(signed),
        unsignableHeaders: new Set(['x-amz-content-sha256']),
      },
    );
    const signatureOf = (header: string | undefined) => /Signature=([0-9a-f]{64})/.exec(header ?? '')?.[1];
    expect(signatureOf(headers.authorization)).toBe(signatureOf(wanted.headers['authorization']));
  });

  it('a call has a bearer token, which is requested for every attempt', async () => {
    let tokens = 0;
    replies(responding(503, {}), responding(200, record));
    await client({ authorization: { token: () => Promise.resolve(`t${(tokens += 1)}`) } }).get(id);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it.each([401, 403])('a %i of API Gateway names the call and what the caller needs', async (status) => {
    const message = (authorization: LapseClientOptions['authorization'], url = server.url) =>
      client({
        authorization,
        url,
        fetch: () => Promise.resolve(Response.json({ message: 'Forbidden' }, { status })),
      })
        .get(id)
        .catch(String);
    const path = `/accounts/shop-se/payment-requests/${encodeURIComponent(id)}`;
    const call = `LapseProblem: API Gateway refused GET ${path} with ${status} (Forbidden). `;
    expect(await message('none')).toBe(
      `${call}The API asks who calls: set authorization to something other than 'none'.`,
    );
    expect(await message({ token: () => Promise.resolve('t') })).toBe(
      `${call}The token must have the issuer and an audience of the API, one of its scopes if it has any, and not be expired.`,
    );
    const signed = { credentials, region: 'eu-north-1' };
    const needed = (api: string) =>
      `${call}The caller needs the permission execute-api:Invoke on arn:aws:execute-api:eu-north-1:<AWS account>:${api}/$default/GET/accounts/shop-se/payment-requests/${id}. Check also the region, the credentials and the clock.`;
    expect(await message(signed, 'https://abc123.execute-api.eu-north-1.amazonaws.com')).toBe(
      needed('abc123'),
    );
    expect(await message(signed, 'https://lapse.shop.example')).toBe(needed('<api id>'));
  });

  it('a 403 that Lapse itself gives keeps its own words', async () => {
    replies(responding(403, problem('forbidden')));
    await expect(client().get(id)).rejects.toMatchObject({
      type: 'forbidden',
      message: 'the detail of forbidden',
    });
  });

  it.each<[string, LapseClientOptions['authorization'], string]>([
    [
      'credentials with a line end',
      {
        credentials: () => Promise.resolve({ ...credentials, sessionToken: 'planted\n' }),
        region: 'eu-north-1',
      },
      'authorization.credentials returned something else; allowed:',
    ],
    [
      'no credentials',
      { credentials: () => Promise.resolve(undefined as never), region: 'eu-north-1' },
      'authorization.credentials returned something else; allowed:',
    ],
    [
      'a token with a line end',
      { token: () => Promise.resolve('planted\n') },
      'authorization.token returned something else; allowed: a text without spaces.',
    ],
    [
      'an empty token',
      { token: () => Promise.resolve('') },
      'authorization.token returned something else; allowed: a text without spaces.',
    ],
  ])('%s is an error that does not repeat it, and no call is sent', async (_, authorization, sentence) => {
    replies(responding(200, record));
    const failure: unknown = await client({ authorization })
      .get(id)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(sentence);
    expect(String(failure)).not.toContain('planted');
    expect(server.requests).toEqual([]);
  });

  it('an error of the credentials provider is thrown, and no call is sent', async () => {
    replies(responding(200, record));
    const failure = new Error('no credentials');
    const authorization = { credentials: () => Promise.reject(failure), region: 'eu-north-1' };
    await expect(client({ authorization }).get(id)).rejects.toBe(failure);
    expect(server.requests).toEqual([]);
  });
});

/** The SHA-256 that the SDK's signer requires. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    throw new Error('a new hash is made instead');
  }
}

describe('a session that is read again', () => {
  const session = { session_id: 'cart-17', status: 'open' };
  const tagged =
    (status: number, body: string): Parameters<typeof server.behaves>[0] =>
    (response) => {
      response.writeHead(status, { 'content-type': 'application/json', etag: 'W/"abc"' }).end(body);
    };

  it('the first read sends no tag, and returns the session with its tag', async () => {
    replies(tagged(200, JSON.stringify(session)));
    expect(await client().sessionIfChanged('cart-17')).toEqual({
      outcome: 'changed',
      session,
      etag: 'W/"abc"',
    });
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('if-none-match');
  });

  it('a tag is sent as If-None-Match, and 304 is the outcome unchanged', async () => {
    replies(tagged(304, ''));
    const result = await client().sessionIfChanged('cart-17', { etag: 'W/"abc"' });
    expect(result).toEqual({ outcome: 'unchanged', etag: 'W/"abc"' });
    expect(server.requests.at(-1)?.headers['if-none-match']).toBe('W/"abc"');
    expect(pauses).toEqual([]);
  });

  it('an unknown session is an outcome', async () => {
    replies(responding(404, problem('not-found')));
    expect(await client().sessionIfChanged('cart-17', { etag: 'W/"abc"' })).toEqual({ outcome: 'not_found' });
  });

  it('the tag is part of what is signed', async () => {
    replies(tagged(304, ''));
    const authorization = {
      credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
      region: 'eu-north-1',
    };
    await client({ authorization }).sessionIfChanged('cart-17', { etag: 'W/"abc"' });
    expect(server.requests.at(-1)?.headers.authorization).toMatch(/SignedHeaders=[^,]*if-none-match/);
  });
});

describe('a page token', () => {
  const made = {
    account: 'shop-se',
    session_id: 'cart 17',
    token: 'v1.a.b',
    expires_at: '2026-03-01T12:30:00Z',
    path: '/page/session',
  };

  it('the token comes with the address that takes it', async () => {
    replies(responding(201, made));
    const token = await client({ url: `${server.url}/` }).pageToken('cart 17', { validFor: 'PT30M' });
    expect(token).toEqual({ ...made, url: `${server.url}/page/session` });
    expect(server.requests.at(-1)).toMatchObject({
      method: 'POST',
      url: '/accounts/shop-se/sessions/cart%2017/page-token',
      body: '{"valid_for":"PT30M"}',
    });
  });

  it('without a time, no body is sent', async () => {
    replies(responding(201, made));
    await client().pageToken('cart 17');
    expect(server.requests.at(-1)).toMatchObject({ body: '' });
  });

  it('an unknown session has no token, and a deployment without pages is a problem', async () => {
    replies(responding(404, problem('not-found')), responding(409, problem('no-page-origins')));
    expect(await client().pageToken('cart 17')).toBeUndefined();
    const error: unknown = await client()
      .pageToken('cart 17')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LapseProblem);
    expect(error).toMatchObject({ type: 'no-page-origins', status: 409 });
  });

  it('an id that a path cannot carry is refused before a call', async () => {
    const before = server.requests.length;
    await expect(client().pageToken('cart/17')).rejects.toThrow(/^session_id is "cart\/17"/);
    expect(server.requests).toHaveLength(before);
  });
});
