import type { CachedSecret } from '../../functions/adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../../functions/adapters/secrets/secret-accounts.ts';
import { SecretCredentials } from '../../functions/adapters/secrets/secret-credentials.ts';
import type { StoredAccounts } from '../../functions/application/ports.ts';
import { settingsOn } from '../../functions/domain/credential.ts';
import { type CredentialName, parseCredentialName } from '../../functions/domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../functions/domain/payment-request.ts';
import type { AccountSearch } from '../try/test-account.ts';
import type { SettingsApi } from './settings-api.ts';

/** What finding the credentials of an account needs. */
export interface AccountSearchOptions {
  /** The API says which credential serves an account: it alone knows the credentials of the stack. */
  readonly settings: Pick<SettingsApi, 'read'>;
  readonly accountsSecret: CachedSecret;
  readonly credentialSecret: (name: CredentialName) => CachedSecret;
  readonly stored: Pick<StoredAccounts, 'read'> & {
    credentialNames(): Promise<readonly CredentialName[]>;
  };
}

/** Finds accounts and how to call Klarna for them, by the secrets as the functions read them. */
export function accountSearch({
  settings,
  accountsSecret,
  credentialSecret,
  stored,
}: AccountSearchOptions): AccountSearch {
  const entries = new SecretAccounts(accountsSecret);
  const credentials = new SecretCredentials({
    names: () => stored.credentialNames(),
    secretOf: credentialSecret,
    maxSession: klarnaLongestLifetime,
  });
  return {
    entryNames: () => accountsSecret.names(),
    credentials: () => credentials.all(),
    find: async (account) => {
      const found = await settings.read(account);
      if (!found) return undefined;
      const name = parseCredentialName(found.credential ?? '');
      if (!name) return entries.find(account);
      const credential = await credentials.read(name);
      return credential && settingsOn(credential, account, await stored.read(account));
    },
  };
}
