import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** A value of a secret. */
export interface SecretValue {
  /** Names the value. Another value has another version. */
  readonly version: string;
  readonly text: string;
}

/** What a new secret gets beside its value. */
export interface SecretDescription {
  readonly description: string;
  /** The KMS key; `undefined`: the account's own for Secrets Manager. */
  readonly encryptionKey: string | undefined;
}

/** The secrets of a system, as an editor needs them. */
export interface SecretStore {
  /** The current value; `undefined` where there is no such secret, or it has no value. */
  readonly read: (name: string) => Promise<SecretValue | undefined>;
  /** The value that the current one replaced; `undefined` where there is none. */
  readonly readPrevious: (name: string) => Promise<SecretValue | undefined>;
  /** Replaces the value. The same token with the same value is one write. */
  readonly write: (name: string, text: string, token: string) => Promise<void>;
  /** Creates a secret that does not exist. The same token with the same value is one secret. */
  readonly create: (name: string, text: string, token: string, given: SecretDescription) => Promise<void>;
}

/** AWS Secrets Manager, or the stand-in of a local system. */
export async function secretsManagerStore(client: SecretsManagerClient): Promise<SecretStore> {
  const { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, ResourceNotFoundException } =
    await import('@aws-sdk/client-secrets-manager');
  const readStage = async (name: string, stage: string): Promise<SecretValue | undefined> => {
    try {
      const { VersionId: version = '', SecretString: text } = await client.send(
        new GetSecretValueCommand({ SecretId: name, VersionStage: stage }),
      );
      return text === undefined ? undefined : { version, text };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };
  return {
    read: (name) => readStage(name, 'AWSCURRENT'),
    readPrevious: (name) => readStage(name, 'AWSPREVIOUS'),
    write: async (name, text, token) => {
      await client.send(
        new PutSecretValueCommand({ SecretId: name, SecretString: text, ClientRequestToken: token }),
      );
    },
    create: async (name, text, token, { description, encryptionKey }) => {
      await client.send(
        new CreateSecretCommand({
          Name: name,
          Description: description,
          SecretString: text,
          ClientRequestToken: token,
          ...(encryptionKey !== undefined && { KmsKeyId: encryptionKey }),
        }),
      );
    },
  };
}
