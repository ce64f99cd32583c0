import type { AccountOverrides } from '../domain/account-settings.ts';
import type { Account } from '../domain/identifiers.ts';
import { settingsOn } from '../domain/credential.ts';
import { type AccountSources, findAccount, type FoundAccount } from './find-account.ts';
import type { Clock, StoredAccounts } from './ports.ts';

/** What writing the settings of accounts needs. */
export interface AccountSettingsDependencies extends AccountSources {
  readonly stored: StoredAccounts;
  readonly clock: Clock;
}

/**
 * What became of new settings. `in_secret`: the account has an entry in the secret `accounts`, which has its settings. `unknown`: no
 * credential serves the account.
 */
export type SettingsResult =
  | { readonly outcome: 'written'; readonly account: FoundAccount }
  | { readonly outcome: 'in_secret' | 'unknown' };

/**
 * Replaces what an account without an entry overrides. Nothing is written where no credential would serve the account with these
 * overrides. Functions that have read the account before use the old settings for the time of their cache.
 *
 * @param requestedBy the caller, as records name callers.
 */
export const writeAccountSettings =
  (dependencies: AccountSettingsDependencies) =>
  async (account: Account, overrides: AccountOverrides, requestedBy: string): Promise<SettingsResult> => {
    const { stored, clock } = dependencies;
    const before = await stored.read(account);
    const updated = { by: requestedBy, at: clock.instant() };
    const next = { overrides, onboarded: before?.onboarded, updated };
    const found = await findAccount({ ...dependencies, stored: { read: () => Promise.resolve(next) } })(
      account,
    );
    if (!found) return { outcome: 'unknown' };
    if (!found.on) return { outcome: 'in_secret' };
    await stored.write(account, overrides, updated);
    const { credential } = found.on;
    return {
      outcome: 'written',
      account: { settings: settingsOn(credential, account, next), on: { credential, stored: next } },
    };
  };
