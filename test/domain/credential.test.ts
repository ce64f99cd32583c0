import { describe, expect, it } from 'vitest';
import { includesAccount, isAccountPattern } from '../../functions/domain/account-pattern.ts';
import {
  accountOfKrn,
  chooseCredential,
  type Credential,
  isSibling,
  krnOf,
  settingsOn,
} from '../../functions/domain/credential.ts';
import type { Account, CredentialName } from '../../functions/domain/identifiers.ts';
import { acquirer, credentialWith } from '../support/credentials.ts';
import { hour, minute } from '../support/sessions.ts';

const partner = 'm48jwzf8' as Account;

describe('a pattern of accounts', () => {
  it.each([
    ['m48jwzf8', true],
    ['m4*', true],
    ['*', true],
    ['m4', false],
    ['m48jwzf8x', false],
    ['m5*', false],
    ['*8', false],
    ['M4*', false],
    ['', false],
    ['m4**', false],
  ])('the pattern %j includes the account m48jwzf8: %s', (pattern, isIncluded) => {
    expect(includesAccount(pattern, partner)).toBe(isIncluded);
  });

  it.each(['*8', 'M4*', '', '**', 'a'.repeat(33), 'm4 *'])('%j is not a pattern', (text) => {
    expect(isAccountPattern(text)).toBe(false);
  });
});

describe('the name of an account at Klarna', () => {
  it('the name is the last segment in lower case, and leads back to the id', () => {
    const krn = 'krn:partner:global:account:test:M48JWZF8';
    expect(accountOfKrn(krn)).toBe(partner);
    expect(krnOf(partner, acquirer)).toBe(krn);
  });

  it.each([
    'krn:partner:global:account:test:m48jwzf8',
    'krn:partner:global:account:test:M48_JWZF8',
    `krn:partner:global:account:test:${'M'.repeat(33)}`,
    'krn:partner:global:account:test:',
    'M48JWZF8',
    '',
  ])('%j has no name, because it could not be made from one again', (krn) => {
    expect(accountOfKrn(krn)).toBeUndefined();
  });

  it.each([
    ['krn:partner:global:account:test:M4CIYH2N', true],
    ['krn:partner:global:account:live:M4CIYH2N', false],
    ['krn:partner:global:account:test:m4ciyh2n', false],
  ])('%s is a sibling of the acquiring partner: %s', (krn, is) => {
    expect(isSibling(krn, acquirer)).toBe(is);
  });
});

describe('chooseCredential', () => {
  const named = (name: string, fields: Partial<Credential> = {}) =>
    credentialWith({ name: name as CredentialName, ...fields });
  const chosen = (...credentials: readonly Credential[]) => {
    const choice = chooseCredential(partner, credentials);
    return choice.kind === 'one' ? choice.credential.name : choice.kind;
  };

  it('one credential serves every account', () => {
    expect(chosen(named('a'))).toBe('a');
  });

  it('no credential serves an account that no pattern includes', () => {
    expect(chosen()).toBe('none');
    expect(chosen(named('a', { accounts: ['m5*'] }))).toBe('none');
  });

  it('a pattern comes before a credential without patterns', () => {
    expect(chosen(named('rest'), named('m4', { accounts: ['x1', 'm4*'] }))).toBe('m4');
    expect(chosen(named('rest'), named('m5', { accounts: ['m5*'] }))).toBe('rest');
  });

  it('two credentials that could serve the account are ambiguous', () => {
    expect(chosen(named('a'), named('b'))).toBe('ambiguous');
    expect(chosen(named('a', { accounts: ['m*'] }), named('b', { accounts: [partner] }))).toBe('ambiguous');
  });

  it('a credential without an acquirer account serves the account of its own name alone', () => {
    expect(chosen(named('direct', { acquirerAccountId: undefined }))).toBe('none');
    expect(chosen(named(partner, { acquirerAccountId: undefined }))).toBe(partner);
  });
});

describe('settingsOn', () => {
  const credential = credentialWith();

  it('an account without anything stored has the policies of its credential and an id of its own', () => {
    const settings = settingsOn(credential, partner, undefined);
    expect(settings).toEqual({
      ...credential.policies,
      account: partner,
      klarna: { ...credential.klarna, partnerAccountId: 'krn:partner:global:account:test:M48JWZF8' },
    });
  });

  it('an override replaces the policy of the credential', () => {
    const overrides = { defaultSessionTimeout: 5 * minute, observe: true, alias: 'Shop' };
    const stored = { overrides, onboarded: undefined, updated: undefined };
    const settings = settingsOn(credential, partner, stored);
    expect(settings).toMatchObject({ defaultSessionTimeout: 5 * minute, observe: true, maxExtensions: 10 });
    expect(settings).not.toHaveProperty('alias');
  });

  it('an override cannot exceed the longest session of the credential', () => {
    const limited = credentialWith({ policies: { ...credential.policies, maxSession: hour } });
    const stored = { overrides: { maxSession: 2 * hour }, onboarded: undefined, updated: undefined };
    expect(settingsOn(limited, partner, stored).maxSession).toBe(hour);
  });

  it('a credential without an acquirer account calls Klarna on the direct path', () => {
    const direct = credentialWith({ acquirerAccountId: undefined });
    expect(settingsOn(direct, partner, undefined).klarna.partnerAccountId).toBeUndefined();
  });
});
