import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../application/ports.ts';
import { readJson } from '../../contract/read-json.ts';

export interface SecretOptions {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  readonly secretId: string;
  /** For how long a value is used before it is read again. */
  readonly cacheSeconds: number;
}

/** An unknown name in the secret makes it be read again at most this often, whatever is thrown at it. */
const refreshIntervalMillis = 60_000;

/** A secret that is one JSON object, read at most once per cache time and once per unknown name and minute. */
export class CachedSecret {
  readonly #options: SecretOptions;
  #value: Promise<Readonly<Record<string, unknown>>> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SecretOptions) {
    this.#options = options;
  }

  /** The names of all entries. Throws when the secret cannot be read or is no JSON object. */
  async names(): Promise<readonly string[]> {
    return Object.keys(await (this.#isFresh() && this.#value ? this.#value : this.#read()));
  }

  /** The entry of this name; `undefined` when there is none. Throws when the secret cannot be read or is no JSON object. */
  async entry(name: string): Promise<unknown> {
    const { clock } = this.#options;
    const fresh = this.#isFresh();
    const known = this.#value && fresh ? this.#value : this.#read();
    const found = own(await known, name);
    if (found !== undefined) return found;
    const mayRefresh = fresh && clock.now() - this.#refreshedAt >= refreshIntervalMillis;
    if (this.#value === known && mayRefresh) {
      this.#refreshedAt = clock.now();
      void this.#read();
    }
    // Perhaps somebody else's refresh is on its way: it is waited for, not repeated.
    return this.#value === known ? undefined : own(await this.#value, name);
  }

  #isFresh(): boolean {
    const { clock, cacheSeconds } = this.#options;
    return clock.now() - this.#readAt < cacheSeconds * 1000;
  }

  #read(): Promise<Readonly<Record<string, unknown>>> {
    const before = { value: this.#value, readAt: this.#readAt };
    const reading = this.#fetch();
    this.#value = reading;
    this.#readAt = this.#options.clock.now();
    // A failure is told to whoever waits for it and not kept. What was known before is good for the rest of its time.
    reading.catch(() => {
      if (this.#value !== reading) return;
      this.#value = before.value;
      this.#readAt = before.readAt;
    });
    return reading;
  }

  async #fetch(): Promise<Readonly<Record<string, unknown>>> {
    const { client, secretId } = this.#options;
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    const value = readJson(text ?? '');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error(`The secret ${secretId} is not a JSON object.`);
    }
    return value as Readonly<Record<string, unknown>>;
  }
}

/** Parses an entry of a secret once, for as long as the value that it is of is kept. What throws is parsed again. */
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

const own = (value: Readonly<Record<string, unknown>> | undefined, name: string): unknown =>
  value && Object.hasOwn(value, name) ? value[name] : undefined;
