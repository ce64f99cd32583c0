/** A new system that knows nothing of Klarna: connected, tested, its keys rotated, and disconnected, by the command line alone. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultApiKeys } from '../../local/secrets/default-secrets.ts';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const acquirer = 'krn:partner:global:account:test:M48JWZF8';
/** The partner account of requests that the simulator reports. */
const partner = 'krn:partner:global:account:test:M4CIYH2N';

let system: LocalProcess;
let lapse: SystemClient;
let folder: string;

beforeAll(async () => {
  system = await startLocalProcess('--unconnected', '--timers', 'sweep');
  lapse = new SystemClient(system);
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

/** A webhook as the simulator shows it. */
interface Delivery {
  readonly payment_request_id: string;
  readonly attempts: readonly { readonly status: number }[];
}

/** Everything that the commands have written. */
const written: string[] = [];

async function run(...words: readonly string[]) {
  const result = await runCommand([...words, '--control', system.control], {
    folder,
    secret: defaultApiKeys.test,
  });
  written.push(...result.lines, ...result.errors);
  return result;
}

const rowsOf = async (...words: readonly string[]) => {
  const { lines, code } = await run(...words, '--json');
  expect(code).toBe(0);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

const connect = ['connect', '--credential', 'acquirer', '--env', 'test', '--acquirer-account', acquirer];

describe('a system that was just deployed', () => {
  it('its commands say that it is not connected', async () => {
    for (const words of [
      ['keys', 'status'],
      ['webhooks', 'test'],
      ['certificate', 'status'],
    ]) {
      const { errors, code } = await run(...words, '--credential', 'acquirer');
      expect(code).toBe(2);
      expect(errors.join('\n')).toContain('is not connected. Run `lapse connect');
    }
  });

  it('a dry run of connect says what it would do, and changes nothing', async () => {
    const { lines, code } = await run(...connect, '--dry-run');
    expect(code).toBe(0);
    expect(lines.join('\n')).toContain('A signing key would be made');
    expect((await run(...connect, '--dry-run')).lines).toEqual(lines);
  });

  it('one run of connect ends with a test delivery that arrived', async () => {
    const { lines, errors, code } = await run(...connect);
    expect({ errors, code }).toEqual({ errors: [], code: 0 });
    expect(lines.join('\n')).toMatch(/A test delivery arrived at \d{4}-/);
  }, 60_000);

  it('a second run changes nothing', async () => {
    const steps = await rowsOf(...connect);
    expect(steps.length).toBeGreaterThan(4);
    expect(steps.filter(({ result }) => result !== 'unchanged')).toEqual([]);
  });

  it('a request of an account without an entry is canceled at Klarna, and its webhook arrives', async () => {
    const id = await lapse.createAtKlarna({ partner_account_id: partner });
    const account = 'm4ciyh2n';
    const registered = await lapse.api(
      'PUT',
      `/payment-requests/${id}`,
      { session_timeout: 'PT30M' },
      account,
    );
    expect(registered.status).toBe(201);
    expect((await lapse.api('DELETE', `/payment-requests/${id}`, undefined, account)).status).toBe(200);
    const responses = async () => {
      const { body } = await lapse.simulator('GET', '/deliveries');
      const deliveries = body['deliveries'] as readonly Delivery[];
      return deliveries
        .filter((delivery) => delivery.payment_request_id === id)
        .flatMap(({ attempts }) => attempts.map(({ status }) => status));
    };
    // One delivery for each change at Klarna, and each accepted at once.
    await expect.poll(responses, { timeout: 20_000 }).toEqual([200]);
  }, 60_000);
});

describe('a connected system', () => {
  it('the webhook is listed, tested, paused and resumed', async () => {
    const named = ['--credential', 'acquirer'];
    expect(await rowsOf('webhooks', 'list', ...named)).toEqual([
      expect.objectContaining({ here: true, status: 'ENABLED', key_stored: true }),
    ]);
    expect((await run('webhooks', 'test', ...named)).code).toBe(0);
    expect((await run('webhooks', 'pause', ...named)).code).toBe(2);
    expect((await run('webhooks', 'pause', ...named, '--yes')).code).toBe(0);
    expect((await run('webhooks', 'test', ...named)).errors.join()).toContain('is DISABLED');
    expect((await run('webhooks', 'resume', ...named)).code).toBe(0);
  }, 120_000);

  it('a client certificate is made, and stored with its key', async () => {
    const named = ['--credential', 'acquirer'];
    expect((await run('certificate', 'new', ...named)).code).toBe(0);
    const [row] = await rowsOf('certificate', 'status', ...named);
    expect(row).toMatchObject({ subject: 'CN=M48JWZF8', credential: 'acquirer' });
    expect(Number(row?.['days_left'])).toBeGreaterThan(30);
    const { errors, code } = await run('certificate', 'enforce', ...named, '--yes');
    expect(code).toBe(2);
    expect(errors.join()).toContain('allowed: VALID');
  });

  it('the keys are shown, and the API key is rotated', async () => {
    const named = ['--credential', 'acquirer'];
    const states = async () => (await rowsOf('keys', 'status', ...named)).map(({ state }) => state);
    expect(await states()).toEqual(expect.arrayContaining(['in use']));
    const ids = (await rowsOf('keys', 'status', ...named)).filter(({ kind }) => kind === 'api');
    const used = String(ids[0]?.['id']);
    const rotated = await run('keys', 'rotate', 'api', ...named, '--key-id', used, '--yes');
    expect(rotated.code).toBe(0);
    expect((await run('keys', 'rotate', 'api', ...named)).lines.join()).toContain(
      'Run the command again in 24 h',
    );
    expect(await states()).toContain('replaced');
    await lapse.control('POST', '/clock', { advanceMs: 25 * 3_600_000 });
    const done = await run('keys', 'rotate', 'api', ...named);
    expect(done.lines.join()).toContain(`API key ${used}: disabled. The rotation is complete.`);
    expect(await states()).not.toContain('replaced');
    expect((await run('webhooks', 'test', ...named)).code).toBe(0);
  }, 60_000);

  it('a captured delivery is verified against the signing keys', async () => {
    const file = join(folder, 'delivery.json');
    await writeFile(file, '{"metadata":{}}');
    const [hook] = await rowsOf('webhooks', 'list', '--credential', 'acquirer');
    const key = String(hook?.['signing_key_id']);
    const headers = ['--signature', '0'.repeat(64), '--signing-key-id'];
    const [wrong, unknown] = [
      await run('webhooks', 'verify', file, ...headers, key),
      await run('webhooks', 'verify', file, ...headers, 'key-9'),
    ];
    expect([wrong.code, unknown.code]).toEqual([1, 1]);
    expect(wrong.lines.join()).toContain('The signature does not hold with the key');
    expect(unknown.lines.join()).toContain('is not in signing-keys');
  });

  it('disconnect takes everything out', async () => {
    const named = ['--credential', 'acquirer'];
    expect((await run('disconnect', ...named, '--yes')).code).toBe(0);
    const { errors } = await run('keys', 'status', ...named);
    expect(errors.join()).toContain('is not connected');
    expect((await run('disconnect', ...named)).lines.join()).toContain('Nothing was changed');
  });

  it('no output and no file has the API key', async () => {
    expect(written.length).toBeGreaterThan(20);
    for (const text of [defaultApiKeys.test, 'klarna_test_api_', 'PRIVATE KEY']) {
      expect(written.filter((line) => line.includes(text))).toEqual([]);
    }
    for (const name of await readdir(folder)) {
      expect(await readFile(join(folder, name), 'utf8')).not.toContain('klarna_test_api_');
    }
  });
});
