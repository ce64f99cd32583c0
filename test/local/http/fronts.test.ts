import { describe, expect, it, onTestFinished } from 'vitest';
import { startApiFront } from '../../../local/http/api-front.ts';
import { startFunctionUrlFront } from '../../../local/http/function-url-front.ts';
import { startListening } from '../../../local/http/start-listening.ts';
import { startAtPreferredPort } from '../../../local/http/preferred-port.ts';
import type { InvocationResult } from '../../../local/lambda/invoke.ts';
import type { RouteDescription } from '../../../local/template/stack-description.ts';
import { sendRaw } from './raw-request.ts';

type Event = Record<string, unknown> & { headers: Record<string, string> };

const responded = (payload: unknown): InvocationResult => ({ kind: 'response', payload });

/** A function that keeps the events it received. */
function recorder(result: InvocationResult = responded({ statusCode: 204 })) {
  const events: Event[] = [];
  const invoke = (event: unknown): Promise<InvocationResult> => {
    events.push(event as Event);
    return Promise.resolve(result);
  };
  return { events, invoke };
}

async function functionUrl(result?: InvocationResult) {
  const { events, invoke } = recorder(result);
  const front = await startFunctionUrlFront({ port: 0, invoke });
  onTestFinished(() => front.close());
  return { url: front.url, events };
}

const routes: readonly RouteDescription[] = [
  { method: 'GET', path: '/accounts/{account}/things/{thing}', functionId: 'get', authorization: 'AWS_IAM' },
  { method: 'GET', path: '/accounts/{account}/things/all', functionId: 'all', authorization: 'AWS_IAM' },
  { method: 'ANY', path: '/accounts/{account}/things/{thing}', functionId: 'any', authorization: 'NONE' },
  { method: 'ANY', path: '$default', functionId: 'default', authorization: 'AWS_IAM' },
];

async function api(result?: InvocationResult, served = routes) {
  const { events, invoke } = recorder(result);
  const reached: string[] = [];
  const front = await startApiFront({
    port: 0,
    routes: served,
    invoke: (functionId, event) => {
      reached.push(functionId);
      return invoke(event);
    },
  });
  onTestFinished(() => front.close());
  return { url: front.url, events, reached };
}

describe('the event of a request', () => {
  it('an event has the method, the path, the query and the headers in lower case', async () => {
    const { url, events } = await functionUrl();
    await fetch(`${url}/hook?a=1&b=%20x&a=2`, { headers: { 'X-Klarna': 'Yes', cookie: 'a=1; b=2' } });
    expect(events[0]).toMatchObject({
      version: '2.0',
      rawPath: '/hook',
      rawQueryString: 'a=1&b=%20x&a=2',
      queryStringParameters: { a: '1,2', b: ' x' },
      cookies: ['a=1', 'b=2'],
      requestContext: { http: { method: 'GET', path: '/hook', sourceIp: '127.0.0.1' } },
      isBase64Encoded: false,
    });
    expect(events[0]?.headers).toMatchObject({ 'x-klarna': 'Yes' });
    expect(events[0]).not.toHaveProperty('body');
  });

  it.each([
    ['application/json', Buffer.from('{"a":"ü"}'), { body: '{"a":"ü"}', isBase64Encoded: false }],
    ['application/problem+json', Buffer.from('{}'), { body: '{}', isBase64Encoded: false }],
    ['application/octet-stream', Buffer.from('{}'), { body: 'e30=', isBase64Encoded: true }],
    ['application/json', Buffer.from([0x7b, 0xff, 0x7d]), { body: 'e/99', isBase64Encoded: true }],
  ])('an event with a body of %s carries %j without loss', async (type, bytes, wanted) => {
    const { url, events } = await functionUrl();
    await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: bytes });
    expect(events[0]).toMatchObject(wanted);
  });

  it('repeated headers are joined by commas', async () => {
    const { url, events } = await functionUrl();
    await sendRaw(url, ['GET / HTTP/1.1', 'Klarna-Signature: a', 'klarna-signature: b']);
    expect(events[0]?.headers['klarna-signature']).toBe('a,b');
  });
});

describe('a response of a front', () => {
  it.each<[InvocationResult, number, string]>([
    [responded({ statusCode: 409, body: 'no', headers: { 'content-type': 'text/plain' } }), 409, 'no'],
    [responded({ statusCode: 200, body: 'aGk=', isBase64Encoded: true }), 200, 'hi'],
    [responded({ any: 'object' }), 200, '{"any":"object"}'],
    [responded('text'), 200, 'text'],
    [responded(null), 200, 'null'],
    [{ kind: 'throttled' }, 429, '{"message":"Too Many Requests"}'],
    [{ kind: 'error', errorType: 'Error', errorMessage: 'x' }, 502, '{"message":"Internal Server Error"}'],
    [responded({ statusCode: 7 }), 500, '{"message":"Internal Server Error"}'],
  ])('%j is a response of a Lambda URL', async (result, status, text) => {
    const { url } = await functionUrl(result);
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([status, text]);
  });

  it.each<[InvocationResult, number]>([
    [{ kind: 'throttled' }, 503],
    [{ kind: 'error', errorType: 'Error', errorMessage: 'x' }, 500],
  ])('%j is a response of the API', async (result, status) => {
    const { url } = await api(result);
    expect((await fetch(`${url}/x`)).status).toBe(status);
  });
});

