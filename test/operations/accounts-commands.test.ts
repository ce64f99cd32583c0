import { describe, expect, it } from 'vitest';
import type { Account, CredentialName } from '../../functions/domain/identifiers.ts';
import { checkedSettings, fieldsIn } from '../../operations/accounts/account-fields.ts';
import {
  type AccountEditing,
  planEntries,
  planRemoval,
  planSettings,
} from '../../operations/accounts/edit-account.ts';
import type { Settings, SettingsRequest } from '../../operations/accounts/settings-api.ts';
import { SecretEditor } from '../../operations/secrets/secret-editor.ts';
import { accountsKind } from '../../operations/secrets/secret-kinds.ts';
import { InMemorySecrets } from '../support/in-memory-secrets.ts';
import { runCommand } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const account = 'shop-se' as Account;
const planted = 'klarna_test_api_planted-value';
const entry = { environment: 'test', api_key: planted, max_extensions: 2 };

/** A system whose secret has these entries, and where a credential serves every other account. */
function system(entries: Readonly<Record<string, unknown>> = {}, inForce: Partial<Settings> = {}) {
  const store = new InMemorySecrets();
  store.put('accounts', JSON.stringify(entries));
  let next = 0;
  const ids = { next: () => `id-${(next += 1)}` };
  const written: SettingsRequest[] = [];
  const settings = {
    account: 'shop-se',
    alias: 'Shop',
    overridden: ['max_session', 'observe'],
    max_session: 'PT2H',
    observe: true,
    max_extensions: 10,
    watch_authorization: false,
    default_session_timeout: null,
    ...inForce,
  } as unknown as Settings;
  const editing: AccountEditing = {
    preview: new SecretEditor({ store, ids, isDryRun: true }),
    editor: new SecretEditor({ store, ids, isDryRun: false }),
    secret: { name: 'accounts', kind: accountsKind },
    settings: {
      read: () => Promise.resolve(settings),
      replace: (_, request) => {
        written.push(request);
        return Promise.resolve({ outcome: 'written', settings });
      },
    },
    stored: () => Promise.resolve({ overrides: { credential: 'acquirer' as CredentialName, alias: 'Shop' } }),
  };
  return {
    editing,
    written,
    entries: () => JSON.parse(store.text('accounts') ?? '') as Record<string, unknown>,
  };
}

describe('settings of an account on a credential', () => {
  it('a change keeps every other setting, the chosen credential and the alias', async () => {
    const { editing, written } = system();
    const change = await planSettings(editing, account, fieldsIn(['observe=', 'max_extensions=3']));
    expect(change.diff).toEqual([
      "shop-se: observe true → (the credential's)",
      "shop-se: max_extensions (the credential's) → 3",
    ]);
    expect(written).toEqual([]);
    await change.make();
    expect(written).toEqual([
      { max_session: 'PT2H', max_extensions: 3, credential: 'acquirer', alias: 'Shop' },
    ]);
  });

  it('removal takes every setting out', async () => {
    const { editing, written } = system();
    const change = await planRemoval(editing, account);
    expect(change.diff).toHaveLength(4);
    await change.make();
    expect(written).toEqual([{}]);
  });
});

describe('a setting that needs another one', () => {
  const refusedBy = (texts: readonly string[], inForce: Partial<Settings> = {}) =>
    planSettings(system({}, inForce).editing, account, fieldsIn(texts)).then(() => 'planned', String);

  it('is refused before anything is written, by the settings in force', async () => {
    expect(await refusedBy(['cancel_unauthorized=true'])).toContain(
      'cancel_unauthorized has no effect without watch_authorization; allowed: both, or none of them',
    );
    expect(await refusedBy(['cancel_unauthorized=true', 'watch_authorization=true'])).toBe('planned');
    expect(await refusedBy(['cancel_unauthorized=true'], { watch_authorization: true })).toBe('planned');
    expect(await refusedBy(['arm_on_submitted=true'])).toContain(
      'arm_on_submitted has no effect without default',
    );
    expect(await refusedBy(['authorization_alert_after=PT45M'])).toBe('planned');
    expect(await refusedBy(['authorization_alert_after=PT30M'])).toContain(
      'authorization_alert_after has no',
    );
  });

  it('is left to the API where only the credential knows the other', async () => {
    const inForce = { watch_authorization: true, overridden: ['watch_authorization'] };
    expect(await refusedBy(['watch_authorization=', 'cancel_unauthorized=true'], inForce)).toBe('planned');
  });

  it('is refused in an entry, too', async () => {
    const { editing, entries } = system({ 'shop-se': entry });
    const refused = await planSettings(editing, account, fieldsIn(['cancel_unauthorized=true'])).catch(
      String,
    );
    expect(refused).toMatch(/UsageError.*cancel_unauthorized has no effect without watch_authorization/);
    expect(entries()).toEqual({ 'shop-se': entry });
  });
});

