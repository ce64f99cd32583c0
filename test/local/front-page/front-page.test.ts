import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFrontPage } from '../../../local/front-page/front-page.ts';
import { listen } from '../../../local/shared/listen.ts';

const fromPage = { 'x-lapse-page': '1' };

interface Reached {
  readonly call: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** The status of a call with exactly this path and these headers, which `fetch` would change first. */
async function statusOf(
  url: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> | readonly string[] = {},
): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  const asked = request({ hostname, port, method, path, headers, agent: false }).end();
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  reply.resume();
  return reply.statusCode;
}

/** A part of the system that records the calls that it receives, and responds 418. */
async function startPart() {
  const reached: Reached[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      reached.push({ call: `${method} ${url}`, body: Buffer.concat(chunks).toString(), headers });
      response.writeHead(418, {
        'content-type': 'application/problem+json',
        'retry-after': '7',
        'set-cookie': 'a=1',
        'access-control-allow-origin': '*',
      });
      response.end('{"title":"Tea"}');
    });
  });
  const url = await listen(server, 0);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url, reached };
}

async function startPage({ simulator = true } = {}) {
  const [api, control, klarna] = await Promise.all([startPart(), startPart(), startPart()]);
  const page = await startFrontPage({
    port: 0,
    api: api.url,
    control: control.url,
    simulator: simulator ? klarna.url : undefined,
    accounts: () =>
      JSON.stringify({ demo: { api_key: 'secret-key', username: 'u', partner_account_id: 'krn:1' } }),
    now: () => Date.parse('2026-03-01T12:00:00.500Z'),
  });
  onTestFinished(() => page.close());
  const everReached = () => [...api.reached, ...control.reached, ...klarna.reached].map(({ call }) => call);
  return { url: page.url, host: new URL(page.url).host, api, control, klarna, everReached };
}

