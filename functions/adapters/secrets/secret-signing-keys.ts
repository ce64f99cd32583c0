import * as v from 'valibot';
import type { SigningKey, SigningKeys } from '../../application/ports.ts';
import { parseAccount } from '../../domain/identifiers.ts';
import { type CachedSecret, parsedOnce } from './cached-secret.ts';

const text = v.pipe(v.string(), v.minLength(1));

/** One entry of the secret `signing-keys`. An empty key would verify what anybody can sign: it is malformed. */
const signingKeySchema = v.object({
  key: text,
  recipient_account_id: v.optional(text),
  webhook_id: v.optional(text),
  live: v.optional(v.boolean()),
  accounts: v.record(text, text),
});

/** The keys of the secret `signing-keys`, several of them live at once. */
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

  /** Reads the secret, and every key in it that is well formed, so that the next find has nothing left to do. */
  async read(): Promise<void> {
    const names = await this.#secret.names();
    await Promise.allSettled(names.map((name) => this.find(name)));
  }
}

function parseSigningKey(signingKeyId: string, entry: unknown): SigningKey {
  const parsed = v.safeParse(signingKeySchema, entry);
  if (!parsed.success) {
    const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'entry').join(', ');
    throw new Error(`The secret signing-keys has a malformed entry for ${signingKeyId}: ${fields}.`);
  }
  const { key, recipient_account_id, webhook_id, live, accounts } = parsed.output;
  const subjects = Object.entries(accounts).map(([subject, name]) => {
    const account = parseAccount(name);
    if (!account) throw new Error(`The secret signing-keys maps ${subject} to no account name.`);
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
