import { paginateListSecrets, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { DynamoDbAccounts } from '../functions/adapters/dynamodb/dynamodb-accounts.ts';
import { type CredentialName, parseCredentialName } from '../functions/domain/identifiers.ts';

/** Where the names of credentials are. */
export interface CredentialPlaces {
  readonly client: SecretsManagerClient;
  readonly stored: Pick<DynamoDbAccounts, 'credentialNames'>;
  /** What the names of their secrets begin with. */
  readonly prefix: string;
}

/** The names of all credentials: those that have a secret, and those that the table names. */
export async function credentialNamesIn({
  client,
  stored,
  prefix,
}: CredentialPlaces): Promise<readonly CredentialName[]> {
  const [listed, later] = await Promise.all([listedCredentials(client, prefix), stored.credentialNames()]);
  return [...new Set([...listed, ...later])];
}

/** The credentials that have a secret, by the names of the secrets. */
async function listedCredentials(
  client: SecretsManagerClient,
  prefix: string,
): Promise<readonly CredentialName[]> {
  const names: CredentialName[] = [];
  const filters = { Filters: [{ Key: 'name' as const, Values: [prefix] }] };
  for await (const { SecretList: page = [] } of paginateListSecrets({ client }, filters)) {
    for (const { Name: name = '' } of page) {
      const credential = name.startsWith(prefix) ? parseCredentialName(name.slice(prefix.length)) : undefined;
      if (credential) names.push(credential);
    }
  }
  return names;
}
