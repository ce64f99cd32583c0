import { parseAccount } from '../functions/domain/identifiers.ts';
import type { SettingsApi } from './accounts/settings-api.ts';
import { UsageError } from './usage-error.ts';

/** The settings of accounts by the API. */
export type ReadSettings = () => Promise<Pick<SettingsApi, 'read'>>;

/** What a person may name as an account. */
const allowed = 'an account with an entry or on a credential';

/** Refuses an account that nothing serves. */
export const unknownAccount = (account: string): UsageError =>
  new UsageError(`--account is ${account}; allowed: ${allowed}.`);

/**
 * The same values. Where there are none, it refuses an account that nothing serves: with a mistyped name, the result would look like that
 * of a quiet account. What is stored of an account that was removed can still be read.
 */
export async function* orUnknownAccount<Value>(
  values: Iterable<Value> | AsyncIterable<Value>,
  settings: ReadSettings,
  account: string,
): AsyncGenerator<Value, void> {
  let isEmpty = true;
  for await (const value of values) {
    isEmpty = false;
    yield value;
  }
  if (isEmpty) await requireAccount(settings, account);
}

/** Throws a {@link UsageError} where nothing serves the account. */
export async function requireAccount(settings: ReadSettings, account: string): Promise<void> {
  const name = parseAccount(account);
  if (!name || !(await (await settings()).read(name))) throw unknownAccount(account);
}
