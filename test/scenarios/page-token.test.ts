/** A page of the shop reads its session with a page token, as a browser does: from another origin, without AWS credentials. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LapseClient, type PageToken } from '../../client/lapse-client.ts';
import { checkedFetch } from '../support/api-contract.ts';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const origin = 'https://shop.example';
let system: LocalProcess;
let klarna: SystemClient;
let shop: LapseClient;
/** Differences between responses and docs/api.yaml. */
const violations: string[] = [];
const checked = checkedFetch(violations);

beforeAll(async () => {
  system = await startLocalProcess('--page-origins', `${origin},http://localhost:3000`);
  klarna = new SystemClient(system);
  shop = new LapseClient({ url: system.api, account: 'demo', authorization: 'none', fetch: checked });
}, 120_000);

afterAll(async () => {
  expect(violations).toEqual([]);
  expect(await system.stop()).toBe(0);
});

/** A session with one Payment Request, which can be paid for ten minutes. */
async function newSession(): Promise<{ readonly session: string; readonly id: string }> {
  const session = `cart ${randomUUID()} ö`;
  const id = await klarna.createAtKlarna();
  await shop.register(id, { session_timeout: 'PT10M', session_id: session });
  return { session, id };
}

async function tokenFor(session: string): Promise<PageToken> {
  const token = await shop.pageToken(session, { validFor: 'PT30M' });
  if (!token) throw new Error('The session is unknown.');
  return token;
}

/** What a page does with `fetch`. */
const read = (
  { url, token }: Pick<PageToken, 'url' | 'token'>,
  headers: Readonly<Record<string, string>> = {},
) => checked(new Request(url, { headers: { origin, authorization: `Bearer ${token}`, ...headers } }));

const statusOf = async (response: Response) => ((await response.json()) as { status: unknown }).status;

describe('the page of a session', () => {
  it('the page reads the time that is left, and sees that the customer has paid', async () => {
    const { session, id } = await newSession();
    const token = await tokenFor(session);
    expect(token.url).toBe(`${system.api}/page/session`);
    const first = await read(token);
    expect(first.headers.get('access-control-allow-origin')).toBe(origin);
    const shown = (await first.json()) as Readonly<Record<string, unknown>>;
    expect(shown).toMatchObject({ session_id: session, status: 'open' });
    expect(shown['seconds_left']).toBeGreaterThan(500);
    expect(JSON.stringify(shown)).not.toContain(id);

    const known = { 'if-none-match': first.headers.get('etag') ?? '' };
    const unchanged = await read(token, known);
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
    expect(unchanged.headers.get('access-control-allow-origin')).toBe(origin);
    await klarna.deliver(id, 'COMPLETED');
    expect(await statusOf(await read(token, known))).toBe('paid');
  });

  it('a browser may send the call: the preflight of API Gateway allows its headers', async () => {
    const asked = {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,if-none-match',
    };
    const preflight = (headers: Readonly<Record<string, string>>) =>
      fetch(`${system.api}/page/session`, { method: 'OPTIONS', headers });
    const allowed = await preflight(asked);
    expect([allowed.status, await allowed.text()]).toEqual([204, '']);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.headers.get('access-control-allow-methods')).toBe('GET');
    expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization, if-none-match');
    const other = await preflight({ ...asked, origin: 'https://other.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('a page of another origin may not read the response', async () => {
    const token = await tokenFor((await newSession()).session);
    const response = await read(token, { origin: 'https://other.example' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(response.headers.get('vary')).toBe('Origin');
  });

  it('a token is for its own session: the claims of another one do not fit its signature', async () => {
    const [own, other] = [
      await tokenFor((await newSession()).session),
      await tokenFor((await newSession()).session),
    ];
    const [version, , signature] = own.token.split('.');
    const forged = [version, other.token.split('.')[1], signature].join('.');
    const response = await read({ ...own, token: forged });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ type: 'urn:lapse:problem:invalid-page-token' });
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('a token reads and does nothing else: no other method has its route', async () => {
    const { session, id } = await newSession();
    const token = await tokenFor(session);
    for (const method of ['DELETE', 'PUT', 'POST', 'PATCH']) {
      const headers = { origin, authorization: `Bearer ${token.token}` };
      const response = await fetch(token.url, { method, headers });
      expect([response.status, response.headers.get('allow')], method).toEqual([405, 'GET, OPTIONS']);
      expect(response.headers.get('access-control-allow-origin'), method).toBeNull();
    }
    expect(await shop.get(id)).toMatchObject({
      timer: expect.stringMatching(/^(armed|sweep)$/) as unknown,
      cancellation: null,
    });
  });

  it('a token that has expired is refused', async () => {
    const { session } = await newSession();
    const token = await shop.pageToken(session, { validFor: 'PT1M' });
    if (!token) throw new Error('The session is unknown.');
    expect((await read(token)).status).toBe(200);
    await klarna.control('POST', '/clock', { advanceMs: 60_000 });
    const refused = await read(token);
    expect([refused.status, await refused.json()]).toMatchObject([
      401,
      { detail: "The page token has expired. Get a new one from the shop's back end." },
    ]);
  });

  it('an unknown session has no token', async () => {
    expect(await shop.pageToken('cart-that-is-not')).toBeUndefined();
  });
});

describe('the keys of page tokens', () => {
  const rotate = (...words: readonly string[]) =>
    runCommand(['page-keys', 'rotate', '--control', system.control, ...words]);
  /** A new key is used after the cache time of the functions. */
  const cacheIsOver = () => klarna.control('POST', '/clock', { advanceMs: 121_000 });

  it('a token stays valid over one rotation, and two rotations end it', async () => {
    const { session } = await newSession();
    const token = await tokenFor(session);
    expect(await rotate('--dry-run')).toMatchObject({ code: 0 });
    const first = await rotate();
    expect(first).toMatchObject({ code: 0, errors: [] });
    expect(first.lines.join('\n')).toContain('A new key signs page tokens within two minutes.');
    await cacheIsOver();
    expect((await read(token)).status).toBe(200);
    const second = await tokenFor(session);
    expect((await read(second)).status).toBe(200);

    // Without a person to ask, the command does not end tokens that may be in use.
    expect(await rotate()).toMatchObject({
      code: 2,
      errors: [expect.stringContaining('Give --yes to go on.')],
    });
    expect(await rotate('--yes')).toMatchObject({ code: 0 });
    await cacheIsOver();
    expect((await read(token)).status).toBe(401);
    expect((await read(second)).status).toBe(200);
  });

  it('no token is in the log of the system', async () => {
    const { token } = await tokenFor((await newSession()).session);
    await read({ url: `${system.api}/page/session`, token });
    expect(system.output()).not.toContain(token);
  });
});

describe('the session, for the back end of the shop', () => {
  it('the client reads a session again only after a change', async () => {
    const { session, id } = await newSession();
    const first = await shop.sessionIfChanged(session);
    if (first.outcome !== 'changed') throw new Error(first.outcome);
    expect(first.session.status).toBe('open');
    const { etag } = first;
    expect(await shop.sessionIfChanged(session, { etag })).toEqual({ outcome: 'unchanged', etag });
    await klarna.deliver(id, 'COMPLETED');
    const next = await shop.sessionIfChanged(session, { etag });
    expect(next).toMatchObject({ outcome: 'changed', session: { status: 'paid' } });
    expect(await shop.sessionIfChanged('cart-that-is-not', { etag })).toEqual({ outcome: 'not_found' });
  });
});
