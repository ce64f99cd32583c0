/** Reads the secrets of a system as the functions read them, and keeps what is wrong with each entry. */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CachedSecret } from '../../functions/adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../../functions/adapters/secrets/secret-accounts.ts';
import { SecretCredentials } from '../../functions/adapters/secrets/secret-credentials.ts';
import { SecretPageKeys } from '../../functions/adapters/secrets/secret-page-keys.ts';
import { SecretSigningKeys } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { Clock } from '../../functions/application/ports.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import type { Credential } from '../../functions/domain/credential.ts';
import { type CredentialName, parseAccount } from '../../functions/domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../functions/domain/payment-request.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';

/** What a secret holds, as far as it can be read. */
export interface ReadSecret<Entry> {
  /** Its name in Secrets Manager. */
  readonly name: string;
  /** The part of Secrets Manager's limit that it takes. */
  readonly percent: number;
  readonly entries: readonly Entry[];
  /** One sentence for each entry that is malformed. No sentence has a value. */
  readonly violations: readonly string[];
}

/** All secrets of one Lapse. */
export interface ReadSecrets {
  readonly accounts: ReadSecret<AccountSettings>;
  readonly signingKeys: ReadSecret<SigningKey>;
  readonly credentials: readonly ReadSecret<Credential>[];
  /** Undefined: the stack serves no pages. Its entries are the keys that are valid. */
  readonly pageKeys: ReadSecret<string> | undefined;
}

/** Where the secrets are. */
export interface SecretPlaces {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  readonly accountsName: string;
  readonly signingKeysName: string;
  readonly credentialsPrefix: string;
  readonly credentialNames: readonly CredentialName[];
  readonly pageKeysName: string | undefined;
}

/**
 * Reads them all.
 *
 * @throws the error of Secrets Manager
 */
export async function readSecrets(places: SecretPlaces): Promise<ReadSecrets> {
  const { accountsName, signingKeysName, credentialsPrefix, credentialNames, pageKeysName } = places;
  const [accounts, signingKeys, pageKeys, ...credentials] = await Promise.all([
    readAccounts(places, accountsName),
    readSigningKeys(places, signingKeysName),
    pageKeysName === undefined ? undefined : readPageKeys(places, pageKeysName),
    ...credentialNames.map((name) => readCredential(places, `${credentialsPrefix}${name}`, name)),
  ]);
  return { accounts, signingKeys, credentials, pageKeys };
}

async function readAccounts(places: SecretPlaces, name: string): Promise<ReadSecret<AccountSettings>> {
  const opened = open(places, name);
  const accounts = new SecretAccounts(opened.secret);
  return readEntries(name, opened, (entry) => {
    const account = parseAccount(entry);
    if (account) return accounts.find(account);
    throw new ConfigurationError(
      `The secret ${name} has an entry whose name is not that of an account; allowed: 1 to 32 lower-case letters, digits and hyphens.`,
    );
  });
}

async function readSigningKeys(places: SecretPlaces, name: string): Promise<ReadSecret<SigningKey>> {
  const opened = open(places, name);
  const keys = new SecretSigningKeys(opened.secret);
  return readEntries(name, opened, (id) => keys.find(id));
}

async function readPageKeys(places: SecretPlaces, name: string): Promise<ReadSecret<string>> {
  const { secret, percent } = open(places, name);
  const read = await sentenceOf(() => new SecretPageKeys(secret).known());
  const about = { name, percent: percent() };
  return 'violation' in read
    ? { ...about, entries: [], violations: [read.violation] }
    : { ...about, entries: read.value, violations: [] };
}

async function readCredential(
  places: SecretPlaces,
  secretName: string,
  name: CredentialName,
): Promise<ReadSecret<Credential>> {
  const { secret, percent } = open(places, secretName);
  const credentials = new SecretCredentials({
    names: () => Promise.resolve([name]),
    secretOf: () => secret,
    maxSession: klarnaLongestLifetime,
  });
  const read = await sentenceOf(() => credentials.read(name));
  const about = { name: secretName, percent: percent() };
  if ('violation' in read) return { ...about, entries: [], violations: [read.violation] };
  if (read.value) return { ...about, entries: [read.value], violations: [] };
  const empty = `The secret of the credential ${name} is empty: it is not connected yet.`;
  return { ...about, entries: [], violations: [empty] };
}

/** A secret as the functions read it. It is read once. */
interface OpenedSecret {
  readonly secret: CachedSecret;
  /** The part of Secrets Manager's limit that it takes, once it was read. */
  readonly percent: () => number;
}

function open({ client, clock }: SecretPlaces, secretId: string): OpenedSecret {
  let percent = 0;
  const onRead = (read: number): void => void (percent = read);
  const secret = new CachedSecret({ client, clock, secretId, cacheSeconds: 3_600, onRead });
  return { secret, percent: () => percent };
}

async function readEntries<Entry>(
  name: string,
  { secret, percent }: OpenedSecret,
  read: (entry: string) => Promise<Entry | undefined>,
): Promise<ReadSecret<Entry>> {
  const names = await sentenceOf(() => secret.names());
  if ('violation' in names) return { name, percent: percent(), entries: [], violations: [names.violation] };
  const found = await Promise.all(names.value.map((entry) => sentenceOf(async () => read(entry))));
  return {
    name,
    percent: percent(),
    entries: found.flatMap((each) => ('value' in each && each.value !== undefined ? [each.value] : [])),
    violations: found.flatMap((each) => ('violation' in each ? [each.violation] : [])),
  };
}

/** The value, or the sentence of the functions about what is wrong with it. */
async function sentenceOf<Value>(
  read: () => Promise<Value>,
): Promise<{ readonly value: Value } | { readonly violation: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof ConfigurationError) return { violation: error.message };
    throw error;
  }
}
