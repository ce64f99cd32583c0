import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { Credential } from '../../functions/domain/credential.ts';
import { type Account, parseAccount } from '../../functions/domain/identifiers.ts';
import { UsageError } from '../usage-error.ts';

/** An account of Klarna's test environment, and how to call Klarna for it. */
export interface TestAccount {
  readonly account: Account;
  readonly klarna: KlarnaCredentials;
}

/** Where the accounts of a system are found. */
export interface AccountSearch {
  /** The account of this name; `undefined` where no entry and no credential serves it. */
  readonly find: (account: Account) => Promise<{ readonly klarna: KlarnaCredentials } | undefined>;
  /** The names of the secret `accounts`. */
  readonly entryNames: () => Promise<readonly string[]>;
  readonly credentials: () => Promise<readonly Credential[]>;
}

/**
 * The account that was named, or the only one that the secrets name.
 *
 * @throws {UsageError} where it is unknown, where none or several could be meant, and where it is of the live environment
 */
export async function findTestAccount(
  search: AccountSearch,
  given: Account | undefined,
): Promise<TestAccount> {
  const account = given ?? (await onlyAccount(search));
  const found = await search.find(account);
  if (!found)
    throw new UsageError(`The account is ${account}; allowed: an account with a credential or an entry.`);
  const { klarna } = found;
  if (klarna.environment !== 'test' || klarna.apiKey.startsWith('klarna_live_'))
    throw new UsageError(
      `The account ${account} is of the live environment; allowed: an account of Klarna's test environment.`,
    );
  return { account, klarna };
}

/** The only account that the secrets name: by an entry, or by a credential that serves one account or lists its accounts. */
async function onlyAccount({ entryNames, credentials }: AccountSearch): Promise<Account> {
  const ofCredentials = (await credentials())
    .filter(({ klarna }) => klarna.environment === 'test')
    .flatMap(({ name, acquirerAccountId, accounts }) =>
      acquirerAccountId === undefined ? [name] : (accounts ?? []),
    );
  const names = [...new Set([...(await entryNames()), ...ofCredentials])]
    .map((name) => parseAccount(name))
    .filter((name) => name !== undefined);
  const [name, another] = names;
  if (name !== undefined && another === undefined) return name;
  const shown = names.slice(0, 10).join(', ');
  throw new UsageError(
    `--account is missing; allowed: ${shown === '' ? 'the name of an account at Klarna, such as m4ciyh2n' : shown}.`,
  );
}
