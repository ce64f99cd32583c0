import { hash } from 'node:crypto';
import * as v from 'valibot';
import { readInput } from '../wire/read-input.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { ActionsOf } from '../wire/service.ts';

/** The source of a secret. */
export interface SecretSource {
  /** Called for every GetSecretValue, so a changed secret applies at once. */
  readonly read: () => string;
}

export interface SecretsManagerParts {
  /** By name. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly region: string;
  readonly accountId: string;
}

const currentStage = 'AWSCURRENT';
const idSchema = { SecretId: v.string() };
const invalidInput = 'InvalidParameterException';

/** Serves the reading actions of Secrets Manager. Secrets change in their source only. */
export function secretsManagerActions({
  secrets,
  region,
  accountId,
}: SecretsManagerParts): ActionsOf<'secretsmanager'> {
  const arnPrefix = `arn:aws:secretsmanager:${region}:${accountId}:secret:`;
  const createdDate = Math.floor(Date.now() / 1_000);

  function find(secretId: string) {
    const named = secretId.startsWith(arnPrefix) ? secretId.slice(arnPrefix.length) : secretId;
    // A whole ARN ends in a hyphen and six characters; a partial one does not.
    const name = [named, named.replace(/-[A-Za-z0-9]{6}$/, '')].find((each) => Object.hasOwn(secrets, each));
    const source = name === undefined ? undefined : secrets[name];
    if (name === undefined || !source) throw notFound("Secrets Manager can't find the specified secret.");
    return { name, source, arn: `${arnPrefix}${name}-${hash('sha256', name).slice(0, 6)}` };
  }

  return {
    GetSecretValue: (input) => {
      const { SecretId, VersionId, VersionStage } = readInput(
        v.object({
          ...idSchema,
          VersionId: v.exactOptional(v.string()),
          VersionStage: v.exactOptional(v.string(), currentStage),
        }),
        input,
        invalidInput,
      );
      const { name, source, arn } = find(SecretId);
      const secret = source.read();
      const current = versionOf(secret);
      if (VersionStage !== currentStage || (VersionId ?? current) !== current) {
        throw notFound('The local Secrets Manager has the current version only.');
      }
      return {
        ARN: arn,
        Name: name,
        VersionId: current,
        VersionStages: [currentStage],
        SecretString: secret,
        CreatedDate: createdDate,
      };
    },

    DescribeSecret: (input) => {
      const { name, source, arn } = find(readInput(v.object(idSchema), input, invalidInput).SecretId);
      return {
        ARN: arn,
        Name: name,
        CreatedDate: createdDate,
        VersionIdsToStages: { [versionOf(source.read())]: [currentStage] },
      };
    },

    PutSecretValue: (input) => {
      const { name } = find(readInput(v.object(idSchema), input, invalidInput).SecretId);
      throw new ServiceError(
        'InvalidRequestException',
        `The local system only reads the secret ${name}: change the file that it was started with.`,
      );
    },
  };
}

/** The same content is the same version. */
const versionOf = (secret: string): string => hash('sha256', secret);

const notFound = (message: string): ServiceError => new ServiceError('ResourceNotFoundException', message);
