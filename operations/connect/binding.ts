import type { CredentialEntry } from '../../functions/adapters/secrets/secret-credentials.ts';
import {
  parseSigningKeyEntry,
  type SigningKeyEntry,
} from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { CredentialName } from '../../functions/domain/identifiers.ts';
import type { Entries } from '../secrets/secret-diff.ts';

/** A credential, and the account at Klarna that it is for. */
export interface Binding {
  readonly credential: CredentialName;
  readonly environment: CredentialEntry['environment'];
  readonly account:
    /** The acquiring partner's own account: the credential serves every account that it onboards. */
    | { readonly kind: 'acquirer'; readonly id: string }
    /** One account with an API key of its own, on Klarna's direct path. The credential has its name. */
    | { readonly kind: 'partner'; readonly id: string };
}

/** The entry of a signing key that is bound so. What another binding has added to the entry stays. */
export function boundEntry(
  { credential, environment, account }: Binding,
  entry: SigningKeyEntry,
): SigningKeyEntry {
  const bound = { ...entry, live: environment === 'live' };
  if (account.kind === 'partner')
    return { ...bound, accounts: { ...entry.accounts, [account.id]: credential } };
  const subjects = entry.credential === credential ? (entry.subjects ?? '*') : '*';
  return { ...bound, recipient_account_id: account.id, credential, subjects };
}

/** Whether a signing key reports for the credential. */
export function isBoundTo(
  credential: CredentialName,
  { credential: named, accounts }: SigningKeyEntry,
): boolean {
  return named === undefined ? Object.values(accounts ?? {}).includes(credential) : named === credential;
}

/** The signing keys of the secret that report for the credential, by their ids. */
export const keysOf = (credential: CredentialName, entries: Entries): ReadonlyMap<string, SigningKeyEntry> =>
  new Map([...allKeys(entries)].filter(([, entry]) => isBoundTo(credential, entry)));

/** Every signing key of the secret, by its id. */
export const allKeys = (entries: Entries): ReadonlyMap<string, SigningKeyEntry> =>
  new Map(Object.entries(entries).map(([id, entry]) => [id, parseSigningKeyEntry(id, entry)]));

/** Whether the key is to stay: no rotation has replaced it. */
export const isCurrent = ({ replaced_by, retire_after }: SigningKeyEntry): boolean =>
  replaced_by === undefined && retire_after === undefined;

/** The entries with these notes about one key. `undefined` removes a note. */
export function marked(
  entries: Entries,
  id: string,
  notes: { readonly replaced_by?: string | undefined; readonly retire_after?: string },
): Entries {
  if (!Object.hasOwn(entries, id)) return entries;
  const entry = { ...(entries[id] as object), ...notes };
  return {
    ...entries,
    [id]: Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)),
  };
}
