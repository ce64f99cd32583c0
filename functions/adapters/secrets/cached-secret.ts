import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../application/ports.ts';

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

  /** The entry of this name; `undefined` when there is none. Throws when the secret cannot be read or is no JSON object. */
  async entry(name: string): Promise<unknown> {
    const { clock, cacheSeconds } = this.#options;
    const fresh = clock.now() - this.#readAt < cacheSeconds * 1000;
    if (!this.#value || !fresh) this.#read();
    const found = own(await this.#value, name);
    if (found !== undefined) return found;
    const readBefore = fresh && clock.now() - this.#refreshedAt >= refreshIntervalMillis;
    if (!readBefore) return undefined;
    this.#refreshedAt = clock.now();
    this.#read();
    return own(await this.#value, name);
  }

  #read(): void {
    this.#readAt = this.#options.clock.now();
    const reading = this.#fetch();
    this.#value = reading;
    // A failure is told to whoever waits for it and not kept: the next one reads again.
    reading.catch(() => {
      if (this.#value === reading) this.#value = undefined;
    });
  }

  async #fetch(): Promise<Readonly<Record<string, unknown>>> {
    const { client, secretId } = this.#options;
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    const value = parseJson(text ?? '');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error(`The secret ${secretId} is not a JSON object.`);
    }
    return value as Readonly<Record<string, unknown>>;
  }
}

const own = (value: Readonly<Record<string, unknown>> | undefined, name: string): unknown =>
  value && Object.hasOwn(value, name) ? value[name] : undefined;

/** The parser's own message would quote the secret. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
