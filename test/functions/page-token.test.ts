/** Page tokens: the call that makes one, the route without an authorizer that takes it, and what a browser may see. */
import { BatchGetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { routes } from '../../functions/contract/routes.ts';
import type { Account, SessionId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf, parseInstant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { openPageToken, signPageToken } from '../../functions/http/page-token-signature.ts';
import { aws, pageKeysSecret } from '../support/aws-clients.ts';
import { notAllowed, throttled } from '../support/aws-faults.ts';
import { dereferenced, operations, preflights } from '../support/api-contract.ts';
import { callApi } from '../support/call-api.ts';
import { account, at, recordWith } from '../support/fixtures.ts';
import { pageEnvironment } from '../support/function-environment.ts';
import { apiEvent, type ApiCall, itemOf, lambdaContext } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';
import { session } from '../support/sessions.ts';

const { reading, output } = await setUpHandlers(
  async () => ({ reading: await import('../../functions/get-payment-request.ts') }),
  pageEnvironment,
);

const sessionId = 'cart:17 å' as SessionId;
const end = '2099-03-01T12:30:00Z';
const origin = 'https://shop.example';

/** The table has one request of the session. */
function stored(fields: Partial<PaymentRequest> = {}): void {
  const record = recordWith({ state: 'SUBMITTED', session, sessionId, deadlineAt: at(end), ...fields });
  aws.dynamodb.on(QueryCommand).resolves({ Items: [itemOf(record)] });
  aws.dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: [itemOf(record)] } });
}

const make = (call: Partial<ApiCall> = {}) =>
  callApi(
    reading.handler,
    apiEvent({
      method: 'POST',
      route: '/accounts/{account}/sessions/{session_id}/page-token',
      pathParameters: { account, session_id: sessionId },
      ...call,
    }),
  );

const claims = { account, sessionId, expiresAt: at(end) };
const token = signPageToken(claims, planted.pageKey);

/** An event of the route, which API Gateway passes on without an authorizer. */
function pageEvent(headers: Readonly<Record<string, string>>, call: Partial<ApiCall> = {}) {
  const event = apiEvent({ method: 'GET', route: '/page/session', pathParameters: {}, ...call });
  const { authorization, ...others } = event.headers;
  const { authorizer, ...requestContext } = event.requestContext as typeof event.requestContext & {
    readonly authorizer?: unknown;
  };
  expect([authorization, authorizer]).not.toContain(undefined);
  return { ...event, headers: { ...others, ...headers }, requestContext };
}

const read = (headers: Readonly<Record<string, string>> = {}, call: Partial<ApiCall> = {}) =>
  callApi(reading.handler, pageEvent({ authorization: `Bearer ${token}`, ...headers }, call));

