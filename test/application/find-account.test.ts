import { describe, expect, it } from 'vitest';
import { writeAccountSettings } from '../../functions/application/account-settings.ts';
import { cachedAccounts, credentialNames, findAccount } from '../../functions/application/find-account.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import type { Credential } from '../../functions/domain/credential.ts';
import type { Account, CredentialName } from '../../functions/domain/identifiers.ts';
import { credentialWith, InMemoryAccounts } from '../support/credentials.ts';
import { account, noon, settingsWith } from '../support/fixtures.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const partner = 'm48jwzf8' as Account;
const other = 'other' as CredentialName;

function sourcesOf(...all: readonly Credential[]) {
  const stored = new InMemoryAccounts();
  return {
    stored,
    clock: new VirtualClock(),
    entries: { find: (name: Account) => Promise.resolve(name === account ? settingsWith() : undefined) },
    credentials: {
      all: () => Promise.resolve(all),
      find: (name: CredentialName) => Promise.resolve(all.find((each) => each.name === name)),
    },
  };
}

describe('findAccount', () => {
  it('an account of the secret has the settings of its entry, and nothing stored is read', async () => {
    const sources = sourcesOf(credentialWith());
    expect(await findAccount(sources)(account)).toEqual({ settings: settingsWith(), on: undefined });
    expect(sources.stored.reads).toBe(0);
  });

  it('an account without an entry is on the one credential', async () => {
    const found = await findAccount(sourcesOf(credentialWith()))(partner);
    expect(found?.settings.klarna).toMatchObject({
      credential: 'acquirer',
      partnerAccountId: 'krn:partner:global:account:test:M48JWZF8',
    });
  });

  it('an account without an entry and without a credential is unknown', async () => {
    expect(await findAccount(sourcesOf())(partner)).toBeUndefined();
  });

  it('an account that two credentials could serve is refused, and the error names both', async () => {
    const find = findAccount(sourcesOf(credentialWith(), credentialWith({ name: other })));
    await expect(find(partner)).rejects.toThrow(ConfigurationError);
    await expect(find(partner)).rejects.toThrow(
      'The account m48jwzf8 could be on the credentials acquirer, other; allowed: one.',
    );
  });

  it('the credential in the settings of the account decides, before the one that onboarded it', async () => {
    const sources = sourcesOf(credentialWith(), credentialWith({ name: other }));
    await sources.stored.onboard(partner, { credential: other, at: noon });
    expect((await findAccount(sources)(partner))?.on?.credential.name).toBe('other');
    const overrides = { credential: 'acquirer' as CredentialName };
    await sources.stored.write(partner, overrides, { by: 'test', at: noon });
    expect((await findAccount(sources)(partner))?.on?.credential.name).toBe('acquirer');
  });

  it('an account on a credential that does not exist is refused', async () => {
    const sources = sourcesOf(credentialWith());
    await sources.stored.onboard(partner, { credential: other, at: noon });
    await expect(findAccount(sources)(partner)).rejects.toThrow(
      'The account m48jwzf8 is on the credential other, which does not exist.',
    );
  });
});

describe('writeAccountSettings', () => {
  it('the settings of an account on a credential are replaced, and its onboarding stays', async () => {
    const sources = sourcesOf(credentialWith());
    await sources.stored.onboard(partner, { credential: 'acquirer' as CredentialName, at: noon });
    const result = await writeAccountSettings(sources)(partner, { observe: true }, 'operator');
    expect(result).toMatchObject({ outcome: 'written', account: { settings: { observe: true } } });
    expect(sources.stored.items.get(partner)).toMatchObject({
      overrides: { observe: true },
      onboarded: { credential: 'acquirer' },
      updated: { by: 'operator' },
    });
  });

  it('nothing is written for an account of the secret', async () => {
    const sources = sourcesOf(credentialWith());
    expect(await writeAccountSettings(sources)(account, {}, 'operator')).toEqual({ outcome: 'in_secret' });
    expect(sources.stored.items.size).toBe(0);
  });

  it('nothing is written for an account that no credential would serve', async () => {
    const sources = sourcesOf();
    expect(await writeAccountSettings(sources)(partner, {}, 'operator')).toEqual({ outcome: 'unknown' });
    expect(sources.stored.items.size).toBe(0);
  });

  it('nothing is written for a credential that does not exist', async () => {
    const sources = sourcesOf(credentialWith());
    const write = writeAccountSettings(sources)(partner, { credential: other }, 'operator');
    await expect(write).rejects.toThrow(ConfigurationError);
    expect(sources.stored.items.size).toBe(0);
  });
});

describe('cachedAccounts', () => {
  it('an account is read once in the cache time, also where nothing is stored', async () => {
    const { stored, clock } = sourcesOf();
    const cached = cachedAccounts(stored, clock, 30);
    await cached.read(partner);
    clock.advance(29_999);
    await cached.read(partner);
    expect(stored.reads).toBe(1);
    clock.advance(1);
    await cached.read(partner);
    expect(stored.reads).toBe(2);
  });

  it('a failed read is not cached', async () => {
    const { clock } = sourcesOf();
    let reads = 0;
    const cached = cachedAccounts(
      { read: () => ((reads += 1) === 1 ? Promise.reject(new Error('no')) : Promise.resolve(undefined)) },
      clock,
      30,
    );
    await expect(cached.read(partner)).rejects.toThrow('no');
    expect(await cached.read(partner)).toBeUndefined();
  });

  it('a process keeps a thousand accounts, whatever it has read', async () => {
    const { stored, clock } = sourcesOf();
    const cached = cachedAccounts(stored, clock, 30);
    for (let number = 0; number < 1_001; number += 1) await cached.read(`m${number}` as Account);
    await cached.read('m1' as Account);
    expect(stored.reads).toBe(1_001);
    await cached.read('m0' as Account);
    expect(stored.reads).toBe(1_002);
  });
});

describe('credentialNames', () => {
  it('the names of the stack come with those that were connected later', async () => {
    const stored = { credentialNames: () => Promise.resolve([other, 'acquirer' as CredentialName]) };
    const names = credentialNames(
      { named: ['acquirer' as CredentialName], stored },
      { clock: new VirtualClock(), cacheSeconds: 120 },
    );
    expect(await names()).toEqual(['acquirer', 'other']);
  });

  it('the last known names serve while they cannot be read', async () => {
    const clock = new VirtualClock();
    let isDown = false;
    const stored = {
      credentialNames: () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve([other])),
    };
    const names = credentialNames({ named: [], stored }, { clock, cacheSeconds: 120 });
    expect(await names()).toEqual(['other']);
    isDown = true;
    clock.advance(200_000);
    expect(await names()).toEqual(['other']);
  });
});
