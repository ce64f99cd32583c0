import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Klarna's webhook signature: lower-case hex of HMAC-SHA256 over the raw bytes of the body. The key is the UTF-8 text
 * of the signing key, unchanged (https://docs.klarna.com, Webhooks). Simulators and tests use the signer of this
 * module.
 */

/** Header names as a Function URL passes them on. */
export const signatureHeader = 'klarna-signature';
/** The header that names the signing key. */
export const signingKeyIdHeader = 'klarna-signing-key-id';

/** Checked before decoding, because hex decoding stops silently at the first invalid character. */
export const signaturePattern = /^[0-9a-f]{64}$/;

/** One visible word without a comma. A repeated header arrives joined by a comma. */
export const signingKeyIdPattern = /^[!-+\--~]{1,200}$/;

/** Returns the signature of a body. Throws on an empty key, which HMAC would accept silently. */
export function sign(body: Uint8Array, key: string): string {
  if (key === '') throw new Error('The signing key is empty; allowed: the secret that Klarna showed once.');
  return createHmac('sha256', key).update(body).digest('hex');
}

/** Whether the signature belongs to exactly these bytes. Takes the same time wherever the two differ. */
export function verify(body: Uint8Array, key: string, signature: string): boolean {
  if (!signaturePattern.test(signature)) return false;
  return timingSafeEqual(Buffer.from(sign(body, key), 'hex'), Buffer.from(signature, 'hex'));
}
