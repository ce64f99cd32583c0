import type { AccountSettings, StoredAccount } from '../domain/account-settings.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { chooseCredential, type Credential, settingsOn } from '../domain/credential.ts';
import type { Account, CredentialName } from '../domain/identifiers.ts';
import type { Accounts, Clock, Credentials, StoredAccounts } from './ports.ts';

/** Where accounts are found. */
export interface AccountSources {
  /** The entries of the secret `accounts`. */
  readonly entries: Accounts;
  readonly credentials: Credentials;
  readonly stored: Pick<StoredAccounts, 'read'>;
}

/** An account, and where its settings come from. */
export interface FoundAccount {
  readonly settings: AccountSettings;
  /** The credential that serves it and what is stored about it; `undefined` for an entry of the secret `accounts`. */
  readonly on: { readonly credential: Credential; readonly stored: StoredAccount | undefined } | undefined;
}

/**
 * Finds an account: by its entry in the secret `accounts`, else on the credential that serves it. An account on a credential needs no
 * entry.
 *
 * @throws ConfigurationError where two credentials could serve the account, or the one that it names does not exist.
 */
export const findAccount =
  ({ entries, credentials, stored }: AccountSources) =>
  async (account: Account): Promise<FoundAccount | undefined> => {
    const entry = await entries.find(account);
    if (entry) return { settings: entry, on: undefined };
    const found = await stored.read(account);
    const credential = await credentialOf(credentials, account, found);
    return (
      credential && { settings: settingsOn(credential, account, found), on: { credential, stored: found } }
    );
  };

async function credentialOf(
  credentials: Credentials,
  account: Account,
  stored: StoredAccount | undefined,
): Promise<Credential | undefined> {
  const name = stored?.overrides.credential ?? stored?.onboarded?.credential;
  if (name !== undefined) {
    const credential = await credentials.find(name);
    if (credential) return credential;
    throw new ConfigurationError(
      `The account ${account} is on the credential ${name}, which does not exist.`,
    );
  }
  const choice = chooseCredential(account, await credentials.all());
  switch (choice.kind) {
    case 'one':
      return choice.credential;
    case 'none':
      return undefined;
    case 'ambiguous':
      throw new ConfigurationError(
        `The account ${account} could be on the credentials ${choice.names.join(', ')}; allowed: one. Give accounts to each, or set credential in the settings of the account.`,
      );
  }
}

/** Accounts that one process keeps. Its memory does not grow with the accounts of the deployment. */
const mostCached = 1_000;

/** Reads what is stored about an account at most once in this many seconds. */
export function cachedAccounts(
  stored: Pick<StoredAccounts, 'read'>,
  clock: Clock,
  cacheSeconds: number,
): Pick<StoredAccounts, 'read'> {
  const known = new Map<
    Account,
    { readonly at: number; readonly read: Promise<StoredAccount | undefined> }
  >();
  return {
    read(account) {
      const before = known.get(account);
      if (before && clock.now() - before.at < cacheSeconds * 1_000) return before.read;
      const read = stored.read(account);
      // The map keeps the order of reading: the account that was read longest ago is removed first.
      known.delete(account);
      known.set(account, { at: clock.now(), read });
      const [oldest] = known.keys();
      if (known.size > mostCached && oldest !== undefined) known.delete(oldest);
      read.catch(() => known.delete(account));
      return read;
    },
  };
}

/**
 * The names of all credentials: those of the stack, and those that were connected later. The later ones are read at most once in this
 * many seconds. While they cannot be read, the last known ones are used.
 */
export function credentialNames(
  {
    named,
    stored,
  }: {
    readonly named: readonly CredentialName[];
    readonly stored: { credentialNames(): Promise<readonly CredentialName[]> };
  },
  { clock, cacheSeconds }: { readonly clock: Clock; readonly cacheSeconds: number },
): () => Promise<readonly CredentialName[]> {
  let known: { readonly at: number; readonly names: readonly CredentialName[] } | undefined;
  return async () => {
    if (known && clock.now() - known.at < cacheSeconds * 1_000) return known.names;
    const at = clock.now();
    try {
      known = { at, names: [...new Set([...named, ...(await stored.credentialNames())])] };
    } catch (error) {
      if (!known) throw error;
    }
    return known.names;
  };
}
