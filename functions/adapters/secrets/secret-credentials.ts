import * as v from 'valibot';
import type { Credentials } from '../../application/ports.ts';
import { accountPatternFormat, isAccountPattern } from '../../domain/account-pattern.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import type { Credential } from '../../domain/credential.ts';
import type { CredentialName } from '../../domain/identifiers.ts';
import type { StageSwitches } from '../../domain/timeout-switches.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';
import {
  certificateEndOf,
  accountKrn,
  checkIdentity,
  klarnaFields,
  parseEntry,
  partiesOf,
  text,
  time,
} from './secret-fields.ts';
import { checkPolicies, policiesOf, policyFields } from './secret-policies.ts';

/** The secret of one credential. docs/reference/configuration.md explains each setting. */
const credentialSchema = v.pipe(
  v.strictObject({
    ...klarnaFields,
    acquirer_account_id: v.optional(accountKrn),
    accounts: v.optional(
      v.pipe(
        v.array(
          v.pipe(v.string('must be a text'), v.check(isAccountPattern, `must be ${accountPatternFormat}`)),
          'must be a list of account names and patterns',
        ),
        v.minLength(1, 'must have at least one account name or pattern'),
      ),
    ),
    ...policyFields,
    // Notes of `lapse connect` and `lapse keys rotate`, which the functions do not use: Klarna's ids of the API keys.
    api_key_id: v.optional(text),
    old_api_key_id: v.optional(text),
    old_api_key_retire_after: v.optional(time),
  }),
  checkIdentity(),
  checkPolicies(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { environment, acquirer_account_id: acquirer } = dataset.value;
    const said = /:(test|live):[^:]*$/.exec(acquirer ?? '')?.[1];
    if (said !== undefined && said !== environment) {
      addIssue({
        message: `acquirer_account_id is of the environment ${said}, and environment is ${environment}`,
      });
    }
  }),
);

/** The secret of a credential, as it is written. */
export type CredentialEntry = v.InferInput<typeof credentialSchema>;

/**
 * The secret of a credential; `undefined` where it is still empty. Throws a {@link ConfigurationError} that names what is wrong with it,
 * without a value.
 */
export function checkCredential(
  name: string,
  value: Readonly<Record<string, unknown>>,
): CredentialEntry | undefined {
  if (Object.keys(value).length === 0) return undefined;
  parseEntry(credentialSchema, `The secret of the credential ${name}`, value);
  // Parsed values have other types than written ones: a duration, for example.
  return value as CredentialEntry;
}

/** Where the secrets of credentials are. */
export interface SecretCredentialsOptions {
  /** The names of all credentials. */
  readonly names: () => Promise<readonly CredentialName[]>;
  /** The secret of a credential. It is called once for each name. */
  readonly secretOf: (name: CredentialName) => CachedSecret;
  /** Milliseconds; the longest session that any account may allow. */
  readonly maxSession: number;
  /** What the stage decides about the ends of all sessions. Default: nothing. */
  readonly stage?: StageSwitches;
}

/** The credentials, each in a secret of its own. */
export class SecretCredentials implements Credentials {
  readonly #options: SecretCredentialsOptions;
  readonly #secrets = new Map<CredentialName, CachedSecret>();
  readonly #parsed: (name: string, value: unknown) => Credential;

  constructor(options: SecretCredentialsOptions) {
    this.#options = options;
    this.#parsed = parsedOnce((name, value) => parseCredential(name as CredentialName, options, value));
  }

  async all(): Promise<readonly Credential[]> {
    const found = await Promise.all((await this.#options.names()).map((name) => this.read(name)));
    return found.filter((credential) => credential !== undefined);
  }

  /** Every credential that is well formed. */
  async wellFormed(): Promise<readonly Credential[]> {
    const read = await Promise.allSettled((await this.#options.names()).map((name) => this.read(name)));
    return read
      .map((result) => (result.status === 'fulfilled' ? result.value : undefined))
      .filter((credential) => credential !== undefined);
  }

  /** A sentence for each credential that is wrong, whether a call needs it or not. */
  async violations(): Promise<readonly string[]> {
    const found = await Promise.all(
      (await this.#options.names()).map((name) =>
        this.read(name).then(
          () => undefined,
          (error: unknown) => {
            if (error instanceof ConfigurationError) return error.message;
            throw error;
          },
        ),
      ),
    );
    return found.filter((violation) => violation !== undefined);
  }

  async find(name: CredentialName): Promise<Credential | undefined> {
    return (await this.#options.names()).includes(name) ? this.read(name) : undefined;
  }

  /** Reads the secret of a credential that is known to exist; `undefined` where it is still empty. */
  async read(name: CredentialName): Promise<Credential | undefined> {
    const secret = this.#secrets.get(name) ?? this.#options.secretOf(name);
    this.#secrets.set(name, secret);
    const value = await secret.value();
    return Object.keys(value).length === 0 ? undefined : this.#parsed(name, value);
  }
}

function parseCredential(
  name: CredentialName,
  { maxSession, stage }: Pick<SecretCredentialsOptions, 'maxSession' | 'stage'>,
  value: unknown,
): Credential {
  const credential = parseEntry(credentialSchema, `The secret of the credential ${name}`, value);
  return {
    name,
    acquirerAccountId: credential.acquirer_account_id,
    accounts: credential.accounts,
    policies: policiesOf(credential, maxSession, stage),
    klarna: {
      credential: name,
      rateShare: credential.rate_share,
      environment: credential.environment,
      apiKey: credential.api_key,
      username: credential.username,
      clientCertificate: credential.client_certificate,
      clientKey: credential.client_key,
      certificateExpiresAt: certificateEndOf(credential.client_certificate),
      ...partiesOf(credential),
    },
  };
}
