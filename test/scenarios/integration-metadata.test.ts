import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { productVersion } from '../../functions/contract/product-version.ts';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let folder: string;
let system: LocalProcess;
let lapse: SystemClient;

const originators = [{ name: 'SHOP_PLATFORM', module_name: 'CHECKOUT', module_version: '3.1.4' }];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(folder, 'accounts.json');
  const demo = {
    ...defaultAccounts.demo,
    integrator: 'ACME_PAYMENTS',
    originators,
    sync_klarna_expiry: true,
  };
  await writeFile(accounts, JSON.stringify({ demo }));
  system = await startLocalProcess('--accounts', accounts);
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

/** What each call about a request told Klarna, as JSON. */
async function told(id: string): Promise<readonly unknown[]> {
  const { body } = await lapse.simulator('GET', '/calls');
  const calls = body['calls'] as readonly { payment_request_id: string; integration_metadata: string }[];
  return calls
    .filter(({ payment_request_id }) => payment_request_id === id)
    .map(({ integration_metadata }) => JSON.parse(integration_metadata) as unknown);
}

const integrator = { name: 'ACME_PAYMENTS', module_name: 'LAPSE', module_version: productVersion };

it('every call about a session tells Klarna who calls, and for which session', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT30M', session_id: 'cart-17' });
  expect((await lapse.cancel(id)).status).toBe(200);
  const calls = await told(id);
  expect(calls.length).toBeGreaterThanOrEqual(3);
  for (const call of calls)
    expect(call).toEqual({ integrator: { ...integrator, session_reference: 'cart-17' }, originators });
});

it.each([
  ['without a session', undefined],
  ['whose session id looks like an address', 'jane@example.com'],
])('a call about a request %s tells no session', async (_, session_id) => {
  const id = await lapse.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT10M', ...(session_id !== undefined && { session_id }) });
  await lapse.cancel(id);
  for (const call of await told(id)) expect(call).toEqual({ integrator, originators });
});
