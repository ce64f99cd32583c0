import { describe, expect, it } from 'vitest';
import { verifyKlarnaSignature } from '../../client/lapse-client.ts';
import { sign } from '../../functions/webhook/klarna-signature.ts';

const signingKey = 'klarna-signing-key-å';
const body = new Uint8Array([0x7b, 0xff, 0x00, 0x7d]);
const signature = sign(body, signingKey);

describe('verifyKlarnaSignature', () => {
  it('verifyKlarnaSignature accepts what Klarna signs, also bytes that are not UTF-8', async () => {
    expect(await verifyKlarnaSignature({ body, signature, signingKey })).toBe(true);
  });

  it.each([
    ['another key', { signingKey: 'another' }],
    ['another body', { body: new Uint8Array([0x7b, 0x7d]) }],
    ['no signature', { signature: undefined }],
    ['an empty signature', { signature: '' }],
    ['upper case', { signature: signature.toUpperCase() }],
    ['a signature that is cut', { signature: signature.slice(0, 62) }],
    ['two signatures', { signature: `${signature}, ${signature}` }],
    [
      'a signature with one other digit',
      { signature: `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}` },
    ],
  ])('verifyKlarnaSignature refuses %s', async (_, change) => {
    expect(await verifyKlarnaSignature({ body, signature, signingKey, ...change })).toBe(false);
  });

  it('verifyKlarnaSignature throws for an empty key', async () => {
    await expect(verifyKlarnaSignature({ body, signature, signingKey: '' })).rejects.toThrow(
      'signingKey is empty; allowed:',
    );
  });
});
