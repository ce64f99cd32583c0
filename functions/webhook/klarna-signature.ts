import { createHmac, timingSafeEqual } from 'node:crypto';

/**
<<<<<<< HEAD
 * Klarna's webhook signature (https://docs.klarna.com, Webhooks): lower-case hex of HMAC-SHA256 over the raw bytes of the body.
 * The key is the UTF-8 bytes of the signing key, not decoded. The signer is here too, for simulators and tests.
=======
 * Klarna's webhook signature: lower-case hex of HMAC-SHA256 over the raw bytes of the body. The key is the UTF-8 text
 * of the signing key, unchanged (https://docs.klarna.com, Webhooks). Simulators and tests use the signer of this
 * module.
>>>>>>> main
 */

/** The header names, in lower case as a function URL sends them. */
export const signatureHeader = 'klarna-signature';
export const signingKeyIdHeader = 'klarna-signing-key-id';

<<<<<<< HEAD
/** A signature must match this before it is decoded, because hex decoding stops silently at the first other character. */
export const signaturePattern = /^[0-9a-f]{64}$/;

/** One printable word without a comma, because a repeated header arrives joined by a comma. */
export const signingKeyIdPattern = /^[!-+\--~]{1,200}$/;

/** The signature of a body. Throws on an empty key, which HMAC would accept. */
=======
/** Checked before decoding, because hex decoding stops silently at the first invalid character. */
export const signaturePattern = /^[0-9a-f]{64}$/;

/** One visible word without a comma. A repeated header arrives joined by a comma. */
export const signingKeyIdPattern = /^[!-+\--~]{1,200}$/;

/** Returns the signature of a body. Throws on an empty key, which HMAC would accept silently. */
>>>>>>> main
export function sign(body: Uint8Array, key: string): string {
  if (key === '') throw new Error('The signing key is empty; allowed: the secret that Klarna showed once.');
  return createHmac('sha256', key).update(body).digest('hex');
}

<<<<<<< HEAD
/** Whether the signature fits exactly these bytes. Takes the same time wherever the two differ. */
=======
/** Whether the signature belongs to exactly these bytes. Takes the same time wherever the two differ. */
>>>>>>> main
export function verify(body: Uint8Array, key: string, signature: string): boolean {
  if (!signaturePattern.test(signature)) return false;
  return timingSafeEqual(Buffer.from(sign(body, key), 'hex'), Buffer.from(signature, 'hex'));
}
