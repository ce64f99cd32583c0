import { hash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { text } from '../wire/text.ts';
import { readInput } from '../wire/read-input.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { ActionsOf } from '../wire/service.ts';
import {
  currentStage,
  type Secret,
  type SecretStore,
  type SecretVersion,
  versionWith,
} from './secret-store.ts';

export interface SecretsManagerParts {
  readonly secrets: SecretStore;
  readonly region: string;
  readonly accountId: string;
}

const idSchema = { SecretId: v.string() };
const description = { Description: v.exactOptional(v.string()), KmsKeyId: v.exactOptional(v.string()) };
const token = v.exactOptional(text(/^.{32,64}$/s, 'a text of 32 to 64 characters'));
const invalidInput = 'InvalidParameterException';

const getSchema = v.object({
  ...idSchema,
  VersionId: v.exactOptional(v.string()),
  VersionStage: v.exactOptional(v.string()),
});

const putSchema = v.object({
  ...idSchema,
  SecretString: v.string(),
  ClientRequestToken: token,
  VersionStages: v.exactOptional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(20)), [
    currentStage,
  ]),
});

const createSchema = v.object({
  Name: text(/^[A-Za-z0-9/_+=.@-]{1,512}$/, '1 to 512 letters, digits and /_+=.@-'),
  SecretString: v.exactOptional(v.string()),
  ClientRequestToken: token,
  ...description,
});

const updateSchema = v.object({
  ...idSchema,
  SecretString: v.exactOptional(v.string()),
  ClientRequestToken: token,
  ...description,
});

const listSchema = v.object({
  MaxResults: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 100),
  NextToken: v.exactOptional(text(/^\d{1,9}$/, 'a NextToken of an earlier response')),
  Filters: v.exactOptional(v.array(v.object({ Key: v.literal('name'), Values: v.array(v.string()) })), []),
});

/** Serves Secrets Manager, as far as functions and operators use it. Values are texts. */
export const secretsManagerActions = (parts: SecretsManagerParts): ActionsOf<'secretsmanager'> => ({
  ...readingActions(new NamedSecrets(parts)),
  ...writingActions(new NamedSecrets(parts)),
});

/** The secrets by what names them in calls. */
class NamedSecrets {
  readonly store: SecretStore;
  readonly #arnPrefix: string;

  constructor({ secrets, region, accountId }: SecretsManagerParts) {
    this.store = secrets;
    this.#arnPrefix = `arn:aws:secretsmanager:${region}:${accountId}:secret:`;
  }

