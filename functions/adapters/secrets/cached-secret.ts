import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../application/ports.ts';
import { readJson } from '../../contract/read-json.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';

/** The secret, and how it is cached. */
export interface SecretOptions {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  readonly secretId: string;
  /** Seconds for which a value is used before it is read again. */
  readonly cacheSeconds: number;
  /** Seconds in which names that are unknown cause at most one read, whatever callers send. Default: 60. */
  readonly refreshSeconds?: number;
  /** Called after each read with the part of Secrets Manager's limit that the secret takes, in percent. */
  readonly onRead?: (percentOfLimit: number) => void;
  /** Called after each read with all entries, so that a wrong one is found before a call needs it. */
  readonly onEntries?: (entries: Entries) => void;
  /** How the last known value is used while Secrets Manager fails. Default: it is not used. */
  readonly stale?: {
    /** Seconds after the cache time during which the value may be used. */
    readonly seconds: number;
    /** Called with the error of each failed read that the last known value replaced. */
    readonly onServed: (error: unknown) => void;
  };
}

/** The default of `refreshSeconds`. */
const defaultRefreshSeconds = 60;

/** While reads fail, the last known value is used for this time before the next read. */
const retryIntervalMillis = 10_000;

/** Bytes of the longest secret (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html). */
const longestSecret = 65_536;

/** All entries of a secret, by name. */
export type Entries = Readonly<Record<string, unknown>>;

/**
 * A secret that holds one JSON object. It is read at most once per cache time, and at most once per refresh time for
 * unknown names. The last known value can be used for a bounded time while Secrets Manager does not respond.
 */
export class CachedSecret {
  readonly #options: SecretOptions;
  #known: { readonly entries: Entries; readonly readAt: number } | undefined;
  #reading: Promise<Entries> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SecretOptions) {
    this.#options = options;
  }

  /** Returns the names of all entries. Throws if the secret cannot be read or is not a JSON object. */
  async names(): Promise<readonly string[]> {
    return Object.keys(await this.#current());
  }

  /** Returns the whole object. Throws if the secret cannot be read or is not a JSON object. */
  value(): Promise<Entries> {
    return this.#current();
  }

  /** Returns the entry with this name, or `undefined`. Throws if the secret cannot be read or is not a JSON object. */
  async entry(name: string): Promise<unknown> {
    const isFresh = this.#isWithin(0);
    const found = own(await this.#current(), name);
    if (found !== undefined || !isFresh) return found;
    const entries = await this.refreshed();
    return entries && own(entries, name);
  }

  /**
   * Reads the secret again, for a caller who misses something in the known value. Returns `undefined` where that was done within the
   * refresh time.
   */
  async refreshed(): Promise<Entries | undefined> {
    if (!this.#reading) {
      const { clock, refreshSeconds = defaultRefreshSeconds } = this.#options;
      const now = clock.now();
      if (now - this.#refreshedAt < refreshSeconds * 1000) return undefined;
      this.#refreshedAt = now;
    }
    return this.#read();
  }

  /** Whether the known value is within its cache time plus these seconds. */
  #isWithin(moreSeconds: number): boolean {
    const { clock, cacheSeconds } = this.#options;
    return (
      this.#known !== undefined && clock.now() - this.#known.readAt < (cacheSeconds + moreSeconds) * 1000
    );
  }

  /** The value to use now: the cached one, else a new read, else the last known one while it may be used. */
  async #current(): Promise<Entries> {
    const { clock, stale } = this.#options;
    const known = this.#known;
    const mayServe = known !== undefined && this.#isWithin(stale?.seconds ?? 0);
    const hasJustFailed = clock.now() - this.#failedAt < retryIntervalMillis;
    if (mayServe && (hasJustFailed || this.#isWithin(0))) return known.entries;
    try {
      return await this.#read();
    } catch (error) {
      if (!mayServe) throw error;
      stale?.onServed(error);
      return known.entries;
    }
  }

  /** Reads once at a time. Callers that ask meanwhile share the read. */
  #read(): Promise<Entries> {
    this.#reading ??= this.#fetch().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #fetch(): Promise<Entries> {
    const { client, clock, secretId, onRead, onEntries } = this.#options;
    const readAt = clock.now();
    try {
      const { SecretString: json } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
      const entries = readJson(json ?? '');
      if (!isEntries(entries)) throw new ConfigurationError(`The secret ${secretId} must be a JSON object.`);
      this.#known = { entries, readAt };
      onRead?.((Buffer.byteLength(json ?? '') * 100) / longestSecret);
      onEntries?.(entries);
      return entries;
    } catch (error) {
      this.#failedAt = clock.now();
      throw error;
    }
  }
}

/**
 * Parses an entry once for each value of the secret. An entry that cannot be parsed is parsed again at the next call.
 */
export function parsedOnce<Parsed>(parse: (name: string, entry: unknown) => Parsed) {
  const known = new WeakMap<object, Parsed>();
  return (name: string, entry: unknown): Parsed => {
    const before = isObject(entry) ? known.get(entry) : undefined;
    if (before !== undefined) return before;
    const parsed = parse(name, entry);
    if (isObject(entry)) known.set(entry, parsed);
    return parsed;
  };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isEntries = (value: unknown): value is Entries => isObject(value) && !Array.isArray(value);

const own = (entries: Entries, name: string): unknown =>
  Object.hasOwn(entries, name) ? entries[name] : undefined;
