import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { LocalClock } from '../../clock/local-clock.ts';
import { Collection } from '../../shared/collection.ts';
import { ServiceError } from '../wire/service-error.ts';

/** Where a secret comes from that was not created by a call. */
export interface SecretSource {
  /** Called for every use of the secret, so a changed source applies at once. */
  readonly read: () => string;
}

/** One value of a secret. */
export interface SecretVersion {
  readonly id: string;
  readonly text: string;
  /** The staging labels that are attached to it. */
  readonly stages: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A secret with its versions, oldest first. Times are in milliseconds since 1970. */
export interface Secret {
  readonly name: string;
  readonly description?: string;
  readonly kmsKeyId?: string;
  readonly createdAt: number;
  readonly changedAt: number;
  /** The id of the newest text of its source that is among the versions. */
  readonly sourceVersion?: string;
  readonly versions: readonly SecretVersion[];
}

/** A value to store: under an id, which makes the call repeatable, and with these staging labels. */
export interface NewValue {
  readonly id: string;
  readonly text: string;
  readonly stages: readonly string[];
}

export const currentStage = 'AWSCURRENT';

const previousStage = 'AWSPREVIOUS';

/** Secrets Manager keeps about 100 versions, and deletes the oldest of those without a label. */
const mostVersions = 100;

/** Bytes of the longest value (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html). */
const longestText = 65_536;

export interface SecretStoreParts {
  readonly database: DatabaseSync;
  readonly clock: LocalClock;
  /** By name. */
  readonly sources: Readonly<Record<string, SecretSource>>;
}

/**
 * The secrets: those of the sources, and those that calls have created. A value that a call writes replaces the source's, until the
 * source changes: what changed last is the current value.
 */
export class SecretStore {
  readonly #parts: SecretStoreParts;
  readonly #stored: Collection<Secret>;
  readonly #openedAt: number;

  constructor(parts: SecretStoreParts) {
    this.#parts = parts;
    this.#stored = new Collection(parts.database, 'secrets');
    this.#openedAt = parts.clock.now();
  }

  names(): readonly string[] {
    const created = this.#stored.all().map(({ name }) => name);
    return [...new Set([...Object.keys(this.#parts.sources), ...created])];
  }

  /** The secret as it is now. Throws what its source throws. */
  find(name: string): Secret | undefined {
    const stored = this.#stored.get(name);
    const source = Object.hasOwn(this.#parts.sources, name) ? this.#parts.sources[name] : undefined;
    if (!source) return stored;
    const text = source.read();
    const id = hash('sha256', text);
    if (stored?.sourceVersion === id) return stored;
    const value = { id, text, stages: [currentStage] };
    if (stored) return this.#keep({ ...withValue(stored, value, this.#now()), sourceVersion: id });
    const times = { createdAt: this.#openedAt, changedAt: this.#openedAt };
    return { name, ...times, sourceVersion: id, versions: [{ ...value, createdAt: this.#openedAt }] };
  }

  /** Creates a secret that does not exist, without a value. */
  create(name: string, fields: Pick<Secret, 'description' | 'kmsKeyId'>): Secret {
    const now = this.#now();
    return this.#keep({ name, ...fields, createdAt: now, changedAt: now, versions: [] });
  }

  /** Changes what describes a secret. */
  describe(secret: Secret, fields: Pick<Secret, 'description' | 'kmsKeyId'>): Secret {
    return this.#keep({ ...secret, ...fields, changedAt: this.#now() });
  }

  /**
   * Stores a value. The same id with the same text changes nothing. Throws a `ServiceError` for the same id with another text, and for a
   * text that is too long.
   */
  put(secret: Secret, value: NewValue): Secret {
    if (Buffer.byteLength(value.text) > longestText) {
      throw new ServiceError(
        'InvalidParameterException',
        `SecretString is longer than ${longestText} bytes.`,
      );
    }
    const known = secret.versions.find(({ id }) => id === value.id);
    if (known && known.text !== value.text) {
      throw new ServiceError(
        'ResourceExistsException',
        `A version with the id ${value.id} exists, and its value is another one.`,
      );
    }
    return known ? secret : this.#keep(withValue(secret, value, this.#now()));
  }

  #now(): number {
    return this.#parts.clock.now();
  }

  #keep(secret: Secret): Secret {
    this.#stored.put(secret.name, secret);
    return secret;
  }
}

/** The version with a staging label, if there is one. */
export const versionWith = ({ versions }: Secret, stage: string): SecretVersion | undefined =>
  versions.find(({ stages }) => stages.includes(stage));

/**
 * The secret with a value. Its labels move to it. The version that was current becomes the previous one. The first value is current in
 * any case.
 */
function withValue(secret: Secret, { id, text, stages: wanted }: NewValue, now: number): Secret {
  const stages = secret.versions.length === 0 ? [...new Set([...wanted, currentStage])] : wanted;
  const current = versionWith(secret, currentStage);
  const hasMoved = stages.includes(currentStage) && current !== undefined && current.id !== id;
  const taken = [...stages, ...(hasMoved ? [previousStage] : [])];
  const others = secret.versions
    .filter((version) => version.id !== id)
    .map((version) => ({
      ...version,
      stages: [
        ...version.stages.filter((stage) => !taken.includes(stage)),
        ...(hasMoved && version.id === current.id ? [previousStage] : []),
      ],
    }));
  const surplus = others.filter((version) => version.stages.length === 0).slice(0, -mostVersions);
  return {
    ...secret,
    changedAt: now,
    versions: [
      ...others.filter((version) => !surplus.includes(version)),
      { id, text, stages, createdAt: now },
    ],
  };
}
