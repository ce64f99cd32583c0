import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import { Collection } from '../shared/collection.ts';
import { keysIn } from './authorization.ts';
import { type Caller, isManagedBy, type Managed } from './caller.ts';
import type { Clock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import { type Environment, environmentOfKey } from './environment.ts';
import type { SettingsInForce } from './settings.ts';

/** An API key at Klarna. */
export interface ApiKey extends Managed {
  readonly credential_id: string;
  readonly secret: string;
  readonly description?: string;
  readonly created_at: Instant;
  readonly last_used_at?: Instant;
  readonly disabled_at?: Instant;
  /** The user name that must come with it, if one comes. */
  readonly username?: string;
}

/** Klarna disables a key that was not used for more than two months. No two months are longer than this. */
const idleMillis = 62 * 86_400_000;

const idPrefix = 'krn:partner:global:account:credential:api-key:';

export interface ApiKeysParts {
  readonly database: DatabaseSync;
  readonly clock: Clock;
  readonly settings: SettingsInForce;
}

/** The API keys of the account. */
export class ApiKeys {
  readonly #clock: Clock;
  readonly #settings: SettingsInForce;
  readonly #keys: Collection<ApiKey>;
  readonly #acceptsAny: boolean;
  /** The ids of the keys by their secrets: a call has only the secret. */
  readonly #idOf = new Map<string, string>();

  /** @param configured the keys of the configuration; undefined: any key that is not known is accepted, too. */
  constructor({ database, clock, settings }: ApiKeysParts, configured: Configuration['apiKeys']) {
    this.#clock = clock;
    this.#settings = settings;
    this.#keys = new Collection(database, 'api_keys');
    this.#acceptsAny = configured === undefined;
    this.#configure(configured ?? {});
    for (const { secret, credential_id } of this.#keys.all()) this.#idOf.set(secret, credential_id);
  }

  /** Adds the configured keys, and removes those that are no longer configured. What a call has done to a key stays. */
  #configure(configured: NonNullable<Configuration['apiKeys']>): void {
    for (const { credential_id, secret, configured: was } of this.#keys.all()) {
      if (was && !Object.hasOwn(configured, secret)) this.#keys.delete(credential_id);
    }
    for (const [secret, { partner_account_id, username }] of Object.entries(configured)) {
      const environment = environmentOfKey(secret);
      const credential_id = `${idPrefix}${hash('sha256', secret).slice(0, 32)}`;
      const { created_at = this.#clock(), last_used_at, disabled_at } = this.#keys.get(credential_id) ?? {};
      this.#keys.put(credential_id, {
        credential_id,
        secret,
        created_at,
        configured: true,
        ...(last_used_at !== undefined && { last_used_at }),
        ...(disabled_at !== undefined && { disabled_at }),
        ...(environment && { environment }),
        ...(partner_account_id !== undefined && { account: partner_account_id }),
        ...(username !== undefined && { username }),
      });
    }
  }

  /** The caller by the header `Authorization`, whose key counts as used now; `undefined` for credentials that are not valid here. */
  callerOf(header: string | undefined, environment: Environment): Caller | undefined {
    const { keyEncodings } = this.#settings.current;
    const sent = keysIn(header).filter(({ encoding }) => keyEncodings.includes(encoding));
    const known = sent.flatMap(({ username, key }) => {
      const found = this.#keys.get(this.#idOf.get(key) ?? '');
      return found ? [{ username, found }] : [];
    });
    const valid = known.find(({ username, found }) => this.#isValid(found, username, environment))?.found;
    if (valid) {
      this.#keys.put(valid.credential_id, { ...valid, last_used_at: this.#clock() });
      const { account } = valid;
      return { environment, ...(account !== undefined && { partnerAccountId: account }) };
    }
    const isAccepted =
      this.#acceptsAny &&
      sent.length > 0 &&
      known.length === 0 &&
      sent.every(({ key }) => (environmentOfKey(key) ?? environment) === environment);
    return isAccepted ? { environment } : undefined;
  }

  /** Creates a key for the caller's account. */
  create({ environment, partnerAccountId: account }: Caller, description: string | undefined): ApiKey {
    const created: ApiKey = {
      credential_id: `${idPrefix}${randomUUID()}`,
      secret: `klarna_${environment}_api_${randomBytes(32).toString('base64url')}`,
      created_at: this.#clock(),
      environment,
      ...(description !== undefined && { description }),
      ...(account !== undefined && { account }),
    };
    this.#keys.put(created.credential_id, created);
    this.#idOf.set(created.secret, created.credential_id);
    return created;
  }

  /** The keys of the caller's account, also those that are disabled. */
  ofAccount(caller: Caller): readonly ApiKey[] {
    return this.#keys.all().filter((key) => isManagedBy(key, caller));
  }

  /** Disables the key for good. */
  disable(key: ApiKey): void {
    this.#keys.put(key.credential_id, { ...key, disabled_at: this.#clock() });
  }

  /** Whether calls with the key are refused: a call has disabled it, or it was not used for two months. */
  isDisabled({ disabled_at, last_used_at, created_at }: ApiKey): boolean {
    return disabled_at !== undefined || plusMillis(last_used_at ?? created_at, idleMillis) < this.#clock();
  }

  #isValid(key: ApiKey, username: string, environment: Environment): boolean {
    return (
      (key.environment ?? environment) === environment &&
      (username === '' || key.username === undefined || key.username === username) &&
      !this.isDisabled(key)
    );
  }
}