describe('the page', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/icon.svg', 'image/svg+xml'],
  ])(
    'the page serves %s, which loads nothing from elsewhere and runs nothing inline',
    async (path, contentType) => {
      const { url } = await startPage();
      const reply = await fetch(`${url}${path}`);
      expect([reply.status, reply.headers.get('content-type')]).toEqual([200, contentType]);
      const policy = reply.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|http/);
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
      expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it('the markup of the page has no script, style or handler', async () => {
    const { url } = await startPage();
    const html = await (await fetch(url)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
  });

  it.each([
    '/../page.ts',
    '/..%2fpage.ts',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/page.html',
    '/page.ts',
    '/local/front-page/browser/page.css',
    '/\\..\\..\\package.json',
    '/icon.svg/',
    '/?file=../../package.json',
  ])('the page does not serve %s', async (path) => {
    const { url } = await startPage();
    expect(await statusOf(url, 'GET', path)).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('the page does not support the method %s', async (method) => {
    const { url } = await startPage();
    expect((await fetch(url, { method })).status).toBe(405);
  });
});

describe('a foreign host name', () => {
  it.each([
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1',
    'localhost',
    '127.0.0.1:1',
    '127.0.0.1:PORT.evil',
  ])('the host "%s" is refused, for the page and for calls', async (given) => {
    const { url, everReached } = await startPage();
    const host = given.replace('PORT', new URL(url).port);
    expect(await statusOf(url, 'GET', '/', { host })).toBe(421);
    const call = '/api/accounts/demo/payment-requests';
    expect(await statusOf(url, 'GET', call, { ...fromPage, host })).toBe(421);
    expect(everReached()).toEqual([]);
  });

  it('a second host beside the right one is refused', async () => {
    const { url } = await startPage();
    const { host } = new URL(url);
    expect(await statusOf(url, 'GET', '/', ['Host', host, 'Host', 'evil.example'])).toBe(421);
  });

  it('localhost with the port is accepted', async () => {
    const { url } = await startPage();
    expect(await statusOf(url, 'GET', '/', { host: `localhost:${new URL(url).port}` })).toBe(200);
  });
});

describe('a call of the page', () => {
  it.each([
    ['without the mark of the page', {}],
    ['of another origin', { ...fromPage, origin: 'https://evil.example' }],
    ['of another port of this machine', { ...fromPage, origin: 'http://127.0.0.1:1' }],
    ['of nowhere in particular', { ...fromPage, origin: 'null' }],
    ['of another site, by what the browser says', { ...fromPage, 'sec-fetch-site': 'cross-site' }],
    ['of another port, by what the browser says', { ...fromPage, 'sec-fetch-site': 'same-site' }],
  ])('a call %s is refused and not forwarded', async (_, headers) => {
    const { url, everReached } = await startPage();
    for (const path of [
      '/api/accounts/demo/payment-requests/x',
      '/control/faults',
      '/klarna/calls',
      '/status',
    ]) {
      for (const method of ['GET', 'DELETE', 'POST']) {
        expect(await statusOf(url, method, path, headers)).toBe(403);
      }
    }
    expect(everReached()).toEqual([]);
  });

  it('another origin is never allowed by a preflight request', async () => {
    const { url } = await startPage();
    const reply = await fetch(`${url}/api/accounts/demo/payment-requests/x`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-lapse-page' },
    });
    expect(reply.status).toBe(403);
    expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('a call is forwarded unchanged, and its response returns without cookies or permissions', async () => {
    const { url, api, control, klarna } = await startPage();
    const reply = await fetch(`${url}/api/accounts/demo/payment-requests/a%3Ab?dry_run=true`, {
      method: 'DELETE',
      headers: { ...fromPage, origin: url, 'sec-fetch-site': 'same-origin', cookie: 'b=2' },
    });
    expect([reply.status, await reply.text()]).toEqual([418, '{"title":"Tea"}']);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.headers.get('retry-after')).toBe('7');
    expect(reply.headers.get('set-cookie')).toBeNull();
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    expect(api.reached).toMatchObject([
      { call: 'DELETE /accounts/demo/payment-requests/a%3Ab?dry_run=true' },
    ]);
    expect(api.reached[0]?.headers).not.toHaveProperty('cookie');

    const json = { ...fromPage, 'content-type': 'application/json' };
    await fetch(`${url}/control/faults`, { method: 'POST', headers: json, body: '{"a":1}' });
    expect(control.reached).toMatchObject([
      { call: 'POST /faults', body: '{"a":1}', headers: { 'content-type': 'application/json' } },
    ]);
    await fetch(`${url}/klarna/calls`, { headers: fromPage });
    expect(klarna.reached).toMatchObject([{ call: 'GET /_simulator/calls' }]);
  });

  it.each(['/klarna/../v2/accounts', '/klarna/%2e%2e/v2/accounts', '/klarna\\..\\v2', '//klarna/x'])(
    'the path %s does not leave the simulator’s control surface',
    async (path) => {
      const { url, everReached } = await startPage();
      expect(await statusOf(url, 'GET', path, fromPage)).toBe(404);
      expect(everReached()).toEqual([]);
    },
  );

  it('an absolute address is not called', async () => {
    const { url, everReached } = await startPage();
    expect(await statusOf(url, 'GET', 'http://evil.example/api/x', fromPage)).toBe(404);
    expect(everReached()).toEqual([]);
  });

  it('a body that is too long gets 413 and is not forwarded', async () => {
    const { url, everReached } = await startPage();
    const body = 'x'.repeat(16 * 1024 + 1);
    const reply = await fetch(`${url}/api/x`, { method: 'POST', headers: fromPage, body });
    expect([reply.status, everReached()]).toEqual([413, []]);
  });

  it('a call to a part that does not respond gets 502', async () => {
    const { url } = await startPage({ simulator: true });
    const gone = await startFrontPage({
      port: 0,
      api: 'http://127.0.0.1:1',
      control: url,
      simulator: undefined,
      accounts: () => '{}',
      now: () => 0,
    });
    onTestFinished(() => gone.close());
    expect((await fetch(`${gone.url}/api/x`, { headers: fromPage })).status).toBe(502);
  });
});

describe('the status of the page', () => {
  it('the status has the time of the system and the names of the accounts, and no secret', async () => {
    const { url, api, control, klarna } = await startPage();
    const text = await (await fetch(`${url}/status`, { headers: fromPage })).text();
    expect(JSON.parse(text)).toEqual({
      now: '2026-03-01T12:00:00.500Z',
      simulator: true,
      addresses: { api: api.url, control: control.url, klarna: `${klarna.url}/_simulator` },
      accounts: [{ name: 'demo', partner_account_id: 'krn:1' }],
    });
    expect(text).not.toContain('secret-key');
  });

  it('with another Klarna than the simulator, the page has no control surface', async () => {
    const { url, everReached } = await startPage({ simulator: false });
    const status = await (await fetch(`${url}/status`, { headers: fromPage })).json();
    expect(status).toMatchObject({ simulator: false });
    expect((await fetch(`${url}/klarna/calls`, { headers: fromPage })).status).toBe(404);
    expect(everReached()).toEqual([]);
  });
});
