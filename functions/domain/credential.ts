import { includesAccount } from './account-pattern.ts';
import type {
  AccountPolicies,
  AccountSettings,
  KlarnaCredentials,
  StoredAccount,
} from './account-settings.ts';
import { type Account, type CredentialName, parseAccount } from './identifiers.ts';
import { laterOf } from './instant.ts';

/**
 * One API key of Klarna, and what goes with it. An acquiring partner's serves all accounts that it onboards. A credential without an
 * acquirer account serves the account of its own name, on Klarna's direct path.
 */
export interface Credential {
  readonly name: CredentialName;
  /** The acquiring partner's own account at Klarna. */
  readonly acquirerAccountId: string | undefined;
  /** Patterns of the accounts that it serves; `undefined`: those that no pattern of another credential includes. */
  readonly accounts: readonly string[] | undefined;
  /** The policies of accounts that do not override them. */
  readonly policies: AccountPolicies;
  readonly klarna: Omit<KlarnaCredentials, 'partnerAccountId'>;
}

/** An account id of Klarna: everything up to the last colon, and a last segment that has a lower-case name of its own. */
const accountKrn = /^(krn:[A-Za-z0-9:_-]{1,160}:)([A-Z0-9-]{1,32})$/;

/**
 * The name of the account with this id at Klarna: its last segment in lower case. `undefined` where the id cannot be made from the
 * name again.
 */
export const accountOfKrn = (krn: string): Account | undefined =>
  parseAccount(accountKrn.exec(krn)?.[2]?.toLowerCase() ?? '');

/** Whether two accounts at Klarna are of the same kind and environment: their ids differ in the last segment alone. */
export function isSibling(krn: string, other: string): boolean {
  const start = accountKrn.exec(krn)?.[1];
  return start !== undefined && start === accountKrn.exec(other)?.[1];
}

/** The id at Klarna of an account of this name, beside the account of its acquiring partner. */
export const krnOf = (account: Account, acquirerAccountId: string): string =>
  `${acquirerAccountId.slice(0, acquirerAccountId.lastIndexOf(':') + 1)}${account.toUpperCase()}`;

/** Which credential serves an account that has no entry. */
export type CredentialChoice =
  | { readonly kind: 'one'; readonly credential: Credential }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly names: readonly CredentialName[] };

/**
 * Chooses the credential of an account. A pattern that includes the account comes before a credential without patterns. Of two that
 * could serve it, none is chosen: the wrong one would call Klarna for another account.
 */
export function chooseCredential(account: Account, credentials: readonly Credential[]): CredentialChoice {
  const able = credentials.filter(({ name, acquirerAccountId }) =>
    acquirerAccountId === undefined ? name === (account as string) : true,
  );
  const named = able.filter(({ accounts }) => accounts?.some((pattern) => includesAccount(pattern, account)));
  const found = named.length > 0 ? named : able.filter(({ accounts }) => !accounts);
  const [credential, another] = found;
  if (!credential) return { kind: 'none' };
  return another ? { kind: 'ambiguous', names: found.map(({ name }) => name) } : { kind: 'one', credential };
}

/** The settings of an account without an entry: what it overrides, and the rest from its credential. */
export function settingsOn(
  { acquirerAccountId, policies, klarna }: Credential,
  account: Account,
  stored: StoredAccount | undefined,
): AccountSettings {
  const { credential: _, alias: __, ...overridden } = stored?.overrides ?? {};
  const partnerAccountId = acquirerAccountId === undefined ? undefined : krnOf(account, acquirerAccountId);
  const maxSession = Math.min(overridden.maxSession ?? policies.maxSession, policies.maxSession);
  // Of two cut-offs the later one counts: an account cannot arm what its credential still observes.
  const armedFrom =
    policies.armedFrom && overridden.armedFrom
      ? laterOf(policies.armedFrom, overridden.armedFrom)
      : (overridden.armedFrom ?? policies.armedFrom);
  return {
    ...policies,
    ...overridden,
    maxSession,
    armedFrom,
    account,
    klarna: { ...klarna, partnerAccountId },
  };
}
