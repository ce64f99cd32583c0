import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';
import { megabytesOfFunctions } from '../../test/fuzz/drive.ts';
import { type LocalProcess, startLocalProcess } from '../../test/support/local-process.ts';
import { SystemClient } from '../../test/support/system-client.ts';
import { median, quantile } from '../statistics.ts';

/** What many accounts on one credential cost. Times are milliseconds. */
export interface Partners {
  readonly accounts: number;
  /** The first registration of an account: of the first tenth of the accounts, and of the last. */
  readonly register: Record<'first' | 'last', { readonly p50: number; readonly p99: number }>;
  /** From the announcement of a new account by Klarna to the response of its first cancel. */
  readonly onboardingToCancel: { readonly p50: number; readonly p99: number };
  /** Megabytes of a function's process, on average, before the accounts and after them. */
  readonly megabytes: Record<'before' | 'after', number>;
  /** Edits of a secret or of a setting, and deployments. */
  readonly edits: 0;
}

const acquirer = 'krn:partner:global:account:test:M4ACQUIRER';
const credential = {
  environment: 'test',
  api_key: 'klarna_test_api_of-acquirer-not-a-real-key',
  acquirer_account_id: acquirer,
};
const signingKey = {
  key: 'signing-key-of-acquirer-not-a-real-secret',
  recipient_account_id: acquirer,
  credential: 'acquirer',
  subjects: '*',
};

const krnOf = (account: string): string => `krn:partner:global:account:test:${account.toUpperCase()}`;

/** Registers a session for each of so many accounts on one credential, of which none is configured. */
export async function partners(accounts: number, onProgress: (done: number) => void): Promise<Partners> {
  const folder = await mkdtemp(join(tmpdir(), 'lapse-partners-'));
  const system = await startAcquirer(folder);
  try {
    const lapse = new SystemClient(system);
    await lapse.simulator('POST', '/settings', { rateLimit: 100_000_000 });
    // Every function is warm before the first account counts.
    await mapConcurrently(Array(40).keys(), 8, (index) => register(lapse, `warm${index}`));
    await mapConcurrently(Array(20).keys(), 4, (index) => firstCancel(lapse, `cold${index}`));
    const before = megabytesOfFunctions(system);
    let done = 0;
    const times = await mapConcurrently(Array(accounts).keys(), 8, async (index) => {
      const millis = await register(lapse, `m4${index}`);
      onProgress((done += 1));
      return millis;
    });
    const after = megabytesOfFunctions(system);
    const cancels = await mapConcurrently(Array(200).keys(), 4, (index) => firstCancel(lapse, `new${index}`));
    const part = Math.max(100, Math.floor(accounts / 10));
    return {
      accounts,
      register: { first: paceOf(times.slice(0, part)), last: paceOf(times.slice(-part)) },
      onboardingToCancel: paceOf(cancels),
      megabytes: { before, after },
      edits: 0,
    };
  } finally {
    await system.stop();
    await rm(folder, { recursive: true });
  }
}

/** A local system of an acquiring partner, without any account. */
async function startAcquirer(folder: string): Promise<LocalProcess> {
  const fileOf = async (name: string, content: object): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  return startLocalProcess(
    '--accounts',
    await fileOf('accounts.json', {}),
    '--credentials',
    await fileOf('credentials.json', { acquirer: credential }),
    '--signing-keys',
    await fileOf('signing-keys.json', { 'key-of-acquirer': signingKey }),
  );
}

/** Milliseconds of the first registration of an account. */
async function register(lapse: SystemClient, account: string): Promise<number> {
  const id = await lapse.createAtKlarna({ partner_account_id: krnOf(account) });
  const began = performance.now();
  const { status } = await lapse.api('PUT', `/payment-requests/${id}`, { session_timeout: 'PT2H' }, account);
  if (status !== 201) throw new Error(`register returned ${status}, expected 201`);
  return performance.now() - began;
}

/** Milliseconds from the onboarding of an account by Klarna to the response of its first cancel. */
async function firstCancel(lapse: SystemClient, account: string): Promise<number> {
  const began = performance.now();
  await lapse.simulator('POST', '/accounts', { account_id: krnOf(account) });
  const id = await lapse.createAtKlarna({ partner_account_id: krnOf(account) });
  const { status } = await lapse.api('DELETE', `/payment-requests/${id}`, undefined, account);
  if (status !== 200) throw new Error(`cancel returned ${status}, expected 200`);
  return performance.now() - began;
}

const paceOf = (millis: readonly number[]) => ({
  p50: median([...millis]),
  p99: quantile([...millis], 0.99),
});
