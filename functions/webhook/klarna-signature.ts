import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Klarna's webhook signature: lower-case hex of HMAC-SHA256 over the raw bytes of the body, keyed with the UTF-8 bytes of
 * the signing key as it is (https://docs.klarna.com, Webhooks). The signer is here too, for simulators and tests.
 */

/** Header names as a Function URL passes them on. */
export const signatureHeader = 'klarna-signature';
export const signingKeyIdHeader = 'klarna-signing-key-id';

/** Matched before it is decoded: hex decoding would stop silently at the first character that is none. */
export const signaturePattern = /^[0-9a-f]{64}$/;

/** One visible word without a comma: a doubled header arrives joined by one. */
export const signingKeyIdPattern = /^[!-+\--~]{1,200}$/;

/** The signature of a body. Throws on an empty key, which HMAC would take without a word. */
export function sign(body: Uint8Array, key: string): string {
  if (key === '') throw new Error('The signing key is empty; allowed: the secret that Klarna showed once.');
  return createHmac('sha256', key).update(body).digest('hex');
}

/** Whether the signature is that of exactly these bytes. Takes the same time wherever the two differ. */
export function verify(body: Uint8Array, key: string, signature: string): boolean {
  if (!signaturePattern.test(signature)) return false;
  return timingSafeEqual(Buffer.from(sign(body, key), 'hex'), Buffer.from(signature, 'hex'));
}
