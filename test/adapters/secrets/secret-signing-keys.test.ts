import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { CachedSecret } from '../../../functions/adapters/secrets/cached-secret.ts';
import { SecretSigningKeys } from '../../../functions/adapters/secrets/secret-signing-keys.ts';
import { acquirer } from '../../support/credentials.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new SecretsManagerClient({ region: 'eu-north-1' });
const manager = mockClient(client);

function keysOf(secret: unknown): SecretSigningKeys {
  manager.reset();
  manager.resolves({ SecretString: typeof secret === 'string' ? secret : JSON.stringify(secret) });
  return new SecretSigningKeys(
    new CachedSecret({
      client,
      clock: new VirtualClock(),
      secretId: 'lapse/signing-keys',
      cacheSeconds: 300,
    }),
  );
}

const subject = 'krn:partner:global:account:test:M4CIYH2N';
const least = { key: planted.signingKey, accounts: { [subject]: 'shop-se' } };

describe('a signing key of the secret', () => {
  it('a signing key is bound to its accounts only by default', async () => {
    expect(await keysOf({ 'key-1': least }).find('key-1')).toEqual({
      id: 'key-1',
      key: planted.signingKey,
      recipientAccountId: undefined,
      webhookId: undefined,
      live: undefined,
      accounts: new Map([[subject, 'shop-se']]),
      partners: undefined,
    });
  });

  it.each(['constructor', 'prototype'])(
    'the subject %s of a signing key is one like any other',
    async (name) => {
      const secret = { 'key-1': { ...least, accounts: { [name]: 'shop-no' } }, [name]: least };
      expect((await keysOf(secret).find('key-1'))?.accounts).toEqual(new Map([[name, 'shop-no']]));
      expect((await keysOf(secret).find(name))?.accounts).toEqual(new Map([[subject, 'shop-se']]));
    },
  );

  it('the subject __proto__ of a signing key is a violation', async () => {
    const secret = `{"key-1":{"key":"${planted.signingKey}","accounts":{"__proto__":"shop-no"}}}`;
    await expect(keysOf(secret).find('key-1')).rejects.toThrow('accounts.__proto__ must have another name');
  });

  it('a signing key may be bound to a recipient, a webhook and an environment', async () => {
    const entry = { ...least, recipient_account_id: 'r', webhook_id: 'w', live: false };
    expect(await keysOf({ 'key-1': entry }).find('key-1')).toMatchObject({
      recipientAccountId: 'r',
      webhookId: 'w',
      live: false,
    });
  });

  const ofAcquirer = {
    key: planted.signingKey,
    recipient_account_id: acquirer,
    credential: 'acquirer',
    subjects: '*',
  };

  it('a signing key may be bound to a credential and to every account of its acquiring partner', async () => {
    const keys = keysOf({ 'key-1': ofAcquirer, 'key-2': { ...ofAcquirer, unknown_subject: 'quarantine' } });
    const partners = {
      credential: 'acquirer',
      acquirerAccountId: acquirer,
      subjects: '*',
      unknownSubject: 'accept',
    };
    expect(await keys.find('key-1')).toMatchObject({ accounts: new Map(), partners });
    expect((await keys.find('key-2'))?.partners?.unknownSubject).toBe('quarantine');
  });

  it('a signing key may be bound to a credential and a list of accounts, and name others', async () => {
    const entry = { ...ofAcquirer, subjects: [subject], accounts: { 'krn:x': 'shop-se' } };
    const key = await keysOf({ 'key-1': entry }).find('key-1');
    expect(key?.partners?.subjects).toEqual(new Set([subject]));
    expect(key?.accounts).toEqual(new Map([['krn:x', 'shop-se']]));
  });

  it.each([
    [{ key: 'k' }, 'accounts is missing'],
    [{ ...ofAcquirer, credential: undefined }, 'credential and subjects go together'],
    [{ ...ofAcquirer, subjects: undefined }, 'credential and subjects go together'],
    [{ ...ofAcquirer, recipient_account_id: undefined }, 'recipient_account_id is missing'],
    [{ ...ofAcquirer, recipient_account_id: 'krn:a:b' }, 'recipient_account_id is missing'],
    [{ ...ofAcquirer, subjects: [] }, 'subjects must be * or a list of account ids of Klarna'],
    [{ ...ofAcquirer, subjects: ['M4'] }, 'subjects must be * or a list of account ids of Klarna'],
    [{ ...ofAcquirer, subjects: 'm4*' }, 'subjects must be * or a list of account ids of Klarna'],
    [{ ...ofAcquirer, credential: 'A' }, 'credential must be 1 to 32 lower-case letters'],
    [{ ...ofAcquirer, unknown_subject: 'drop' }, 'unknown_subject must be accept or quarantine'],
    [
      { ...ofAcquirer, subjects: [subject], unknown_subject: 'accept' },
      'unknown_subject goes with subjects *',
    ],
  ])('a signing key with %j is refused, and the error quotes no secret', async (entry, message) => {
    const error: unknown = await keysOf({ 'key-1': entry })
      .find('key-1')
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(plantedIn(String(error))).toEqual([]);
  });

  it('a secret may have several signing keys', async () => {
    const keys = keysOf({ 'key-1': least, 'key-2': { ...least, key: 'another' } });
    expect((await keys.find('key-1'))?.key).toBe(planted.signingKey);
    expect((await keys.find('key-2'))?.key).toBe('another');
    expect(manager.calls()).toHaveLength(1);
  });

  it('read resolves when the keys are read, even if one is malformed', async () => {
    const keys = keysOf({ 'key-1': least, 'key-2': {} });
    await keys.read();
    expect(await keys.find('key-1')).toBe(await keys.find('key-1'));
    await expect(keys.find('key-2')).rejects.toThrow('key is missing');
    expect(manager.calls()).toHaveLength(1);
  });

  it.each(['key-9', '__proto__', 'constructor', 'toString'])(
    'an unknown signing key is undefined: %s',
    async (id) => {
      expect(await keysOf({ 'key-1': least }).find(id)).toBeUndefined();
    },
  );

  it('a subject like __proto__ gives no account', async () => {
    const keys = keysOf(`{"key-1":{"key":"k","accounts":{"__proto__":{"${subject}":"shop-se"}}}}`);
    const found = await keys.find('key-1').catch(() => undefined);
    expect(found?.accounts.get(subject)).toBeUndefined();
  });
});

