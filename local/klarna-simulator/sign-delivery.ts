import { createHmac } from 'node:crypto';

/**
 * The `Klarna-Signature` of a delivery: lower-case hex of HMAC-SHA256 over the raw bytes of the body. The key is the
 * UTF-8 bytes of the signing key as it is. This code is on purpose not the code that verifies it, so the two cannot
 * share a mistake.
 */
export const signDelivery = (rawBody: Uint8Array | string, key: string): string =>
  createHmac('sha256', Buffer.from(key, 'utf8')).update(rawBody).digest('hex');