describe('an entry of the secret accounts', () => {
  it('a change is shown without values, and made only when it is wanted', async () => {
    const { editing, entries } = system({ 'shop-se': entry, other: entry });
    const change = await planSettings(editing, account, fieldsIn(['observe=true', 'max_extensions=']));
    expect(change.diff).toEqual(['secret accounts: ~ shop-se: - max_extensions, + observe']);
    expect(entries()['shop-se']).toEqual(entry);
    await change.make();
    expect(entries()).toEqual({
      'shop-se': { environment: 'test', api_key: planted, observe: true },
      other: entry,
    });
  });

  it('a malformed setting is refused with its field, and nothing is written', async () => {
    const { editing, entries } = system({ 'shop-se': entry });
    const refused = await planSettings(editing, account, fieldsIn(['max_sesion=PT2H'])).catch(String);
    expect(refused).toMatch(/UsageError.*max_sesion is not a setting; did you mean max_session/);
    expect(refused).not.toContain(planted);
    expect(entries()).toEqual({ 'shop-se': entry });
  });

  it('removal leaves the others', async () => {
    const { editing, entries } = system({ 'shop-se': entry, other: entry });
    const change = await planRemoval(editing, account);
    expect(change.diff).toEqual(['secret accounts: - shop-se']);
    await change.make();
    expect(entries()).toEqual({ other: entry });
  });

  it('a plan without a difference changes nothing', async () => {
    const { editing } = system({ 'shop-se': entry });
    expect((await planEntries(editing, (entries) => entries)).diff).toEqual([]);
  });
});

it.each([
  ['api_key=planted-value', /api_key is secret/],
  ['client_key=planted-value', /client_key is secret/],
  ['planted-value', /A setting is malformed/],
  ['Planted=value', /A setting is malformed/],
])('the argument %s is refused without its value', (text, words) => {
  expect(() => fieldsIn([text])).toThrow(words);
  expect(() => fieldsIn([text])).not.toThrow(/planted-value/);
});

it.each([
  [{ observe: 'yes' }, /observe is not valid; allowed: true or false/],
  [{ obserfe: true }, /obserfe is not a setting; allowed: credential, alias/],
  [{ max_extensions: -1 }, /max_extensions is not valid/],
])('the settings %j are refused as the API refuses them', (fields, words) => {
  expect(() => checkedSettings('shop-se', fields)).toThrow(words);
});

describe('config validate', () => {
  const key = { key: 'planted-key', accounts: { 'krn:partner:global:account:test:M1': 'demo' } };

  it.each([
    ['accounts', { demo: entry }, 'Valid: 1 entries of accounts.'],
    ['signing-keys', { 'krn:key:1': key }, 'Valid: 1 entries of signing-keys.'],
    ['a credential', { environment: 'test', api_key: planted }, 'Valid: a credential.'],
  ])('tells a valid value of %s by its fields', async (_, value, words) => {
    const result = await runCommand(['config', 'validate', '-'], { secret: JSON.stringify(value) });
    expect(result).toEqual({ code: 0, errors: [], lines: [words] });
  });

  it.each([
    [
      'an unknown field',
      { demo: { ...entry, api_kee: 'planted-too' } },
      /api_kee is not a setting; did you mean api_key/,
    ],
    ['a missing field', { 'krn:key:1': { key: 'planted-key' } }, /accounts is missing/],
    ['a key of the wrong type', { environment: 'test', api_key: 5 }, /api_key must be a text/],
  ])('names %s, without a value', async (_, value, words) => {
    const result = await runCommand(['config', 'validate', '-'], { secret: JSON.stringify(value) });
    expect(result).toMatchObject({ code: 1, errors: [] });
    expect(result.lines.join()).toMatch(words);
    expect(result.lines.join()).not.toContain('planted');
  });

  it('refuses what is not a JSON object', async () => {
    expect(await runCommand(['config', 'validate', '-'], { secret: `[${planted}` })).toEqual({
      code: 2,
      lines: [],
      errors: ['- is not valid; allowed: a JSON object.'],
    });
    expect(await runCommand(['config', 'validate', '/no/such/file'])).toMatchObject({ code: 2, lines: [] });
  });
});

it('accounts import refuses an API key in a file', async () => {
  const file = join(await temporaryFolder(), 'accounts.json');
  await writeFile(file, JSON.stringify({ demo: entry }));
  const { code, errors } = await runCommand(['accounts', 'import', file, '--control', 'http://127.0.0.1:1']);
  expect(code).toBe(2);
  expect(errors.join()).toMatch(/The account demo has a secret in a file/);
  expect(errors.join()).not.toContain(planted);
});
