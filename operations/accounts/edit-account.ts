import type { AccountOverrides } from '../../functions/domain/account-settings.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import { diffOf, type Entries, isEntries } from '../secrets/secret-diff.ts';
import type { EditableSecret, SecretEditor } from '../secrets/secret-editor.ts';
import { UsageError } from '../usage-error.ts';
import { changed, checkNeeds, checkedSettings, type FieldChanges } from './account-fields.ts';
import type { Settings, SettingsApi, SettingsRequest } from './settings-api.ts';

/** What editing accounts needs. */
export interface AccountEditing {
  /** Writes nothing, and returns what a write would change. */
  readonly preview: Pick<SecretEditor, 'edit' | 'read'>;
  readonly editor: Pick<SecretEditor, 'edit'>;
  readonly secret: EditableSecret;
  readonly settings: Pick<SettingsApi, 'read' | 'replace'>;
  /** What is stored about an account: the API does not say whether its credential is a choice of its own. */
  readonly stored: (
    account: Account,
  ) => Promise<{ readonly overrides: Pick<AccountOverrides, 'credential' | 'alias'> } | undefined>;
}

/** A change that was checked, and that nothing has made yet. */
export interface PlannedChange {
  /** What it changes, a line for each field, without secrets. Empty: nothing. */
  readonly diff: readonly string[];
  readonly make: () => Promise<void>;
}

/** Changes the secret `accounts`. @throws {UsageError} where the new value would be malformed */
export async function planEntries(
  { preview, editor, secret }: AccountEditing,
  change: (entries: Entries) => Entries,
): Promise<PlannedChange> {
  const { diff } = await preview.edit(secret, change).catch(asUsageError);
  return {
    diff: diff.map((line) => `secret accounts: ${line}`),
    make: async () => {
      await editor.edit(secret, change).catch(asUsageError);
    },
  };
}

/** Where the settings of an account are: in its entry of the secret, or in an item of the table. */
export async function planSettings(
  editing: AccountEditing,
  account: Account,
  changes: FieldChanges,
): Promise<PlannedChange> {
  const entry = await entryOf(editing, account);
  if (entry)
    return planEntries(editing, (entries) => ({
      ...entries,
      [account]: changed(ownEntry(entries, account), changes),
    }));
  const { before, found } = await overridesOf(editing, account);
  return planOverrides(editing, found, { before, after: changed(before, changes) });
}

/** Takes an account out of the secret, or what it overrides out of the table. */
export async function planRemoval(editing: AccountEditing, account: Account): Promise<PlannedChange> {
  if (await entryOf(editing, account))
    return planEntries(editing, (entries) =>
      Object.fromEntries(Object.entries(entries).filter(([name]) => name !== account)),
    );
  const { before, found } = await overridesOf(editing, account);
  return planOverrides(editing, found, { before, after: {} });
}

/** Replaces what an account overrides. */
export async function planReplacement(
  editing: AccountEditing,
  account: Account,
  after: Readonly<Record<string, unknown>>,
): Promise<PlannedChange> {
  const { before, found } = await overridesOf(editing, account);
  return planOverrides(editing, found, { before, after });
}

/** An account on a credential, with the settings in force. */
interface Found {
  readonly account: Account;
  readonly settings: Settings;
}

function planOverrides(
  { settings }: AccountEditing,
  { account, settings: inForce }: Found,
  { before, after }: { readonly before: Entries; readonly after: Entries },
): PlannedChange {
  const request: SettingsRequest = checkedSettings(account, after);
  checkNeeds(account, after, inForce);
  return {
    diff: shownDiff(account, before, after),
    make: async () => {
      const { outcome } = await settings.replace(account, request);
      if (outcome !== 'written')
        throw new UsageError(
          outcome === 'unknown'
            ? `No credential would serve the account ${account} with these settings.`
            : `The account ${account} has an entry in the secret accounts since. Run the command again.`,
        );
    },
  };
}

/** Settings are not secret, so their values are shown. */
function shownDiff(account: Account, before: Entries, after: Entries): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => diffOf({ [name]: before[name] }, { [name]: after[name] }).length > 0)
    .map((name) => `${account}: ${name} ${textOf(before[name])} → ${textOf(after[name])}`);
}

const textOf = (value: unknown): string =>
  value === undefined ? "(the credential's)" : typeof value === 'string' ? value : JSON.stringify(value);

async function entryOf({ preview, secret }: AccountEditing, account: Account): Promise<unknown> {
  const entries = await preview.read(secret).catch(asUsageError);
  return Object.hasOwn(entries, account) ? entries[account] : undefined;
}

/** The fields of an entry; none where the secret does not have it, whatever objects inherit. */
function ownEntry(entries: Entries, account: Account): Entries {
  const entry = Object.hasOwn(entries, account) ? entries[account] : undefined;
  return isEntries(entry) ? entry : {};
}

/** What an account on a credential overrides now, as a request would have it. */
async function overridesOf(
  { settings, stored }: AccountEditing,
  account: Account,
): Promise<{ readonly before: Entries; readonly found: Found }> {
  const found = await settings.read(account);
  if (!found)
    throw new UsageError(
      `The account is ${account}; allowed: one with an entry in the secret accounts, or on a credential. \`lapse accounts add\` makes an entry.`,
    );
  const own = (await stored(account))?.overrides;
  const fields = found.overridden.map((name) => [name, found[name as keyof Settings]] as const);
  return {
    found: { account, settings: found },
    before: changed(Object.fromEntries(fields), { credential: own?.credential, alias: own?.alias }),
  };
}

function asUsageError(error: unknown): never {
  if (error instanceof ConfigurationError) throw new UsageError(error.message);
  throw error;
}
