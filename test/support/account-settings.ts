import type { Settings } from '../../operations/accounts/settings-api.ts';
import type { ReadSettings } from '../../operations/require-account.ts';

/** The settings of these accounts. Nothing serves another one. */
export const settingsOf =
  (...accounts: readonly string[]): ReadSettings =>
  () =>
    Promise.resolve({
      read: (account) =>
        Promise.resolve(accounts.includes(account) ? ({ account } as unknown as Settings) : undefined),
    });
