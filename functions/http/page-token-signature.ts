import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PageTokenKeys } from '../application/ports.ts';
import { readJson } from '../contract/read-json.ts';
import { claimsOf, type PageToken, parseClaims } from '../domain/page-token.ts';

/**
 * A page token is `v1.<claims>.<signature>`: the claims in base64url, and the HMAC-SHA256 of all before the last dot. It is signed and
 * not encrypted.
 */

/** Characters of the longest token: a session id of 255 characters has at most 1020 bytes. */
export const longestPageToken = 2_048;

/** Also a token whose parts are not whole bytes is refused later: its signature, as text, is another one. */
const pattern = /^(v1\.[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;

/** No signature for another purpose has this before what is signed, should a key ever be shared. */
const purpose = 'lapse page token\n';

/** Whether a text has the form of a page token, with any signature. */
export const isPageToken = (text: string): boolean => text.length <= longestPageToken && pattern.test(text);

/** The token, signed. Throws on an empty key, which HMAC would accept silently. */
export function signPageToken(token: PageToken, key: string): string {
  const signed = `v1.${Buffer.from(claimsOf(token)).toString('base64url')}`;
  return `${signed}.${signatureOf(signed, key)}`;
}

/**
 * What a token says, if one of the keys has signed it; else `undefined`. Reads nothing of it before. Takes the same time wherever the
 * signatures differ, and whichever key fits.
 */
export function openPageToken(text: string, keys: PageTokenKeys): PageToken | undefined {
  const match = text.length <= longestPageToken ? pattern.exec(text) : null;
  if (!match) return undefined;
  const [, signed = '', signature = ''] = match;
  const given = Buffer.from(signature);
  // Compared as text: several texts decode to the same bytes.
  const fits = keys.map((key) => timingSafeEqual(Buffer.from(signatureOf(signed, key)), given));
  if (!fits.includes(true)) return undefined;
  return parseClaims(readJson(Buffer.from(signed.slice('v1.'.length), 'base64url')));
}

function signatureOf(signed: string, key: string): string {
  if (key === '') throw new Error('The key of page tokens is empty; allowed: a random text.');
  return createHmac('sha256', key).update(purpose).update(signed).digest('base64url');
}