describe('the call that makes a page token', () => {
  it('the call returns a token for the session of the path, which is valid for an hour', async () => {
    stored();
    const { statusCode, document, headers } = await make();
    expect([statusCode, headers['cache-control']]).toEqual([201, 'no-store']);
    expect(document).toMatchObject({ account, session_id: sessionId, path: '/page/session' });
    const opened = openPageToken(String(document['token']), [planted.pageKey]);
    expect(opened).toEqual({ account, sessionId, expiresAt: parseInstant(String(document['expires_at'])) });
    const left = Date.parse(String(document['expires_at'])) - Date.now();
    expect(left).toBeGreaterThan(3_590_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  it.each([
    ['PT1M', 60],
    ['PT30M', 1_800],
    ['PT48H', 172_800],
    ['P2D', 172_800],
  ])('valid_for %s makes a token for %i seconds', async (given, seconds) => {
    stored();
    const { document } = await make({ body: { valid_for: given } });
    const left = (Date.parse(String(document['expires_at'])) - Date.now()) / 1_000;
    expect(Math.round(left)).toBe(seconds);
  });

  it.each([['PT59S'], ['PT48H1S'], ['P1M'], ['-PT30M'], ['1800'], [''], [1_800], [null]])(
    'valid_for %j is refused with what is allowed, before anything is read',
    async (given) => {
      const { statusCode, document } = await make({ body: { valid_for: given } });
      expect(statusCode).toBe(400);
      expect(document).toMatchObject({
        field: 'valid_for',
        allowed: 'an ISO 8601 duration from PT1M to PT48H, such as PT30M',
      });
      expect(aws.dynamodb.calls()).toEqual([]);
    },
  );

  it.each([
    ['an unknown field', { body: { origin: 'https://shop.example' } }, 'origin'],
    ['a query', { query: { valid_for: 'PT30M' } }, 'valid_for'],
    ['a body that is an array', { body: [] }, 'body'],
  ])('%s is refused', async (_, call, field) => {
    const { statusCode, document } = await make(call);
    expect([statusCode, document['field']]).toEqual([400, field]);
  });

  it('an unknown session has no token', async () => {
    const { statusCode, document } = await make();
    expect([statusCode, document['session_id']]).toEqual([404, sessionId]);
  });

  it('a new token is signed with the current key, and neither token nor key is logged', async () => {
    stored();
    const current = 'c'.repeat(64);
    aws.secrets
      .on(GetSecretValueCommand, { SecretId: 'lapse/page-keys' })
      .resolves({ SecretString: pageKeysSecret({ current, previous: planted.pageKey }) });
    const { document } = await make();
    const made = String(document['token']);
    expect(openPageToken(made, [current])).toBeDefined();
    expect(openPageToken(made, [planted.pageKey])).toBeUndefined();
    expect(output.text()).not.toContain(made);
    expect(output.text()).not.toContain(current);
  });

  it('a malformed secret is a mistake of the configuration, which names no value', async () => {
    stored();
    aws.secrets
      .on(GetSecretValueCommand, { SecretId: 'lapse/page-keys' })
      .resolves({ SecretString: JSON.stringify({ currant: planted.pageKey }) });
    const reply = await make();
    expect(reply.document).toMatchObject({
      type: 'urn:lapse:problem:misconfigured',
      detail: expect.stringContaining('current is missing') as unknown,
    });
    expect(plantedIn(reply.body + output.text())).toEqual([]);
  });

  it('the call needs the permission to read', () => {
    const route = 'POST /accounts/{account}/sessions/{session_id}/page-token';
    expect(routes[route].permission).toBe('read');
  });
});

describe('the page of a token', () => {
  it('the page sees the status and the clock of its session, and nothing else', async () => {
    stored();
    const { statusCode, document, headers } = await read();
    expect(statusCode).toBe(200);
    expect(Object.keys(document)).toEqual(['session_id', 'status', 'server_time', 'seconds_left']);
    const left = (Date.parse(end) - Date.parse(String(document['server_time']))) / 1_000;
    expect(document).toMatchObject({ session_id: sessionId, status: 'open', seconds_left: Math.floor(left) });
    expect(headers['cache-control']).toBe('private, no-cache');
  });

  it('the page is read from the account and the session of the token', async () => {
    stored();
    await read();
    const [query] = aws.dynamodb.commandCalls(QueryCommand).map((call) => call.args[0].input);
    expect(JSON.stringify(query)).toContain(account);
    expect(JSON.stringify(query)).toContain(sessionId);
    const other = signPageToken({ ...claims, sessionId: 'cart-18' as SessionId }, planted.pageKey);
    // The table of this test has no other session: what an index returns by mistake is not shown.
    expect((await read({ authorization: `Bearer ${other}` })).statusCode).toBe(404);
  });

  it('the page that knows the tag gets 304 until the session changes', async () => {
    stored();
    const first = await read();
    const known = { 'if-none-match': first.headers['etag'] ?? '' };
    const again = await read(known);
    expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', first.headers['etag']]);
    stored({ state: 'COMPLETED' });
    expect(await read(known)).toMatchObject({
      statusCode: 200,
      document: { status: 'paid', seconds_left: null },
    });
    stored({ deadlineAt: at('2099-03-01T12:31:00Z') });
    expect((await read(known)).statusCode).toBe(200);
  });

  const secondKey = 's'.repeat(64);
  const expired = signPageToken({ ...claims, expiresAt: instantFromMillis(Date.now() - 1) }, planted.pageKey);
  const notValid = "The page token is not valid. Get a new one from the shop's back end.";

  it.each<[string, Record<string, string>, string]>([
    ['a forged token', { authorization: `Bearer ${signPageToken(claims, secondKey)}` }, notValid],
    ['a malformed token', { authorization: 'Bearer nonsense' }, notValid],
    ['an empty token', { authorization: 'Bearer ' }, notValid],
    ['another scheme', { authorization: `Basic ${token}` }, notValid],
    ['the token alone', { authorization: token }, notValid],
    ['two tokens', { authorization: `Bearer ${token},Bearer ${token}` }, notValid],
    ['a token that is too long', { authorization: `Bearer ${token}${'A'.repeat(2_048)}` }, notValid],
    [
      'an expired token',
      { authorization: `Bearer ${expired}` },
      "The page token has expired. Get a new one from the shop's back end.",
    ],
  ])('%s gets 401, and nothing is read from the table', async (_, headers, detail) => {
    stored();
    const reply = await read(headers);
    expect(reply.statusCode).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.document).toMatchObject({ type: 'urn:lapse:problem:invalid-page-token', detail });
    expect(aws.dynamodb.calls()).toEqual([]);
    expect(output.text()).not.toContain(token.slice(0, 40));
  });

  it('a call without a token gets 401, and no secret is read for it', async () => {
    const { statusCode, headers, document } = await callApi(reading.handler, pageEvent({}));
    expect([statusCode, headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(document['detail']).toBe('The header Authorization is missing; allowed: Bearer and a page token.');
    expect(aws.secrets.calls()).toEqual([]);
  });

  it('a token of the previous key is valid, and one of the key before is not', async () => {
    stored();
    const rotated = { current: 'c'.repeat(64), previous: planted.pageKey };
    aws.secrets.on(GetSecretValueCommand).resolves({ SecretString: pageKeysSecret(rotated) });
    expect((await read()).statusCode).toBe(200);
    const again = { current: 'd'.repeat(64), previous: 'c'.repeat(64) };
    aws.secrets.on(GetSecretValueCommand).resolves({ SecretString: pageKeysSecret(again) });
    expect((await read()).statusCode).toBe(401);
  });

  it('a token in the query is refused, and not logged', async () => {
    const reply = await read({}, { query: { token } });
    expect([reply.statusCode, reply.document['field']]).toEqual([400, 'token']);
    expect(output.text()).not.toContain(token);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])(
    '%s gets 405 with the methods of the path',
    async (method) => {
      const event = apiEvent({ method, route: '/page/session', pathParameters: {} });
      const { statusCode, headers } = await callApi(reading.handler, { ...event, routeKey: '$default' });
      expect([statusCode, headers['allow']]).toEqual([405, 'GET, OPTIONS']);
    },
  );
});

describe('what a browser lets a page read', () => {
  const allowedHeaders = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'etag, retry-after',
    vary: 'Origin',
  };
  const corsOf = (headers: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control|vary)/.test(name)));
  const preflight = (its: Readonly<Record<string, string>>) =>
    reading.handler(pageEvent(its, { method: 'OPTIONS' }), lambdaContext());

  const situations: readonly [string, () => void, Readonly<Record<string, string>>, number][] = [
    ['the session', () => stored(), {}, 200],
    ['an unchanged session', () => stored(), { 'if-none-match': '*' }, 304],
    ['an unknown session', () => undefined, {}, 404],
    ['a refused token', () => undefined, { authorization: 'Bearer none' }, 401],
    ['an error of AWS', () => void aws.dynamodb.rejects(throttled), {}, 503],
    ['a mistake in the configuration', () => void aws.dynamodb.rejects(notAllowed), {}, 500],
  ];

  it.each(situations)('a page of a configured origin may read %s', async (_, given, headers, status) => {
    given();
    const reply = await read({ ...headers, origin });
    expect([reply.statusCode, corsOf(reply.headers)]).toEqual([status, allowedHeaders]);
  });

  it.each(situations)('a page of another origin gets no header for %s', async (_, given, headers, status) => {
    given();
    const reply = await read({ ...headers, origin: 'https://shop.example.evil.example' });
    expect([reply.statusCode, corsOf(reply.headers)]).toEqual([status, { vary: 'Origin' }]);
  });

  it.each([
    'http://shop.example',
    'https://SHOP.example',
    'https://shop.example:444',
    'null',
    '*',
    `${origin}/`,
  ])('the origin %s is another one', async (its) => {
    stored();
    expect(corsOf((await read({ origin: its })).headers)).toEqual({ vary: 'Origin' });
  });

  it('the preflight allows the call with its headers to a configured origin, without a token', async () => {
    const { statusCode, headers, body } = await preflight({
      origin: 'https://www.shop.example:8443',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,if-none-match',
    });
    expect([statusCode, body]).toEqual([204, '']);
    expect(headers).toEqual({
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'authorization, if-none-match',
      'access-control-max-age': '7200',
      'access-control-allow-origin': 'https://www.shop.example:8443',
      'access-control-expose-headers': 'etag, retry-after',
      vary: 'Origin',
    });
    expect([aws.dynamodb.calls(), aws.secrets.calls()]).toEqual([[], []]);
  });

  it('the preflight allows nothing to another origin', async () => {
    const { statusCode, headers } = await preflight({ origin: 'https://other.example' });
    expect([statusCode, headers]).toEqual([204, { vary: 'Origin' }]);
  });

  it('docs/api.yaml names the headers of every response', async () => {
    stored();
    const documentedFor = (route: string, status: number): readonly string[] => {
      const operation = [...operations, ...preflights].find((each) => each.route === route);
      const response = dereferenced(dereferenced(operation?.description['responses'])[String(status)]);
      return Object.keys(dereferenced(response['headers'])).map((name) => name.toLowerCase());
    };
    const routeOfToken = 'POST /accounts/{account}/sessions/{session_id}/page-token';
    const replies = [
      [routeOfToken, await make()],
      ['GET /page/session', await read({ origin })],
      ['GET /page/session', await read({ origin, 'if-none-match': '*' })],
      ['GET /page/session', await read({ origin, authorization: 'Bearer none' })],
      ['OPTIONS /page/session', await preflight({ origin })],
    ] as const;
    expect(replies.map(([, { statusCode }]) => statusCode)).toEqual([201, 200, 304, 401, 204]);
    for (const [route, { statusCode, headers }] of replies) {
      const sent = Object.keys(headers).filter((name) => name !== 'content-type');
      expect(documentedFor(route, statusCode).toSorted(), `${route} ${statusCode}`).toEqual(sent.toSorted());
    }
  });

  it('no other route has a header for a browser', async () => {
    stored();
    const { headers } = await make({ headers: { origin } });
    expect(corsOf(headers)).toEqual({});
  });
});

it('a token of one account is not for another one', () => {
  const other = { ...claims, account: 'shop-no' as Account };
  const [, body = ''] = signPageToken(other, planted.pageKey).split('.');
  const [, , signature = ''] = token.split('.');
  expect(openPageToken(`v1.${body}.${signature}`, [planted.pageKey])).toBeUndefined();
  expect(millisOf(claims.expiresAt)).toBe(Date.parse(end));
});
