import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Account, SessionId } from '../../../functions/domain/identifiers.ts';
import type { PageToken } from '../../../functions/domain/page-token.ts';
import {
  isPageToken,
  longestPageToken,
  openPageToken,
  signPageToken,
} from '../../../functions/http/page-token-signature.ts';
import { at } from '../../support/fixtures.ts';

const current = 'c'.repeat(64);
const previous = 'p'.repeat(64);
const token: PageToken = {
  account: 'shop-se' as Account,
  sessionId: 'cart-17' as SessionId,
  expiresAt: at('2026-03-01T12:30:00Z'),
};
const signed = signPageToken(token, current);
const [version = '', claims = '', signature = ''] = signed.split('.');

const encoded = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url');

describe('a page token', () => {
  it('a token that the current key signed says what was signed', () => {
    expect(openPageToken(signed, [current])).toEqual(token);
    expect(openPageToken(signed, [current, previous])).toEqual(token);
  });

  it('a token that the previous key signed is valid until that key is removed', () => {
    const before = signPageToken(token, previous);
    expect(openPageToken(before, [current, previous])).toEqual(token);
    expect(openPageToken(before, [current])).toBeUndefined();
  });

  it('no bit of a token can be changed', () => {
    const bytes = Buffer.from(signed);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const forged = Buffer.from(bytes);
      const byte = Math.floor(bit / 8);
      forged.writeUInt8(bytes.readUInt8(byte) ^ (1 << (bit % 8)), byte);
      expect(openPageToken(forged.toString('latin1'), [current, previous]), `bit ${bit}`).toBeUndefined();
    }
  });

  it('no character of a signature can be replaced, also where it decodes to the same bytes', () => {
    const characters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
    const others = characters.filter((character) => character !== signature.at(-1));
    for (const last of others) {
      expect(
        openPageToken(`${version}.${claims}.${signature.slice(0, -1)}${last}`, [current]),
      ).toBeUndefined();
    }
  });

  it.each<[string, string]>([
    ['another account', `v1.${encoded(['shop-no', 'cart-17', '2026-03-01T12:30:00Z'])}.${signature}`],
    ['another session', `v1.${encoded(['shop-se', 'cart-18', '2026-03-01T12:30:00Z'])}.${signature}`],
    ['a later end', `v1.${encoded(['shop-se', 'cart-17', '2026-03-02T12:30:00Z'])}.${signature}`],
    ['another version', `v2.${claims}.${signature}`],
    ['no version', `${claims}.${signature}`],
    ['no signature', `v1.${claims}.`],
    ['only the claims', `v1.${claims}`],
    ['a signature in hex', `v1.${claims}.${Buffer.from(signature, 'base64url').toString('hex')}`],
    ['the signature twice', `${signed}.${signature}`],
    ['padding', `${signed}=`],
    ['a space at the end', `${signed} `],
    ['a line end', `${signed}\n`],
    ['its first half', signed.slice(0, signed.length / 2)],
    ['one character less', signed.slice(0, -1)],
    ['nothing', ''],
  ])('a token with %s is refused', (_, forged) => {
    expect(openPageToken(forged, [current, previous])).toBeUndefined();
  });

  it('a signature of the same key for another purpose does not make a page token', () => {
    const other = createHmac('sha256', current).update(`v1.${claims}`).digest('base64url');
    expect(openPageToken(`v1.${claims}.${other}`, [current])).toBeUndefined();
  });

  it('what the key signed and is not a page token is refused', () => {
    const body = `v1.${encoded({ account: 'shop-se' })}`;
    const own = createHmac('sha256', current).update('lapse page token\n').update(body).digest('base64url');
    expect(openPageToken(`${body}.${own}`, [current])).toBeUndefined();
    const noJson = `v1.${Buffer.from('{').toString('base64url')}`;
    const its = createHmac('sha256', current).update('lapse page token\n').update(noJson).digest('base64url');
    expect(openPageToken(`${noJson}.${its}`, [current])).toBeUndefined();
  });

  it('the longest session id fits, and a longer text is refused unseen', () => {
    const sessionId = '👛'.repeat(255) as SessionId;
    const longest = signPageToken({ ...token, account: 'a'.repeat(32) as Account, sessionId }, current);
    expect(longest.length).toBeLessThanOrEqual(longestPageToken);
    expect(openPageToken(longest, [current])?.sessionId).toBe(sessionId);
    const body = `v1.${encoded(['shop-se', 'cart-17', '2026-03-01T12:30:00Z', 'x'.repeat(2_000)])}`;
    const own = createHmac('sha256', current).update('lapse page token\n').update(body).digest('base64url');
    expect(isPageToken(`${body}.${own}`)).toBe(false);
  });

  it('an empty key signs nothing', () => {
    expect(() => signPageToken(token, '')).toThrow(/^The key of page tokens is empty/);
  });
});