describe('a route of the API', () => {
  it.each([
    ['GET', '/accounts/demo/things/1', 'get', { account: 'demo', thing: '1' }],
    ['GET', '/accounts/demo/things/all', 'all', { account: 'demo' }],
    ['PUT', '/accounts/demo/things/1', 'any', { account: 'demo', thing: '1' }],
    ['GET', '/accounts/demo/things/a%3A%20%C3%A5', 'get', { account: 'demo', thing: 'a: å' }],
    ['GET', '/accounts/demo/things/a%2Fb', 'default', {}],
    ['GET', '/accounts/demo/things/a%3Fb', 'get', { account: 'demo', thing: 'a' }],
    ['GET', '/accounts/demo/things/a%23b', 'get', { account: 'demo', thing: 'a' }],
    ['GET', '/accounts/demo/things/a%253Fb', 'get', { account: 'demo', thing: 'a%3Fb' }],
    ['GET', '/accounts/demo/things/', 'default', {}],
    ['GET', '/accounts/demo/things/1/more', 'default', {}],
  ])('%s %s takes its route', async (method, path, functionId, pathParameters) => {
    const { url, events, reached } = await api();
    await fetch(`${url}${path}`, { method });
    expect(reached).toEqual([functionId]);
    expect(events[0]).toMatchObject({ pathParameters });
  });

  it.each([
    ['/accounts/other/%2E./demo/things/%2e/1', 'get', { account: 'demo', thing: '1' }],
    ['/accounts/other/../demo/things/1', 'get', { account: 'demo', thing: '1' }],
    ['/accounts/demo/things/%2e%2E', 'default', {}],
    ['/accounts/demo/things/.', 'default', {}],
  ])(
    '%s takes its route after dot segments are folded, and keeps its rawPath',
    async (path, functionId, parameters) => {
      const { url, events, reached } = await api();
      await sendRaw(url, [`GET ${path} HTTP/1.1`]);
      expect(reached).toEqual([functionId]);
      expect(events[0]).toMatchObject({ rawPath: decodeURIComponent(path), pathParameters: parameters });
    },
  );

  it('an unknown route gets 404 where there is no default', async () => {
    const { url } = await api(undefined, routes.slice(0, 1));
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  });

  it('a malformed escape gets 400 and does not reach the function', async () => {
    const { url, reached } = await api();
    expect(await sendRaw(url, ['GET /accounts/%zz HTTP/1.1'])).toMatch(/^HTTP\/1\.1 400 /);
    expect(reached).toEqual([]);
  });

  it('IAM authorization names the caller by the access key of the signature', async () => {
    const { url, events } = await api();
    await fetch(`${url}/accounts/demo/things/1`, {
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/execute-api' },
    });
    expect(events[0]).toMatchObject({
      requestContext: { authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/AKIDEXAMPLE' } } },
    });
  });
});

it('a body over the limit gets 413 and does not reach the function', async () => {
  const { url, events } = await functionUrl();
  const response = await fetch(url, { method: 'POST', body: Buffer.alloc(6 * 1024 * 1024 + 1) });
  expect([response.status, events.length]).toEqual([413, 0]);
});

it.each([
  [['GET / HTTP/1.1', `x-long: ${'x'.repeat(20_000)}`], 431, 'Request Header Fields Too Large'],
  [['malformed'], 400, 'Bad Request'],
])('bytes that are not a request get a response of the front itself: %#', async (lines, status, message) => {
  const { url, events } = await functionUrl();
  const reply = await sendRaw(url, lines);
  expect(reply).toContain(`HTTP/1.1 ${status} ${message}\r\n`);
  expect(reply.endsWith(JSON.stringify({ message }))).toBe(true);
  expect(events).toEqual([]);
});

it('malformed bytes, and a client that disconnects, do no harm', async () => {
  const { url } = await functionUrl();
  await sendRaw(url, ['\u0000\u0001 malformed']);
  await sendRaw(url, ['POST / HTTP/1.1', 'Content-Length: 100'], 'short').catch(() => undefined);
  expect((await fetch(url)).status).toBe(204);
});

it('a port in use is refused with what to do', async () => {
  const first = await startListening(0, (_, response) => response.end());
  onTestFinished(() => first.close());
  await expect(startListening(Number(new URL(first.url).port), () => undefined)).rejects.toThrow(
    /^Port \d+ is in use: name another one, or 0 for a free one\.$/,
  );
});

it('a preferred port in use is not taken over', async () => {
  const start = (port: number, waitLimitMillis?: number) =>
    startListening(port, (_, response) => response.end(), waitLimitMillis);
  const first = await start(0);
  onTestFinished(() => first.close());
  const second = await startAtPreferredPort(Number(new URL(first.url).port), start);
  onTestFinished(() => second.close());
  expect(second.url).not.toBe(first.url);
});

it('a preferred port that is free is used', async () => {
  const close = () => Promise.resolve();
  const { url } = await startAtPreferredPort(4711, (port) => Promise.resolve({ url: `at ${port}`, close }));
  expect(url).toBe('at 4711');
});
