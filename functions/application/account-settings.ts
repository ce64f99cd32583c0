import type { AccountOverrides } from '../domain/account-settings.ts';
import type { Account } from '../domain/identifiers.ts';
import { settingsOn } from '../domain/credential.ts';
import { isInUseBy, type UnmetNeed, unmetNeeds } from '../domain/setting-needs.ts';
import { type AccountSources, findAccount, type FoundAccount } from './find-account.ts';
import type { Clock, StoredAccounts } from './ports.ts';

/** What writing the settings of accounts needs. */
export interface AccountSettingsDependencies extends AccountSources {
  readonly stored: StoredAccounts;
  readonly clock: Clock;
}

/**
 * What became of new settings. `in_secret`: the account has an entry in the secret `accounts`, which has its settings. `unknown`: no
 * credential serves the account. `unmet`: settings in force would have no effect, because another one is missing.
 */
export type SettingsResult =
  | { readonly outcome: 'written'; readonly account: FoundAccount }
  | { readonly outcome: 'unmet'; readonly needs: readonly UnmetNeed[]; readonly account: FoundAccount }
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
    const { credential } = found.on;
    const settings = settingsOn(credential, account, next);
    const written = { settings, on: { credential, stored: next } };
    const needs = unmetNeeds(isInUseBy(settings));
    if (needs.length > 0) return { outcome: 'unmet', needs, account: written };
    await stored.write(account, overrides, updated);
    return { outcome: 'written', account: written };
  };
