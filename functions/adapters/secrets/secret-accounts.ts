import * as v from 'valibot';
import type { Accounts } from '../../application/ports.ts';
import type { AccountSettings } from '../../domain/account-settings.ts';
import { durationFormat, parseDuration } from '../../domain/duration.ts';
import { type Account, parseAccount } from '../../domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../domain/payment-request.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';
import {
  basicUsername,
  headerText,
  identityViolation,
  krn,
  parseEntry,
  pemCertificate,
  pemKey,
} from './secret-fields.ts';

const duration = v.pipe(
  v.string('must be a text'),
  v.check((given) => parseDuration(given) !== undefined, `must be ${durationFormat}`),
  v.transform((given) => parseDuration(given) ?? 0),
);

const wholeNumberFormat = 'must be a whole number from 0';

const wholeNumber = v.pipe(
  v.number(wholeNumberFormat),
  v.integer(wholeNumberFormat),
  v.minValue(0, wholeNumberFormat),
);

const flag = v.optional(v.boolean('must be true or false'), false);

const session = v.pipe(
  duration,
  v.maxValue(klarnaLongestLifetime, "must be at most PT48H, Klarna's longest lifetime"),
);

/** One entry of the secret `accounts`. docs/reference/configuration.md explains each setting. */
const accountFields = v.strictObject({
  environment: v.picklist(['test', 'live'], 'must be test or live'),
  api_key: headerText,
  // An empty user name makes base64 of `:<key>`, which some of Klarna's samples send.
  username: v.optional(basicUsername),
  partner_account_id: v.optional(krn),
  default_session_timeout: v.optional(duration),
  arm_on_submitted: flag,
  cancel_completed: flag,
  in_progress_grace: v.optional(session),
  max_extensions: v.optional(wholeNumber, 10),
  max_session: v.optional(session, 'PT48H'),
  sync_klarna_expiry: flag,
  client_certificate: v.optional(pemCertificate),
  client_key: v.optional(pemKey),
});

/** An entry whose certificate and key belong together, if it has them. */
const accountSchema = v.pipe(
  accountFields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { client_certificate: certificate, client_key: key } = dataset.value;
    const message = identityViolation(certificate, key);
    if (message !== undefined) addIssue({ message });
  }),
);

/** The accounts of the secret `accounts`. A malformed entry affects its own account only. */
export class SecretAccounts implements Accounts {
  readonly #secret: CachedSecret;
  readonly #parsed: (account: string, entry: unknown) => AccountSettings;

  /** @param maxSession milliseconds; the longest session that any account may allow. */
  constructor(secret: CachedSecret, maxSession: number = klarnaLongestLifetime) {
    this.#secret = secret;
    this.#parsed = parsedOnce((account, entry) =>
      parseAccountSettings(account as Account, maxSession, entry),
    );
  }

  /** Returns every account that is well formed. */
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
  const settings = parseEntry(accountSchema, `The secret accounts, entry ${account}`, entry);
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