  /** Finds a secret by its name, its ARN, or its ARN without the last part. Throws a `ServiceError` where there is none. */
  find(secretId: string): Secret {
    const named = secretId.startsWith(this.#arnPrefix) ? secretId.slice(this.#arnPrefix.length) : secretId;
    // A whole ARN ends in a hyphen and six characters; a partial one does not.
    const found = this.store.find(named) ?? this.store.find(named.replace(/-[A-Za-z0-9]{6}$/, ''));
    if (!found) throw notFound("Secrets Manager can't find the specified secret.");
    return found;
  }

  identityOf({ name }: Secret): { readonly ARN: string; readonly Name: string } {
    return { ARN: `${this.#arnPrefix}${name}-${hash('sha256', name).slice(0, 6)}`, Name: name };
  }

  describe(secret: Secret): object {
    return {
      ...this.identityOf(secret),
      Description: secret.description,
      KmsKeyId: secret.kmsKeyId,
      CreatedDate: secondsOf(secret.createdAt),
      LastChangedDate: secondsOf(secret.changedAt),
    };
  }
}

type Actions = ActionsOf<'secretsmanager'>;

function readingActions(
  secrets: NamedSecrets,
): Pick<Actions, 'GetSecretValue' | 'DescribeSecret' | 'ListSecrets'> {
  return {
    GetSecretValue: (input) => {
      const { SecretId, VersionId, VersionStage } = readInput(getSchema, input, invalidInput);
      const secret = secrets.find(SecretId);
      const { id, text: value, stages, createdAt } = wantedVersion(secret, VersionId, VersionStage);
      return {
        ...secrets.identityOf(secret),
        VersionId: id,
        VersionStages: stages,
        SecretString: value,
        CreatedDate: secondsOf(createdAt),
      };
    },

    DescribeSecret: (input) => {
      const secret = secrets.find(readInput(v.object(idSchema), input, invalidInput).SecretId);
      const labelled = secret.versions.filter(({ stages }) => stages.length > 0);
      return {
        ...secrets.describe(secret),
        VersionIdsToStages: Object.fromEntries(labelled.map(({ id, stages }) => [id, stages])),
      };
    },

    ListSecrets: (input) => {
      const { MaxResults, NextToken = '0', Filters } = readInput(listSchema, input, invalidInput);
      const names = secrets.store
        .names()
        .filter((name) => Filters.every(({ Values }) => Values.some((start) => name.startsWith(start))));
      const begin = Number(NextToken);
      const end = begin + MaxResults;
      return {
        SecretList: names.slice(begin, end).map((name) => secrets.describe(secrets.find(name))),
        ...(end < names.length && { NextToken: String(end) }),
      };
    },
  };
}

function writingActions(
  secrets: NamedSecrets,
): Pick<Actions, 'CreateSecret' | 'PutSecretValue' | 'UpdateSecret'> {
  const { store } = secrets;
  return {
    CreateSecret: (input) => {
      const given = readInput(createSchema, input, invalidInput);
      const { Name, SecretString: value, ClientRequestToken: id = randomUUID() } = given;
      const known = store.find(Name);
      const isRepeated = known?.versions.some((version) => version.id === id && version.text === value);
      if (known && isRepeated !== true) {
        throw new ServiceError('ResourceExistsException', `A secret with the name ${Name} exists.`);
      }
      const secret = known ?? store.create(Name, fieldsOf(given));
      if (value === undefined) return secrets.identityOf(secret);
      store.put(secret, { id, text: value, stages: [currentStage] });
      return { ...secrets.identityOf(secret), VersionId: id };
    },

    PutSecretValue: (input) => {
      const given = readInput(putSchema, input, invalidInput);
      const { SecretId, SecretString: value, VersionStages: stages } = given;
      const { ClientRequestToken: id = randomUUID() } = given;
      const secret = store.put(secrets.find(SecretId), { id, text: value, stages });
      const version = secret.versions.find((each) => each.id === id);
      return { ...secrets.identityOf(secret), VersionId: id, VersionStages: version?.stages };
    },

    UpdateSecret: (input) => {
      const given = readInput(updateSchema, input, invalidInput);
      const { SecretId, SecretString: value, ClientRequestToken: id = randomUUID() } = given;
      const found = secrets.find(SecretId);
      const fields = fieldsOf(given);
      const secret = Object.keys(fields).length > 0 ? store.describe(found, fields) : found;
      if (value === undefined) return secrets.identityOf(secret);
      store.put(secret, { id, text: value, stages: [currentStage] });
      return { ...secrets.identityOf(secret), VersionId: id };
    },
  };
}

const fieldsOf = ({
  Description,
  KmsKeyId,
}: {
  readonly Description?: string;
  readonly KmsKeyId?: string;
}): Pick<Secret, 'description' | 'kmsKeyId'> => ({
  ...(Description !== undefined && { description: Description }),
  ...(KmsKeyId !== undefined && { kmsKeyId: KmsKeyId }),
});

/** The version with this id and this label, where they are given; else the current one. */
function wantedVersion(
  secret: Secret,
  id: string | undefined,
  stage = id === undefined ? currentStage : undefined,
): SecretVersion {
  const found =
    id === undefined
      ? versionWith(secret, stage ?? currentStage)
      : secret.versions.find((each) => each.id === id);
  if (!found) {
    const wanted = id === undefined ? `staging label: ${stage ?? currentStage}` : `VersionId: ${id}`;
    throw notFound(`Secrets Manager can't find the specified secret value for ${wanted}`);
  }
  if (stage !== undefined && !found.stages.includes(stage)) {
    throw new ServiceError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return found;
}

const secondsOf = (millis: number): number => millis / 1_000;

const notFound = (message: string): ServiceError => new ServiceError('ResourceNotFoundException', message);
