import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

/** What Klarna may respond to a verb that it does not take, each tried with a credential of its own. */
const verbStatuses = [405, 404, 400, 403] as const;

let folder: string;
let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(folder, 'accounts.json');
  const synced = { ...defaultAccounts.demo, sync_klarna_expiry: true };
  const ofVerbs = verbStatuses.map((status) => {
    const { partner_account_id: _, ...direct } = { ...synced, api_key: `klarna_test_api_verb-${status}` };
    return [`verb-${status}`, direct] as const;
  });
  await writeFile(accounts, JSON.stringify({ demo: synced, ...Object.fromEntries(ofVerbs) }));
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
  ['refuses, and is asked for the state', { kind: 'conflict' }, /^PUT GET$/],
  // A reset of a connection that has served before is tried once more.
  ['responds with a reset', { kind: 'reset' }, /^PUT( PUT)?$/],
  ['responds with an error', { kind: 'unavailable' }, /^PUT$/],
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

describe('the verb of an update', () => {
  const settings = (given: object) => lapse.simulator('POST', '/settings', given);
  afterAll(() => settings({ updateVerb: 'ANY' }));

  it.each(verbStatuses)(
    'where Klarna takes PATCH and responds %i to PUT, both are sent once for a credential, and then PATCH alone',
    async (responseToOtherVerb) => {
      await settings({ updateVerb: 'PATCH', responseToOtherVerb });
      const account = `verb-${responseToOtherVerb}`;
      const register = async () => {
        const id = await lapse.createAtKlarna({ partner_account_id: undefined });
        const path = `/payment-requests/${id}`;
        const { status, body } = await lapse.api('PUT', path, { session_timeout: 'PT30M' }, account);
        expect(status).toBe(201);
        expect(await expiryAtKlarna(id)).toBe(Date.parse(String(body['deadline_at'])));
        return lapse.callsAtKlarna(id);
      };
      expect(await register()).toEqual(['PUT', 'PATCH']);
      expect(await register()).toEqual(['PATCH']);
      // A new process knows it from the table.
      await lapse.control('POST', '/faults', { target: 'lambda', kind: 'kill' });
      expect(await register()).toEqual(['PATCH']);
    },
  );
});

it('the first update that got no response is made again by the sweep', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', { kind: 'unavailable', on: 'patch', payment_request_id: id });
  const { body } = await lapse.register(id, { session_timeout: 'PT30M' });
  const deadline = Date.parse(String(body['deadline_at']));
  expect(await expiryAtKlarna(id)).not.toBe(deadline);
  await lapse.control('POST', '/clock', { advanceMs: 61_000 });
  await lapse.control('POST', '/sweep');
  await expect.poll(() => expiryAtKlarna(id)).toBe(deadline);
  const { body: history } = await lapse.api('GET', `/payment-requests/${id}/history`);
  expect(JSON.stringify(history)).toContain('Klarna gave no clear response');
});

it('an expiry that Klarna refuses is in the history and in the log', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.simulator('POST', '/faults', {
    kind: 'conflict',
    on: 'patch',
    payment_request_id: id,
    status: 422,
  });
  expect((await lapse.register(id, { session_timeout: 'PT30M' })).status).toBe(201);
  const { body } = await lapse.api('GET', `/payment-requests/${id}/history`);
  expect(JSON.stringify(body)).toContain('Klarna refused.');
  await lapse.control('POST', '/clock', { advanceMs: 61_000 });
  await lapse.control('POST', '/sweep');
  expect((await lapse.callsAtKlarna(id)).filter((method) => method !== 'GET')).toHaveLength(1);
});
