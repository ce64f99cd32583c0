import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSecretFiles } from '../../../local/secrets/secret-files.ts';
import { plantedIn, planted } from '../../support/planted-secrets.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const webhookUrl = 'http://127.0.0.1:4001';

async function open(accounts?: unknown, signingKeys?: unknown, credentials?: unknown) {
  const folder = await temporaryFolder();
  const write = async (name: string, content: unknown): Promise<string | undefined> => {
    if (content === undefined) return undefined;
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const accountsFile = await write('accounts.json', accounts);
  const signingKeysFile = await write('signing-keys.json', signingKeys);
  const credentialsFile = await write('credentials.json', credentials);
  return {
    accountsFile,
    files: openSecretFiles({ accountsFile, signingKeysFile, credentialsFile, connected: true }),
  };
}

it('without files there are one account and one key, which the simulator knows', async () => {
  const { files } = await open();
  expect(Object.keys(JSON.parse(files.accounts()) as object)).toEqual(['demo']);
  expect(files.klarnaConfiguration(webhookUrl)).toMatchObject({
    apiKeys: { 'klarna_test_api_local-not-a-real-key': {} },
    webhooks: [{ url: webhookUrl, live: false, partner_account_ids: [expect.any(String)] }],
  });
});

it('Klarna knows the key of an account with the name constructor', async () => {
  const { files } = await open({ constructor: { environment: 'test', api_key: 'one' } });
  expect(files.klarnaConfiguration(webhookUrl)).toMatchObject({ apiKeys: { one: {} } });
});

it('an account with the name __proto__ is refused', async () => {
  const accounts = '{"__proto__":{"environment":"test","api_key":"one"}}';
  await expect(open(accounts)).rejects.toThrow('__proto__ is not valid; allowed: must have another name');
});

it('a changed file is read again', async () => {
  const account = { environment: 'test', api_key: 'one' };
  const { files, accountsFile = '' } = await open({ first: account });
  await writeFile(accountsFile, JSON.stringify({ first: account, second: account }));
  expect(Object.keys(JSON.parse(files.accounts()) as object)).toEqual(['first', 'second']);
});

it('an API key of two accounts is valid for both, and a key that replaces another has no webhook of its own', async () => {
  const accounts = {
    a: { environment: 'test', api_key: 'shared', partner_account_id: 'krn:a' },
    b: { environment: 'test', api_key: 'shared', partner_account_id: 'krn:b' },
    c: { environment: 'test', api_key: 'own', partner_account_id: 'krn:c', username: 'user' },
  };
  const signingKeys = {
    old: { key: '1', accounts: { 'krn:a': 'a', 'krn:b': 'b' } },
    new: { key: '2', accounts: { 'krn:b': 'b', 'krn:a': 'a' } },
    other: { key: '3', accounts: { 'krn:c': 'c' }, webhook_id: 'w', recipient_account_id: 'r', live: true },
  };
  const { files } = await open(accounts, signingKeys);
  const { apiKeys, signingKeys: keys, webhooks } = files.klarnaConfiguration(webhookUrl);
  expect(apiKeys).toEqual({ shared: {}, own: { partner_account_id: 'krn:c', username: 'user' } });
  expect(keys).toEqual({ old: '1', new: '2', other: '3' });
  expect(webhooks).toEqual([
    {
      url: webhookUrl,
      signing_key_id: 'old',
      subject_account_id: 'krn:a',
      partner_account_ids: ['krn:a', 'krn:b'],
    },
    {
      url: webhookUrl,
      signing_key_id: 'other',
      subject_account_id: 'krn:c',
      partner_account_ids: ['krn:c'],
      live: true,
      webhook_id: 'w',
      recipient_account_id: 'r',
    },
  ]);
});

it.each<[string, unknown, RegExp]>([
  [
    'no JSON',
    `{"demo": "${planted.apiKey}`,
    /--accounts .*accounts\.json: the file is not valid; allowed: a JSON object/,
  ],
  ['a list', [planted.apiKey], /the file is not valid; allowed: a JSON object/],
  ['an account without a key', { demo: { environment: 'test' } }, /demo\.api_key is missing/],
  ['a key that is not text', { demo: { api_key: [planted.apiKey] } }, /demo\.api_key .*allowed: text/],
])('accounts that are %s are refused without a quotation', async (_, content, message) => {
  const error: unknown = await open(content).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toMatch(message);
  expect(plantedIn((error as Error).message)).toEqual([]);
});

it('a missing file is refused by name', () => {
  expect(() =>
    openSecretFiles({
      accountsFile: '/nowhere/a.json',
      signingKeysFile: undefined,
      credentialsFile: undefined,
      connected: true,
    }),
  ).toThrow('--accounts /nowhere/a.json cannot be read (ENOENT).');
});

it('each credential is a secret of its own, and its key acts for every partner account', async () => {
  const credential = { environment: 'test', api_key: 'of-acquirer', username: 'user' };
  const signingKeys = {
    all: { key: '1', credential: 'acquirer', subjects: '*', recipient_account_id: 'r' },
    some: { key: '2', credential: 'acquirer', subjects: ['krn:a'], accounts: { 'krn:b': 'b' } },
  };
  const { files } = await open({}, signingKeys, { acquirer: credential });
  expect([...files.credentials.keys()]).toEqual(['acquirer']);
  expect(JSON.parse(files.credentials.get('acquirer')?.() ?? '')).toEqual(credential);
  const { apiKeys, webhooks } = files.klarnaConfiguration(webhookUrl);
  expect(apiKeys).toEqual({ 'of-acquirer': { username: 'user' } });
  const event_types = ['payment.*', 'partner.account.*'];
  expect(webhooks).toEqual([
    { url: webhookUrl, signing_key_id: 'all', event_types, recipient_account_id: 'r' },
    {
      url: webhookUrl,
      signing_key_id: 'some',
      event_types,
      partner_account_ids: ['krn:a', 'krn:b'],
      subject_account_id: 'krn:a',
    },
  ]);
});

it('a credential whose name is not one is refused, and the error quotes no value', async () => {
  await expect(open({}, {}, { Acquirer: { api_key: planted.apiKey } })).rejects.toThrow('--credentials');
});

it('an unconnected system has empty secrets, and API keys at Klarna of both environments', () => {
  const files = openSecretFiles({
    accountsFile: undefined,
    signingKeysFile: undefined,
    credentialsFile: undefined,
    connected: false,
  });
  const secrets = [files.accounts(), files['signing-keys'](), files.credentials.get('acquirer')?.()];
  expect(secrets).toEqual(['{}', '{}', '{}']);
  expect(files.klarnaConfiguration(webhookUrl)).toEqual({
    apiKeys: {
      'klarna_test_api_local-not-a-real-key': {},
      'klarna_live_api_local-not-a-real-key': {},
    },
  });
});
