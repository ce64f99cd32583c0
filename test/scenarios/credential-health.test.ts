import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSignedIdentity } from '../../bench/stand-ins/certificate.ts';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const hour = 3_600_000;

let data: string;
let system: LocalProcess;
let lapse: SystemClient;

/** Two accounts on one API key, and one on another. */
const { partner_account_id: _, ...direct } = defaultAccounts.demo;
const quiet = { ...direct, api_key: 'klarna_test_api_quiet' };

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(data, 'accounts.json');
  await writeFile(accounts, JSON.stringify({ ...defaultAccounts, quiet, 'quiet-too': quiet }));
  system = await startLocalProcess('--data', data, '--accounts', accounts);
  lapse = new SystemClient(system);
  await lapse.control('POST', '/sweep');
}, 60_000);

afterAll(async () => {
  await system.stop();
  await rm(data, { recursive: true });
});

/** The log lines with this code. */
async function lines(code: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const log = await readFile(join(data, 'lapse.log'), 'utf8');
  return log
    .split('\n')
    .filter((line) => line.includes(`"code":"${code}"`))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Readonly<Record<string, unknown>>);
}

const sweepIn = async (millis: number): Promise<void> => {
  await lapse.control('POST', '/clock', { advanceMs: millis });
  await lapse.control('POST', '/sweep');
};

const heartbeats = async (): Promise<readonly unknown[]> =>
  (await lines('credential.heartbeat')).map(({ credential }) => credential);

it('after a day without a call each credential gets one read, and a used one gets none', async () => {
  expect(await heartbeats()).toEqual([]);
  await sweepIn(20 * hour);
  expect((await lapse.cancel(await lapse.createAtKlarna())).status).toBe(200);
  await sweepIn(5 * hour);
  await expect.poll(heartbeats).toEqual(['quiet']);
  await lapse.control('POST', '/faults', { target: 'lambda', kind: 'kill' });
  await sweepIn(2 * hour);
  expect(await heartbeats()).toEqual(['quiet']);
});

it.each([
  ['mtlsVerificationStatus', 'INVALID', 'klarna.certificate'],
  ['ipValidationStatus', 'DENIED', 'klarna.address'],
] as const)(
  'where %s is %s, the log says so as %s, with a metric that has an alarm',
  async (setting, status, code) => {
    await lapse.simulator('POST', '/settings', { [setting]: status, ipRestrictions: 'REPORTING' });
    await lapse.cancel(await lapse.createAtKlarna());
    await lapse.simulator('POST', '/settings', { [setting]: null, ipRestrictions: 'NOT_ENABLED' });
    await expect
      .poll(() => lines(code))
      .toContainEqual(expect.objectContaining({ credential: 'demo', status, ConfigurationFault: 1 }));
  },
);

it('a certificate that ends in five days is told of once that day, with a metric that has an alarm', async () => {
  const { certificate, key } = await selfSignedIdentity(Date.now() + 27 * hour, 5);
  const secured = { ...quiet, client_certificate: certificate, client_key: key };
  await writeFile(join(data, 'accounts.json'), JSON.stringify({ ...defaultAccounts, quiet: secured }));
  await sweepIn(hour + 1);
  await expect
    .poll(() => lines('credential.certificate'))
    .toMatchObject([{ credential: 'quiet', fault: 'misconfigured', ConfigurationFault: 1 }]);
  await sweepIn(hour + 1);
  expect(await lines('credential.certificate')).toHaveLength(1);
});
