import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  sign,
  signatureHeader,
  signaturePattern,
  signingKeyIdHeader,
  signingKeyIdPattern,
  verify,
} from '../../../functions/webhook/klarna-signature.ts';
import vector from '../../vectors/klarna-signature.json' with { type: 'json' };

const { key, signature } = vector;
const body = Buffer.from(vector.body, 'utf8');

const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
};
const hmac = (algorithm: string, secret: string | Buffer, bytes = body): string =>
  createHmac(algorithm, secret).update(bytes).digest('hex');

describe('the test vector of Klarna signatures', () => {
  it('the test vector is signed and verified', () => {
    expect(sign(body, key)).toBe(signature);
    expect(verify(body, key, signature)).toBe(true);
  });

  it('a signature is verified on any view of the same bytes', () => {
    const padded = Buffer.concat([Buffer.from('--'), body, Buffer.from('--')]);
    expect(verify(padded.subarray(2, -2), key, signature)).toBe(true);
    expect(verify(new Uint8Array(body), key, signature)).toBe(true);
  });

  it('the headers are klarna-signature and klarna-signing-key-id', () => {
    expect([signatureHeader, signingKeyIdHeader]).toEqual(['klarna-signature', 'klarna-signing-key-id']);
  });
});

describe('verify, for a wrong signature', () => {
  it.each([
    ['empty', ''],
    ['in upper case', signature.toUpperCase()],
    ['in upper case in one place', signature.replace('f', 'F')],
    ['base64', Buffer.from(signature, 'hex').toString('base64')],
    ['base64url', Buffer.from(signature, 'hex').toString('base64url')],
    ['truncated by one', signature.slice(0, -1)],
    ['truncated by a byte', signature.slice(0, -2)],
    ['half of it', signature.slice(0, 32)],
    ['longer by one', `${signature}0`],
    ['longer by a byte', `${signature}00`],
    ['padded in front', ` ${signature}`],
    ['padded behind', `${signature} `],
    ['with a line feed behind', `${signature}\n`],
    ['with a prefix', `sha256=${signature}`],
    ['with 0x', `0x${signature}`],
    ['doubled, joined by a comma', `${signature},${signature}`],
    ['doubled, joined by a comma and a space', `${signature}, ${signature}`],
    ['a good one after a bad one', `${'0'.repeat(64)},${signature}`],
    ['no hex in one place', `g${signature.slice(1)}`],
    ['no hex from the middle on, which decoding would cut off', `${signature.slice(0, 32)}${'z'.repeat(32)}`],
    ['in full-width digits', signature.replaceAll('1', '１')],
    ['all zeros', '0'.repeat(64)],
    ['other in its first digit', `2${signature.slice(1)}`],
    ['other in its last digit', `${signature.slice(0, -1)}9`],
    ['of another body', hmac('sha256', key, Buffer.from('{}'))],
    ['of no body', hmac('sha256', key, Buffer.alloc(0))],
    ['of another key', hmac('sha256', `${key}!`)],
    ['of no key', hmac('sha256', '')],
    ['of the key decoded as base64', hmac('sha256', Buffer.from(key, 'base64'))],
    ['of the key decoded as hex', hmac('sha256', Buffer.from(key, 'hex'))],
    ['of the key with a line feed', hmac('sha256', `${key}\n`)],
    ['another hash, cut to length', hmac('sha512', key).slice(0, 64)],
    ['the hash without a key', createHmac('sha256', body).digest('hex')],
  ])('a signature that is wrong is refused: %s', (_, wrong) => {
    expect(verify(body, key, wrong)).toBe(false);
  });
});

describe('verify, for a changed body', () => {
  const text = vector.body;
  it.each([
    ['serialised again, with spaces', JSON.stringify(JSON.parse(text), null, 1)],
    ['serialised again, in another order', JSON.stringify(reversed(JSON.parse(text) as object))],
    ['with a line feed behind', `${text}\n`],
    ['with a byte order mark', `\uFEFF${text}`],
    ['in base64', body.toString('base64')],
    ['as text in quotes', JSON.stringify(text)],
    ['in UTF-16', Buffer.from(text, 'utf16le').toString('latin1')],
    ['with an escape for a character', text.replace('CANCELED', '\\u0043ANCELED')],
    ['cut off', text.slice(0, -1)],
    ['empty', ''],
  ])('a body that was changed is refused: %s', (_, other) => {
    expect(verify(Buffer.from(other, 'utf8'), key, signature)).toBe(false);
  });

  it('a body with one flipped bit is refused', () => {
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      expect(verify(flipped(body, bit), key, signature)).toBe(false);
    }
  });

  it('a signature covers the raw bytes, even if they are not UTF-8', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    expect(verify(bytes, key, hmac('sha256', key, bytes))).toBe(true);
    const roundTripped = Buffer.from(bytes.toString('utf8'), 'utf8');
    expect(verify(roundTripped, key, hmac('sha256', key, bytes))).toBe(false);
  });
});

describe('verify, for random changes', () => {
  const digits = Array.from('0123456789abcdefABCDEF ,\n');
  const latin1 = fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

  it('a changed signature is never accepted', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 130 }), latin1), (other) => {
        fc.pre(other !== signature);
        expect(verify(body, key, other)).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.nat(63), fc.constantFrom(...digits), (place, digit) => {
        const other = signature.slice(0, place) + digit + signature.slice(place + 1);
        expect(verify(body, key, other)).toBe(other === signature);
      }),
    );
  });

  it('a changed body or key is never accepted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ minLength: 1 }), (bytes, secret) => {
        const signed = sign(bytes, secret);
        expect(verify(bytes, secret, signed)).toBe(true);
        expect(verify(Buffer.concat([bytes, Buffer.from([0])]), secret, signed)).toBe(false);
        expect(verify(bytes, `${secret}x`, signed)).toBe(false);
        if (bytes.length > 0) expect(verify(bytes.subarray(1), secret, signed)).toBe(false);
      }),
    );
  });
});

it('sign and verify throw for an empty key', () => {
  expect(() => sign(body, '')).toThrow('The signing key is empty');
  expect(() => verify(body, '', hmac('sha256', ''))).toThrow('The signing key is empty');
});

describe('the patterns of the headers', () => {
  it('the header patterns accept what Klarna sends', () => {
    expect(signature).toMatch(signaturePattern);
    for (const id of [
      '120e5b7e-abcd-4def-8a90-4a5a0f14cdd3',
      'krn:partner:global:notification:signing-key:120e5b7e',
    ]) {
      expect(id).toMatch(signingKeyIdPattern);
    }
  });

  it.each([
    ['nothing', ''],
    ['two, joined by a comma', 'a,b'],
    ['two, joined by a comma and a space', 'a, b'],
    ['a space', 'a b'],
    ['a line feed', 'a\n'],
    ['a zero byte', 'a\0'],
    ['a letter that is not ASCII', 'ä'],
    ['201 characters', 'a'.repeat(201)],
  ])('the header pattern refuses a key id that is %s', (_, id) => {
    expect(id).not.toMatch(signingKeyIdPattern);
  });
});

/** The same object with the members of every level in reverse. */
function reversed(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]: [string, unknown]) => [
        name,
        typeof member === 'object' && member !== null ? reversed(member) : member,
      ]),
  );
}
