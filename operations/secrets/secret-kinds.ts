import { accountViolations } from '../../functions/adapters/secrets/secret-accounts.ts';
import { checkCredential } from '../../functions/adapters/secrets/secret-credentials.ts';
import { parsePageKeys } from '../../functions/adapters/secrets/secret-page-keys.ts';
import { signingKeyViolations } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import type { Entries } from './secret-diff.ts';

/** A secret of Lapse, and what its value must be. */
export interface SecretKind {
  /** How the secret is called in docs/reference/configuration.md. */
  readonly title: string;
  /** @throws {ConfigurationError} that names each field that is missing, malformed or unknown, and has no value */
  readonly check: (entries: Entries) => void;
}

/** The secret `accounts`. */
export const accountsKind: SecretKind = {
  title: 'accounts',
  check: (entries) => refuse(accountViolations(entries)),
};

/** The secret `signing-keys`. */
export const signingKeysKind: SecretKind = {
  title: 'signing-keys',
  check: (entries) => refuse(signingKeyViolations(entries)),
};

/** The secret `page-keys`. */
export const pageKeysKind: SecretKind = {
  title: 'page-keys',
  check: (entries) => void parsePageKeys(entries),
};

/** The secret of a credential. It may be empty. */
export const credentialKind = (name: string): SecretKind => ({
  title: `credentials/${name}`,
  check: (entries) => checkCredential(name, entries),
});

function refuse(violations: readonly string[]): void {
  if (violations.length > 0) throw new ConfigurationError(violations.join(' '));
}
