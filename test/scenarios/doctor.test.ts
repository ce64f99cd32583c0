/** `lapse doctor` finds each fault of a running system, and names its fix. One system runs, and the faults follow each other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';

const acquirer = 'krn:partner:global:account:test:M48JWZF8';
const keyId = 'krn:partner:global:notification:signing-key:acquirer-1';

const credential = { environment: 'test', api_key: planted.apiKey, acquirer_account_id: acquirer };
const signingKey = {
  key: planted.signingKey,
  credential: 'acquirer',
  subjects: '*',
  recipient_account_id: acquirer,
  live: false,
};

/** The secrets of a healthy system, by the flag that names their file. */
const healthy = {
  credentials: { acquirer: credential } as Readonly<Record<string, unknown>>,
  'signing-keys': { [keyId]: signingKey } as Readonly<Record<string, unknown>>,
  accounts: {} as Readonly<Record<string, unknown>>,
};
type Secrets = typeof healthy;

let system: LocalProcess;
let folder: string;
/** Everything that the command has printed. */
const printed: string[] = [];

const write = (secrets: Partial<Secrets>): Promise<unknown> =>
  Promise.all(
    Object.entries({ ...healthy, ...secrets }).map(([name, content]) =>
      writeFile(join(folder, `${name}.json`), JSON.stringify(content)),
    ),
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  await write({});
  const flags = Object.keys(healthy).flatMap((name) => [`--${name}`, join(folder, `${name}.json`)]);
  system = await startLocalProcess(...flags);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

interface Finding {
  readonly about: string;
  readonly check: string;
  readonly result: string;
  readonly problems?: readonly { readonly problem: string; readonly fix: string }[];
}

/** Runs the doctor, and returns what it found and the exit code. */
async function doctor(...words: readonly string[]) {
  const { lines, errors, code } = await runCommand([
    'doctor',
    '--json',
    '--control',
    system.control,
    ...words,
  ]);
  printed.push(...lines, ...errors);
  return { code, findings: lines.map((line) => JSON.parse(line) as Finding) };
}

const problemsIn = (findings: readonly Finding[]): readonly string[] =>
  findings.flatMap(({ check, problems = [] }) =>
    problems.map(({ problem, fix }) => `${check}: ${problem} → ${fix}`),
  );

/** Calls Klarna as a person with the API key does. */
async function klarna(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${system.klarna}${path}`, {
    method,
    headers: {
      authorization: `Basic ${planted.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.status, text).toBeLessThan(300);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

const control = (method: string, path: string, body?: unknown) =>
  fetch(`${system.control}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const webhooksPath = '/v2/notification/webhooks';
const signingKeysPath = '/v2/notification/signing-keys';
const enforcementPath = '/v2/account/integration/client-certificates/enforcement';

async function webhook(): Promise<Record<string, unknown>> {
  const { webhooks } = await klarna('GET', webhooksPath);
  return (webhooks as Record<string, unknown>[])[0] ?? {};
}

/** Changes the webhook, and returns how to undo it. */
async function changeWebhook(changes: Readonly<Record<string, unknown>>): Promise<() => Promise<unknown>> {
  const { webhook_id: id, ...before } = await webhook();
  await klarna('PATCH', `${webhooksPath}/${String(id)}`, changes);
  return () => klarna('PATCH', `${webhooksPath}/${String(id)}`, before);
}

/** Changes the secrets, and returns how to undo it. */
const withSecrets = async (secrets: Partial<Secrets>): Promise<() => Promise<unknown>> => {
  await write(secrets);
  return () => write({});
};

const settings = async (
  changes: Readonly<Record<string, unknown>>,
  undo: Readonly<Record<string, unknown>>,
) => {
  await klarna('POST', '/_simulator/settings', changes);
  return () => klarna('POST', '/_simulator/settings', undo);
};

interface Fault {
  readonly name: string;
  /** Plants the fault, and returns how to remove it. */
  readonly plant: () => Promise<() => Promise<unknown>>;
  /** The problem and its fix. */
  readonly found: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: 'an unknown field in the secret of a credential',
    plant: () =>
      withSecrets({ credentials: { acquirer: { ...credential, api_kee: 'x', api_key: undefined } } }),
    found:
      /credentials: .*credential acquirer: .*api_kee is not a setting; did you mean api_key.* → Correct the secret \S+acquirer/,
  },
  {
    name: 'an unknown field in the signing keys',
    plant: () => withSecrets({ 'signing-keys': { [keyId]: { ...signingKey, subject: '*' } } }),
    found: /signing-keys: .*subject is not a setting; did you mean subjects\. → Correct the secret/,
  },
  {
    name: 'an entry of the secret accounts in an environment that does not exist',
    plant: () => withSecrets({ accounts: { shop: { environment: 'prod', api_key: planted.apiKey } } }),
    found: /accounts: .*entry shop: environment must be test or live\. → Correct the secret/,
  },
  {
    name: 'an entry of the secret accounts whose name is none',
    plant: () => withSecrets({ accounts: { 'Shop SE': { environment: 'test', api_key: planted.apiKey } } }),
    found: /accounts: .*whose name is not that of an account; allowed: 1 to 32 lower-case letters/,
  },
  {
    name: 'a credential that is not connected yet',
    plant: () => withSecrets({ credentials: { acquirer: {} } }),
    found: /credentials: The secret of the credential acquirer is empty.* → Run `lapse connect`/,
  },
  {
    name: 'a secret that is nearly full',
    plant: () => {
      const shop = { environment: 'test', api_key: planted.apiKey, default_session_timeout: 'PT30M' };
      const accounts = Object.fromEntries(Array.from({ length: 520 }, (_, place) => [`shop-${place}`, shop]));
      return withSecrets({ accounts });
    },
    found: /size: The secret \S+ takes \d\d % of the 64 KB.* → Move the accounts/,
  },
  {
    name: 'a signing key that is bound to a credential that does not exist',
    plant: () => withSecrets({ 'signing-keys': { [keyId]: { ...signingKey, credential: 'acne' } } }),
    found: /bindings: .*bound to the credential acne, which does not exist\. → Name an existing credential/,
  },
  {
    name: 'a signing key for the other environment',
    plant: () => withSecrets({ 'signing-keys': { [keyId]: { ...signingKey, live: true } } }),
    found: /bindings: .*is for live webhooks, .*of the environment test\. → Correct `live`/,
  },
  {
    name: 'a wrong API key',
    plant: () =>
      withSecrets({ credentials: { acquirer: { ...credential, api_key: 'klarna_test_api_planted-wrong' } } }),
    found:
      /API key: Klarna refuses the API key of the credential acquirer \(401\).* → Put a valid key .*lapse connect --credential acquirer --env test/,
  },
  {
    name: 'an API key of the other environment',
    plant: () =>
      withSecrets({ credentials: { acquirer: { ...credential, api_key: 'klarna_live_api_planted-live' } } }),
    found:
      /environment: The API key of the credential acquirer is a live key, and its environment is test.* → Set `environment` to live/,
  },
  {
    name: 'a disabled webhook',
    plant: () => changeWebhook({ status: 'DISABLED' }),
    found:
      /webhook: The webhook \S+ of the credential acquirer is disabled.* → Enable it: `lapse webhooks resume`/,
  },
  {
    name: 'a webhook with another URL',
    plant: () => changeWebhook({ url: 'https://old.example/hook?token=planted-body-text-c3f8' }),
    found:
      /webhook: No webhook of the credential acquirer has the URL http\S+ Klarna sends them to old\.example\/hook\. → Subscribe this URL: run `lapse connect/,
  },
  {
    name: 'a webhook without the events of transactions',
    plant: () => changeWebhook({ event_types: ['payment.request.*'] }),
    found:
      /webhook types: .*is not subscribed to payment\.transaction\.state-change\.authorized\. → Subscribe/,
  },
  {
    name: 'a webhook that is signed with a key that is not in the secret',
    plant: async () => {
      const { signing_key_id: id } = await klarna('POST', signingKeysPath);
      const undo = await changeWebhook({ signing_key_id: id });
      return async () => {
        await undo();
        await klarna('DELETE', `${signingKeysPath}/${String(id)}`);
      };
    },
    found:
      /webhook key: .*which the secret signing-keys does not have: every delivery is refused\. → Put the key into the secret/,
  },
  {
    name: 'a signing key that is bound to another webhook',
    plant: () =>
      withSecrets({ 'signing-keys': { [keyId]: { ...signingKey, webhook_id: 'krn:another:webhook' } } }),
    found:
      /webhook key: .*bound to the webhook krn:another:webhook: its deliveries are quarantined\. → Set webhook_id/,
  },
  {
    name: 'a signing key at Klarna that is not in the secret',
    plant: async () => {
      const { signing_key_id: id } = await klarna('POST', signingKeysPath);
      return () => klarna('DELETE', `${signingKeysPath}/${String(id)}`);
    },
    found:
      /signing keys: Klarna has the signing key \S+, which the secret signing-keys does not have.* → Delete it at Klarna/,
  },
  {
    name: 'a signing key in the secret that is not at Klarna',
    plant: () =>
      withSecrets({
        'signing-keys': { [keyId]: signingKey, gone: { ...signingKey, key: planted.signingKey } },
      }),
    found: /signing keys: The secret signing-keys has gone, and Klarna does not.* → Remove it/,
  },
  {
    name: 'a clock that is ten minutes off',
    plant: async () => {
      await control('POST', '/clock', { skewMs: { klarna: 600_000 } });
      return () => control('POST', '/clock', { skewMs: {} });
    },
    found: /clock: Klarna's clock is 10 minutes ahead of the clock here\. → Set the clock of this machine/,
  },
  {
    name: 'a client certificate that Klarna will require, and that is missing',
    plant: async () => {
      const from = new Date(Date.now() + 86_400_000).toISOString();
      await klarna('PUT', enforcementPath, { enforced_from: from });
      return () => klarna('DELETE', enforcementPath);
    },
    found:
      /client certificate: Klarna requires a client certificate from \S+ on, and the credential acquirer has none\. → Run `lapse certificate new`/,
  },
  {
    name: 'an address that is not among the allowed ones',
    plant: () =>
      settings(
        { ipRestrictions: 'REPORTING', allowedAddresses: ['192.0.2.0/24'] },
        { ipRestrictions: 'NOT_ENABLED', allowedAddresses: [] },
      ),
    found: /allowed addresses: Klarna reports the address of this call as DENIED.* → Add the addresses/,
  },
  {
    name: 'an address that Klarna refuses',
    plant: () =>
      settings(
        { ipRestrictions: 'ENFORCED', allowedAddresses: ['192.0.2.0/24'] },
        { ipRestrictions: 'NOT_ENABLED', allowedAddresses: [] },
      ),
    found: /API key: Klarna forbids the API key of the credential acquirer.* → Give the key this permission/,
  },
];

it('a healthy system has no problem, and a test delivery arrives', async () => {
  const { code, findings } = await doctor();
  expect(problemsIn(findings)).toEqual([]);
  expect(findings.filter(({ result }) => result === 'not_checked')).toEqual([]);
  expect(findings.find(({ check }) => check === 'test delivery')).toMatchObject({ result: 'ok' });
  expect(findings.find(({ check }) => check === 'alarm topic')).toMatchObject({ result: 'not_here' });
  expect(code).toBe(0);
});

it.each(faults)('doctor finds $name, and its fix', async ({ plant, found }) => {
  const remove = await plant();
  try {
    const { code, findings } = await doctor('--dry-run');
    expect(problemsIn(findings)).toContainEqual(expect.stringMatching(found));
    expect(code).toBe(1);
  } finally {
    await remove();
  }
  const { code, findings } = await doctor('--dry-run');
  expect(problemsIn(findings)).toEqual([]);
  expect(code).toBe(0);
});

it('doctor finds messages in a dead-letter queue, and the command that says what they are', async () => {
  const { Lapse: outputs } = (await (await control('GET', '/outputs')).json()) as {
    readonly Lapse: Readonly<Record<string, string>>;
  };
  const sqs = new SQSClient({
    endpoint: outputs['AwsEndpointUrl'] ?? '',
    region: outputs['AwsRegion'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await sqs.send(new SendMessageCommand({ QueueUrl: outputs['SweepFailuresQueueUrl'], MessageBody: '{}' }));
  sqs.destroy();
  const { findings } = await doctor('--dry-run');
  expect(problemsIn(findings)).toEqual([
    expect.stringMatching(
      /dead letters: failed runs of the sweep: 1 messages wait\. → Run `lapse sweep-failures list`/,
    ),
  ]);
  await runCommand(['sweep-failures', 'redrive', '--control', system.control]);
});

it('doctor finds that test deliveries do not arrive', async () => {
  await control('POST', '/faults', {
    target: 'lambda',
    kind: 'throttle',
    function: 'receive-klarna-webhook',
  });
  const { code, findings } = await doctor();
  expect(problemsIn(findings)).toEqual([
    expect.stringMatching(/test delivery: .*did not arrive within 20 seconds\. → Run `lapse webhooks test`/),
  ]);
  expect(code).toBe(1);
  await control('DELETE', '/faults');
}, 60_000);

it('doctor finds an API key that is idle for so long that Klarna will disable it', async () => {
  await klarna('POST', '/v2/account/integration/credentials/api-key', { description: 'unused' });
  await control('POST', '/clock', { advanceMs: 50 * 86_400_000 });
  // The key that is checked is used: Klarna would have disabled it, too.
  await webhook();
  const { findings } = await doctor('--dry-run');
  expect(problemsIn(findings)).toEqual([
    expect.stringMatching(/age of keys: The API key \S+ was not used for 50 days\..* → Delete it at Klarna/),
  ]);
});

it('doctor prints the problems and their fixes as text, without --json', async () => {
  await write({ credentials: { acquirer: { ...credential, api_key: 'klarna_test_api_planted-wrong' } } });
  const { lines, code } = await runCommand(['doctor', '--dry-run', '--control', system.control]);
  printed.push(...lines);
  expect(lines[0]).toMatch(/^Problem {2}the credential acquirer: API key: Klarna refuses/);
  expect(lines[1]).toMatch(/^ {4}Fix {2}Put a valid key/);
  expect(lines.at(-1)).toMatch(/^\d+ checks: \d+ without a problem, 1 with problems/);
  expect(code).toBe(1);
});

it('doctor prints no secret', () => {
  const text = printed.join('\n');
  expect(text.length).toBeGreaterThan(10_000);
  expect(plantedIn(text)).toEqual([]);
  expect(text).not.toContain('planted');
});
