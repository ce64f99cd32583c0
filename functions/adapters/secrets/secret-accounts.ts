import * as v from 'valibot';
import type { Accounts, AccountSettings } from '../../application/ports.ts';
import { durationFormat, parseDuration } from '../../domain/duration.ts';
import { type Account, parseAccount } from '../../domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../domain/payment-request.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';

const text = v.pipe(v.string(), v.minLength(1));

const duration = v.pipe(
  v.string(),
  v.check((given) => parseDuration(given) !== undefined, durationFormat),
  v.transform((given) => parseDuration(given) ?? 0),
);

/** One entry of the secret `accounts`; design and README have the list of what each setting does. */
const accountSchema = v.object({
  environment: v.picklist(['test', 'live']),
  api_key: text,
  // An empty one stands for base64 of `:<key>`, which some of Klarna's samples send.
  username: v.optional(v.string()),
  partner_account_id: v.optional(text),
  default_session_timeout: v.optional(duration),
  arm_on_submitted: v.optional(v.boolean(), false),
  cancel_completed: v.optional(v.boolean(), false),
  in_progress_grace: v.optional(
    v.pipe(duration, v.maxValue(klarnaLongestLifetime, "at most PT48H, Klarna's longest lifetime")),
  ),
  max_extensions: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 10),
  max_session: v.optional(
    v.pipe(duration, v.maxValue(klarnaLongestLifetime, "at most PT48H, Klarna's longest lifetime")),
    'PT48H',
  ),
  sync_klarna_expiry: v.optional(v.boolean(), false),
  client_certificate: v.optional(text),
  client_key: v.optional(text),
});

/** The accounts of the secret `accounts`. An entry that is malformed harms nobody but its own account. */
export class SecretAccounts implements Accounts {
  readonly #secret: CachedSecret;
  readonly #parsed: (account: string, entry: unknown) => AccountSettings;

  /** @param maxSession milliseconds; no account may set a deadline farther away. */
  constructor(secret: CachedSecret, maxSession: number = klarnaLongestLifetime) {
    this.#secret = secret;
    this.#parsed = parsedOnce((account, entry) =>
      parseAccountSettings(account as Account, maxSession, entry),
    );
  }

  /** Every account that is well formed. */
  async all(): Promise<readonly AccountSettings[]> {
    const names = (await this.#secret.names())
      .map((name) => parseAccount(name))
      .filter((name) => name !== undefined);
    const found = await Promise.allSettled(names.map((name) => this.find(name)));
    return found
      .map((result) => (result.status === 'fulfilled' ? result.value : undefined))
      .filter((settings) => settings !== undefined);
  }

  async find(account: Account): Promise<AccountSettings | undefined> {
    const entry = await this.#secret.entry(account);
    return entry === undefined ? undefined : this.#parsed(account, entry);
  }
}

function parseAccountSettings(account: Account, maxSession: number, entry: unknown): AccountSettings {
  const parsed = v.safeParse(accountSchema, entry);
  if (!parsed.success) {
    const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'entry').join(', ');
    throw new Error(`The secret accounts has a malformed entry for ${account}: ${fields}.`);
  }
  const settings = parsed.output;
  return {
    account,
    defaultSessionTimeout: settings.default_session_timeout,
    armOnSubmitted: settings.arm_on_submitted,
    cancelCompleted: settings.cancel_completed,
    inProgressGrace: settings.in_progress_grace,
    maxExtensions: settings.max_extensions,
    maxSession: Math.min(settings.max_session, maxSession),
    syncKlarnaExpiry: settings.sync_klarna_expiry,
    klarna: {
      environment: settings.environment,
      apiKey: settings.api_key,
      username: settings.username,
      partnerAccountId: settings.partner_account_id,
      clientCertificate: settings.client_certificate,
      clientKey: settings.client_key,
    },
  };
}
