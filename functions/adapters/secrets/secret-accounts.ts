import * as v from 'valibot';
import type { Accounts } from '../../application/ports.ts';
import type { AccountSettings } from '../../domain/account-settings.ts';
import { type Account, parseAccount } from '../../domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../domain/payment-request.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';
import { checkIdentity, krn, klarnaFields, parseEntry, partiesOf } from './secret-fields.ts';
import { policiesOf, policyFields } from './secret-policies.ts';

/** One entry of the secret `accounts`. docs/reference/configuration.md explains each setting. */
const accountSchema = v.pipe(
  v.strictObject({
    ...klarnaFields,
    partner_account_id: v.optional(krn),
    ...policyFields,
  }),
  checkIdentity(),
);

/** The accounts of the secret `accounts`. A malformed entry affects its own account only. */
export class SecretAccounts implements Accounts {
  readonly #secret: CachedSecret;
  readonly #parsed: (account: string, entry: unknown) => AccountSettings;
  readonly #firstOfKey = new WeakMap<object, ReadonlyMap<unknown, string>>();

  /** @param maxSession milliseconds; the longest session that any account may allow. */
  constructor(secret: CachedSecret, maxSession: number = klarnaLongestLifetime) {
    this.#secret = secret;
    this.#parsed = parsedOnce((account, entry) =>
      parseAccountSettings(account as Account, maxSession, entry),
    );
  }

  /** Returns the first accounts that are well formed, at most this many. */
  async some(most: number): Promise<readonly AccountSettings[]> {
    const names = (await this.#secret.names())
      .map((name) => parseAccount(name))
      .filter((name) => name !== undefined);
    const found = await Promise.allSettled(names.slice(0, most).map((name) => this.find(name)));
    return found
      .map((result) => (result.status === 'fulfilled' ? result.value : undefined))
      .filter((settings) => settings !== undefined);
  }

  async find(account: Account): Promise<AccountSettings | undefined> {
    const entry = await this.#secret.entry(account);
    if (entry === undefined) return undefined;
    const settings = this.#parsed(account, entry);
    const { klarna } = settings;
    return {
      ...settings,
      klarna: { ...klarna, credential: await this.#credentialOf(account, klarna.apiKey) },
    };
  }

  /** The first account with the same API key: calls for all of them share Klarna's rate limit. */
  async #credentialOf(account: Account, apiKey: string): Promise<string> {
    const value = await this.#secret.value();
    const first = this.#firstOfKey.get(value) ?? firstOfEachKey(value);
    this.#firstOfKey.set(value, first);
    return first.get(apiKey) ?? account;
  }
}

function firstOfEachKey(value: Readonly<Record<string, unknown>>): ReadonlyMap<unknown, string> {
  const first = new Map<unknown, string>();
  for (const [name, entry] of Object.entries(value)) {
    const key = typeof entry === 'object' && entry !== null && 'api_key' in entry ? entry.api_key : undefined;
    if (!first.has(key)) first.set(key, name);
  }
  return first;
}

function parseAccountSettings(account: Account, maxSession: number, entry: unknown): AccountSettings {
  const settings = parseEntry(accountSchema, `The secret accounts, entry ${account}`, entry);
  return {
    account,
    ...policiesOf(settings, maxSession),
    klarna: {
      credential: account,
      rateShare: settings.rate_share,
      environment: settings.environment,
      apiKey: settings.api_key,
      username: settings.username,
      partnerAccountId: settings.partner_account_id,
      clientCertificate: settings.client_certificate,
      clientKey: settings.client_key,
      ...partiesOf(settings),
    },
  };
}
