import * as v from 'valibot';
import type { Accounts } from '../../application/ports.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import type { AccountSettings } from '../../domain/account-settings.ts';
import { type Account, parseAccount } from '../../domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../domain/payment-request.ts';
import { armedStage, type StageSwitches } from '../../domain/timeout-switches.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';
import {
  certificateEndOf,
  checkIdentity,
  krn,
  klarnaFields,
  parseEntry,
  partiesOf,
  shown,
  violationsIn,
} from './secret-fields.ts';
import { checkPolicies, policiesOf, policyFields } from './secret-policies.ts';

/** One entry of the secret `accounts`. docs/reference/configuration.md explains each setting. */
const accountSchema = v.pipe(
  v.strictObject({
    ...klarnaFields,
    partner_account_id: v.optional(krn),
    ...policyFields,
  }),
  checkIdentity(),
  checkPolicies(),
);

/** A sentence for each entry of the secret that is wrong by itself. */
export const accountViolations = (entries: Readonly<Record<string, unknown>>): readonly string[] =>
  violationsIn(entries, (account, entry) =>
    parseEntry(accountSchema, `The secret accounts, entry ${account}`, entry),
  );

/** The accounts of the secret `accounts`. A malformed entry affects its own account only. */
export class SecretAccounts implements Accounts {
  readonly #secret: CachedSecret;
  readonly #parsed: (account: string, entry: unknown) => AccountSettings;
  readonly #firstOfKey = new WeakMap<object, ReadonlyMap<unknown, string>>();

  /**
   * @param maxSession milliseconds; the longest session that any account may allow.
   * @param stage what the stage decides about the ends of all sessions.
   */
  constructor(
    secret: CachedSecret,
    maxSession: number = klarnaLongestLifetime,
    stage: StageSwitches = armedStage,
  ) {
    this.#secret = secret;
    this.#parsed = parsedOnce((account, entry) =>
      parseAccountSettings(account as Account, { maxSession, stage }, entry),
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

  /** Returns every account that is well formed. */
  async all(): Promise<readonly AccountSettings[]> {
    return this.some(Number.POSITIVE_INFINITY);
  }

  /** A sentence for each entry that is wrong, whether a call needs it or not. */
  async violations(): Promise<readonly string[]> {
    return violationsIn(await this.#secret.value(), (name, entry) => {
      if (parseAccount(name) !== undefined) return this.#parsed(name, entry);
      throw new ConfigurationError(
        `The secret accounts, entry ${shown(name)}: the name of an account must be 1 to 32 lower-case letters, digits and hyphens.`,
      );
    });
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

/** What the stage decides for all its accounts. */
interface StageLimits {
  readonly maxSession: number;
  readonly stage: StageSwitches;
}

function parseAccountSettings(
  account: Account,
  { maxSession, stage }: StageLimits,
  entry: unknown,
): AccountSettings {
  const settings = parseEntry(accountSchema, `The secret accounts, entry ${account}`, entry);
  return {
    account,
    ...policiesOf(settings, maxSession, stage),
    klarna: {
      credential: account,
      rateShare: settings.rate_share,
      environment: settings.environment,
      apiKey: settings.api_key,
      username: settings.username,
      partnerAccountId: settings.partner_account_id,
      clientCertificate: settings.client_certificate,
      clientKey: settings.client_key,
      certificateExpiresAt: certificateEndOf(settings.client_certificate),
      ...partiesOf(settings),
    },
  };
}
