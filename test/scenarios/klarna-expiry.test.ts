import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let folder: string;
let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(folder, 'accounts.json');
  await writeFile(accounts, JSON.stringify({ demo: { ...defaultAccounts.demo, sync_klarna_expiry: true } }));
  system = await startLocalProcess('--accounts', accounts);
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

const expiryAtKlarna = async (id: string) => {
  const { body } = await lapse.simulator('GET', '/payment-requests');
  const all = body['payment_requests'] as readonly Record<string, unknown>[];
  return Date.parse(String(all.find((each) => each['payment_request_id'] === id)?.['expires_at']));
};

it("Klarna's own expiry follows the deadline of the session", async () => {
  const id = await lapse.createAtKlarna();
  const registered = await lapse.register(id, { session_timeout: 'PT30M' });
  expect(registered.status).toBe(201);
  const deadline = Date.parse(String(registered.body['deadline_at']));
  expect(await expiryAtKlarna(id)).toBe(deadline);
  expect(Date.parse(String(registered.body['klarna_expires_at']))).toBe(deadline);

  const moved = await lapse.api('PATCH', `/payment-requests/${id}`, { session_timeout: 'PT1H' });
  expect(moved.status).toBe(200);
  expect(await expiryAtKlarna(id)).toBe(Date.parse(String(moved.body['deadline_at'])));
  const history = await lapse.api('GET', `/payment-requests/${id}/history`);
  expect(JSON.stringify(history.body)).toContain('"kind":"klarna_expiry","recorded_at"');
});

it.each([
  ['refuses, and is asked for the state', { kind: 'conflict' }, /^PATCH GET$/],
  // A reset of a connection that has served before is tried once more.
  ['responds with a reset', { kind: 'reset' }, /^PATCH( PATCH)?$/],
  ['responds with an error', { kind: 'unavailable' }, /^PATCH$/],
])('a registration succeeds when Klarna %s', async (_, fault, calls) => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', { on: 'patch', payment_request_id: id, ...fault });
  const { status, body } = await lapse.register(id, { session_timeout: 'PT30M' });
  expect([status, body['timer']]).toEqual([201, 'armed']);
  expect((await lapse.callsAtKlarna(id)).join(' ')).toMatch(calls);
});

it('a registration waits for a silent Klarna no longer than one call may take', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', { on: 'patch', payment_request_id: id, kind: 'hang' });
  const before = Date.now();
  expect((await lapse.register(id, { session_timeout: 'PT30M' })).status).toBe(201);
  expect(Date.now() - before).toBeLessThan(6_000);
});

it('a deadline that Klarna would refuse is kept by Lapse alone', async () => {
  const id = await lapse.createAtKlarna();
  expect((await lapse.register(id, { session_timeout: 'PT5M' })).status).toBe(201);
  expect(await lapse.callsAtKlarna(id)).toEqual([]);
});
