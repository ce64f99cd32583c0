/** A webhook of Klarna as it arrived, and the key to check it with. */
export interface SignedDelivery {
  /** The raw bytes of the body, before anything parses them. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The header `Klarna-Signature`. */
  readonly signature: string | null | undefined;
  /** The signing key that the header `Klarna-Signing-Key-Id` names, as Klarna showed it: not decoded. */
  readonly signingKey: string;
}

/** Checked before decoding: one signature, lower-case hex. A header that is sent twice arrives joined by a comma. */
const signaturePattern = /^[0-9a-f]{64}$/;

/**
 * Whether a webhook is from Klarna: HMAC-SHA256 over its bytes, compared in constant time. For a shop that has a webhook of its own.
 *
 * @throws {TypeError} for an empty signing key, because anyone can sign with it
 */
export async function verifyKlarnaSignature({
  body,
  signature,
  signingKey,
}: SignedDelivery): Promise<boolean> {
  if (signingKey === '')
    throw new TypeError('signingKey is empty; allowed: the secret that Klarna showed once.');
  if (typeof signature !== 'string' || !signaturePattern.test(signature)) return false;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const secret = new TextEncoder().encode(signingKey);
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify']);
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.verify('HMAC', key, bytes, body);
}
