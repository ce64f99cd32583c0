import * as v from 'valibot';
import type { PageKeys, PageTokenKeys } from '../../application/ports.ts';
import type { CachedSecret, Entries } from './cached-secret.ts';
import { parseEntry, text, time } from './secret-fields.ts';

/** A key that could be guessed would let anyone read any session. The stack makes keys of 64 letters and digits. */
const key = v.pipe(text, v.minLength(32, 'must have at least 32 characters'));

/** The secret `page-keys`, which the stack fills and `lapse page-keys rotate` changes. */
const pageKeysSchema = v.strictObject({
  /** Signs new tokens. */
  current: key,
  /** Signed them before the last rotation. */
  previous: v.optional(key),
  // A note of `lapse page-keys rotate`, which the functions do not use.
  rotated_at: v.optional(time),
});

/** The secret `page-keys`, as it is written. */
export type PageKeysEntry = v.InferInput<typeof pageKeysSchema>;

/** The secret, or a `ConfigurationError` that names what is wrong with it, without a value. */
export const parsePageKeys = (entries: Entries): PageKeysEntry =>
  parseEntry(pageKeysSchema, 'The secret page-keys', entries);

/**
 * Seconds between two reads for a token of an unknown key. A forged token causes such a read too, so a token of a new key waits for this
 * time at most. The cost of a flood is bounded: 720 reads an hour for each process.
 */
export const pageKeyRefreshSeconds = 5;

/** The keys of the secret `page-keys`. */
export class SecretPageKeys implements PageKeys {
  readonly #secret: CachedSecret;

  constructor(secret: CachedSecret) {
    this.#secret = secret;
  }

  async known(): Promise<PageTokenKeys> {
    return keysOf(await this.#secret.value());
  }

  async refreshed(): Promise<PageTokenKeys | undefined> {
    const entries = await this.#secret.refreshed();
    return entries && keysOf(entries);
  }
}

function keysOf(entries: Entries): PageTokenKeys {
  const { current, previous } = parsePageKeys(entries);
  return previous === undefined ? [current] : [current, previous];
}