describe('a malformed signing key', () => {
  it.each<[string, unknown, string]>([
    ['a bare key', planted.signingKey, 'must be a JSON object'],
    ['no key', { accounts: {} }, 'key is missing'],
    [
      'an empty key, with which anyone could sign',
      { ...least, key: '' },
      'key must have at least one character',
    ],
    ['a key that is not a text', { ...least, key: { value: planted.signingKey } }, 'key must be a text'],
    ['no accounts', { key: planted.signingKey }, 'accounts is missing'],
    ['a text for live', { ...least, live: 'false' }, 'live must be true or false'],
    ['an empty webhook id', { ...least, webhook_id: '' }, 'webhook_id must have at least one character'],
    ['a misspelt field', { ...least, webhookid: 'x' }, 'webhookid is not a setting; did you mean webhook_id'],
  ])(
    'a signing key with %s is refused with field and allowed values, without the value',
    async (_, entry, violations) => {
      const error: unknown = await keysOf({ 'key-1': entry })
        .find('key-1')
        .catch((thrown: unknown) => thrown);
      expect((error as Error).message).toBe(`The secret signing-keys, entry key-1: ${violations}.`);
      expect(plantedIn(JSON.stringify(error, Object.getOwnPropertyNames(error)))).toEqual([]);
    },
  );

  it('a signing key with a malformed account name names its subject', async () => {
    const keys = keysOf({ 'key-1': { ...least, accounts: { [subject]: `Shop ${planted.text}` } } });
    const error: unknown = await keys.find('key-1').catch((thrown: unknown) => thrown);
    expect((error as Error).message).toBe(
      `The secret signing-keys, entry key-1: accounts maps ${subject} to no account name.`,
    );
  });

  it('a malformed signing key does not affect other keys', async () => {
    const keys = keysOf({ broken: {}, 'key-1': least });
    await expect(keys.find('broken')).rejects.toThrow('entry broken');
    expect((await keys.find('key-1'))?.id).toBe('key-1');
  });
});
