/** An acquiring partner with one credential: partners come and go, and nothing is configured for any of them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const acquirer = 'krn:partner:global:account:test:M4ACQUIRER';
let folder = '';
let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-credentials-'));
  const fileOf = async (name: string, content: object): Promise<string> => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const credential = {
    environment: 'test',
    api_key: 'klarna_test_api_of-acquirer-not-a-real-key',
    acquirer_account_id: acquirer,
    default_session_timeout: 'PT30M',
  };
  const signingKey = {
    key: 'signing-key-of-acquirer-not-a-real-secret',
    recipient_account_id: acquirer,
    credential: 'acquirer',
    subjects: '*',
    unknown_subject: 'quarantine',
  };
  system = await startLocalProcess(
    '--accounts',
    await fileOf('accounts', {}),
    '--credentials',
    await fileOf('credentials', { acquirer: credential }),
    '--signing-keys',
    await fileOf('signing-keys', { 'key-of-acquirer': signingKey }),
  );
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

const krnOf = (account: string) => `krn:partner:global:account:test:${account.toUpperCase()}`;
const createAtKlarna = (account: string) => lapse.createAtKlarna({ partner_account_id: krnOf(account) });
const onboard = (account: string) => lapse.simulator('POST', '/accounts', { account_id: krnOf(account) });
const onboardedAt = async (account: string) =>
  (await lapse.api('GET', '/settings', undefined, account)).body['onboarded_at'];

it('a partner is served from onboarding to its first cancel and its webhook without an edit', async () => {
  const account = 'm4first';
  expect((await onboard(account)).status).toBe(201);
  await expect.poll(() => onboardedAt(account), { timeout: 10_000 }).not.toBeNull();
  const id = await createAtKlarna(account);
  const path = `/payment-requests/${id}`;
  await lapse.customer(id, 'start');
  expect((await lapse.api('PUT', path, { session_timeout: 'PT1S' }, account)).status).toBe(201);
  await expect
    .poll(async () => (await lapse.api('GET', path, undefined, account)).body['state'], { timeout: 20_000 })
    .toBe('CANCELED');
  // The webhook about the customer belongs to the same record.
  await expect
    .poll(async () => JSON.stringify((await lapse.api('GET', `${path}/history`, undefined, account)).body))
    .toContain('key-of-acquirer');
});

it('two partners on the credential do not see or cancel requests of each other', async () => {
  const id = await createAtKlarna('m4one');
  const path = `/payment-requests/${id}`;
  expect((await lapse.api('PUT', path, {}, 'm4one')).status).toBe(201);
  expect((await lapse.api('GET', path, undefined, 'm4two')).status).toBe(404);
  expect((await lapse.api('DELETE', path, undefined, 'm4two')).status).toBe(404);
  expect((await lapse.api('GET', path, undefined, 'm4one')).body['state']).not.toBe('CANCELED');
});

it('the settings of one partner decide its sessions, and not those of others', async () => {
  const reply = await lapse.api('PUT', '/settings', { observe: true, alias: 'Shop' }, 'm4observed');
  expect([reply.status, reply.body['credential']]).toEqual([200, 'acquirer']);
  const observed = await lapse.api(
    'PUT',
    `/payment-requests/${await createAtKlarna('m4observed')}`,
    {},
    'm4observed',
  );
  const other = await lapse.api('PUT', `/payment-requests/${await createAtKlarna('m4other')}`, {}, 'm4other');
  expect([observed.body['on_timeout'], other.body['on_timeout']]).toEqual(['observe', 'cancel']);
});

it('the overview shows the sessions of all accounts, and of which accounts most', async () => {
  for (const account of ['m4large', 'm4large', 'm4small']) {
    const id = await createAtKlarna(account);
    await lapse.api('PUT', `/payment-requests/${id}`, { session_timeout: 'PT2H' }, account);
  }
  const overview = async () => {
    const response = await fetch(`${system.api}/overview?limit=100`);
    return (await response.json()) as {
      readonly open: { readonly largest: readonly { readonly account: string; readonly count: number }[] };
    };
  };
  await expect
    .poll(async () => (await overview()).open.largest, { timeout: 10_000 })
    .toEqual(
      expect.arrayContaining([
        { account: 'm4large', count: 2 },
        { account: 'm4small', count: 1 },
      ]),
    );
});

it('timeouts of two accounts on one credential all end within the share of its rate limit', async () => {
  // Sixty calls in ten seconds, of which Lapse takes half: one or two sessions a second.
  await lapse.simulator('POST', '/settings', { rateLimit: 60, rateWindowMs: 10_000 });
  const sessions: (readonly [account: string, id: string])[] = [];
  for (const account of [...Array<string>(12).fill('m4noisy'), 'm4quiet']) {
    const id = await createAtKlarna(account);
    await lapse.api('PUT', `/payment-requests/${id}`, { session_timeout: 'PT3S' }, account);
    sessions.push([account, id]);
  }
  for (const [account, id] of sessions) {
    await expect
      .poll(
        async () => (await lapse.api('GET', `/payment-requests/${id}`, undefined, account)).body['state'],
        {
          timeout: 60_000,
          interval: 500,
        },
      )
      .toBe('CANCELED');
  }
  const { body } = await lapse.simulator('GET', '/calls');
  const statuses = (body['calls'] as readonly { readonly status: number | null }[]).map(
    ({ status }) => status,
  );
  expect(statuses).not.toContain(429);
  await lapse.simulator('POST', '/settings', { rateLimit: 60_000, rateWindowMs: 60_000 });
}, 90_000);
