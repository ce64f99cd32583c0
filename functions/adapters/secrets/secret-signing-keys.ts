import * as v from 'valibot';
import type { SigningKeys } from '../../application/ports.ts';
import type { SigningKey } from '../../domain/signing-key.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import { parseAccount } from '../../domain/identifiers.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';
import { parseEntry, text } from './secret-fields.ts';

/** One entry of the secret `signing-keys`. An empty key is malformed, because anyone could sign with it. */
const signingKeySchema = v.strictObject({
  key: text,
  recipient_account_id: v.optional(text),
  webhook_id: v.optional(text),
  live: v.optional(v.boolean('must be true or false')),
  accounts: v.record(text, text, 'must be an object from account ids of Klarna to account names'),
});

/** The keys of the secret `signing-keys`. Several are valid during a rotation. */
export class SecretSigningKeys implements SigningKeys {
  readonly #secret: CachedSecret;
  readonly #parsed = parsedOnce(parseSigningKey);

  constructor(secret: CachedSecret) {
    this.#secret = secret;
  }

  async find(signingKeyId: string): Promise<SigningKey | undefined> {
    const entry = await this.#secret.entry(signingKeyId);
    return entry === undefined ? undefined : this.#parsed(signingKeyId, entry);
  }

  /** Reads the secret and parses each well-formed key before the first `find`. */
  async read(): Promise<void> {
    const names = await this.#secret.names();
    await Promise.allSettled(names.map((name) => this.find(name)));
  }
}

function parseSigningKey(signingKeyId: string, entry: unknown): SigningKey {
  const secret = `The secret signing-keys, entry ${signingKeyId}`;
  const { key, recipient_account_id, webhook_id, live, accounts } = parseEntry(
    signingKeySchema,
    secret,
    entry,
  );
  const subjects = Object.entries(accounts).map(([subject, name]) => {
    const account = parseAccount(name);
    if (!account) throw new ConfigurationError(`${secret}: accounts maps ${subject} to no account name.`);
    return [subject, account] as const;
  });
  return {
    id: signingKeyId,
    key,
    recipientAccountId: recipient_account_id,
    webhookId: webhook_id,
    live,
    accounts: new Map(subjects),
  };
}
