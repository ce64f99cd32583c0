import { expect, it } from 'vitest';
import { account, pathOf, type SimulatorClient, startSimulator } from './running-simulator.ts';

const key = 'klarna_test_api_simulator-test';
const base64 = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const other = 'krn:partner:global:account:test:OTHER';

const statusFor = async (client: SimulatorClient, authorization: string, path = pathOf('x')) =>
  (await client.api('GET', path, undefined, { authorization })).status;

it.each([
  ['the key as it is', `Basic ${key}`],
  ['an empty user name', base64(`:${key}`)],
  ['the user name', base64(`user-1:${key}`)],
])('the API key is accepted %s', async (_, authorization) => {
  const klarna = await startSimulator({ apiKeys: { [key]: { username: 'user-1' } } });
  expect(await statusFor(klarna, authorization)).toBe(404);
});

it.each([
  ['another key', 'Basic klarna_test_api_other'],
  ['another user name', base64(`user-2:${key}`)],
  ['a key that is a property of every object', 'Basic constructor'],
  ['the key without a colon in base64', base64(key)],
  ['a bearer token', `Bearer ${key}`],
  ['nothing', ''],
])('the header is refused: %s', async (_, authorization) => {
  const klarna = await startSimulator({ apiKeys: { [key]: { username: 'user-1' } } });
  const response = await klarna.api('GET', pathOf('x'), undefined, { authorization });
  expect(response).toMatchObject({
    status: 401,
    json: { error_code: 'UNAUTHORIZED', error_type: 'ACCESS_ERROR', errors: [] },
  });
});

it('any key is accepted where none are configured, but a missing one is not', async () => {
  const klarna = await startSimulator();
  expect(await statusFor(klarna, 'Basic whatever')).toBe(404);
  expect(await statusFor(klarna, '')).toBe(401);
});

it('a key that belongs to an account is valid for that account only', async () => {
  const klarna = await startSimulator({
    apiKeys: { [key]: { partner_account_id: account }, 'other-key': { partner_account_id: other } },
  });
  const id = await klarna.place();
  expect(await statusFor(klarna, `Basic ${key}`, pathOf(id))).toBe(200);
  expect(await statusFor(klarna, `Basic ${key}`, `/v2/payment/requests/${id}`)).toBe(200);
  expect(await statusFor(klarna, 'Basic other-key', pathOf(id))).toBe(403);
  expect(await statusFor(klarna, 'Basic other-key', `/v2/payment/requests/${id}`)).toBe(404);
});

it.each([
  ['key', [404, 401, 401]],
  ['colon-key', [401, 404, 401]],
  ['username-key', [401, 401, 404]],
] as const)('where only the encoding %s is accepted, the others are refused', async (encoding, statuses) => {
  const klarna = await startSimulator({
    apiKeys: { [key]: { username: 'user-1' } },
    keyEncodings: [encoding],
  });
  const sent = [`Basic ${key}`, base64(`:${key}`), base64(`user-1:${key}`)];
  expect(await Promise.all(sent.map((each) => statusFor(klarna, each)))).toEqual(statuses);
});
