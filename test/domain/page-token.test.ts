import { describe, expect, it } from 'vitest';
import type { Account, SessionId } from '../../functions/domain/identifiers.ts';
import { claimsOf, isExpired, type PageToken, parseClaims } from '../../functions/domain/page-token.ts';
import { at } from '../support/fixtures.ts';

const token: PageToken = {
  account: 'shop-se' as Account,
  sessionId: 'cart "17" å 👩‍👧' as SessionId,
  expiresAt: at('2026-03-01T12:30:00.123Z'),
};
const written: unknown = JSON.parse(claimsOf(token));

describe('the claims of a page token', () => {
  it('the claims name the account, the session and the time, and are read back unchanged', () => {
    expect(written).toEqual(['shop-se', token.sessionId, '2026-03-01T12:30:00.123Z']);
    expect(parseClaims(written)).toEqual(token);
  });

  it.each<[string, unknown]>([
    ['no array', { 0: 'shop-se', 1: 'cart', 2: '2026-03-01T12:30:00Z', length: 3 }],
    ['a missing claim', ['shop-se', 'cart']],
    ['one claim more', ['shop-se', 'cart', '2026-03-01T12:30:00Z', 'more']],
    ['no account', ['Shop SE', 'cart', '2026-03-01T12:30:00Z']],
    ['no session', ['shop-se', 'cart/17', '2026-03-01T12:30:00Z']],
    ['no time', ['shop-se', 'cart', 'tomorrow']],
    ['a number for a time', ['shop-se', 'cart', 1_772_366_400]],
    ['nothing', undefined],
  ])('claims with %s are not read', (_, claims) => {
    expect(parseClaims(claims)).toBeUndefined();
  });

  it('a token has expired from its time on, and not a millisecond before', () => {
    expect(isExpired(token, at('2026-03-01T12:30:00.122Z'))).toBe(false);
    expect(isExpired(token, token.expiresAt)).toBe(true);
    expect(isExpired(token, at('2026-03-01T12:30:00.124Z'))).toBe(true);
  });
});
