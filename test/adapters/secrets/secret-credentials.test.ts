import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { armedStage } from '../../../functions/domain/timeout-switches.ts';
import { CachedSecret } from '../../../functions/adapters/secrets/cached-secret.ts';
import { SecretCredentials } from '../../../functions/adapters/secrets/secret-credentials.ts';
import { ConfigurationError } from '../../../functions/domain/configuration-error.ts';
import type { CredentialName } from '../../../functions/domain/identifiers.ts';
import { klarnaLongestLifetime } from '../../../functions/domain/payment-request.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { acquirer } from '../../support/credentials.ts';
import { minute } from '../../support/sessions.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new SecretsManagerClient({ region: 'eu-north-1' });
const manager = mockClient(client);

function credentialsOf(secrets: Readonly<Record<string, unknown>>) {
  manager.reset();
  for (const [name, value] of Object.entries(secrets)) {
    manager
      .on(GetSecretValueCommand, { SecretId: `Lapse/credentials/${name}` })
      .resolves({ SecretString: JSON.stringify(value) });
  }
  const clock = new VirtualClock();
  return new SecretCredentials({
    names: () => Promise.resolve(Object.keys(secrets) as unknown as readonly CredentialName[]),
    secretOf: (name) =>
      new CachedSecret({ client, clock, secretId: `Lapse/credentials/${name}`, cacheSeconds: 120 }),
    maxSession: klarnaLongestLifetime,
  });
}

const least = { environment: 'test', api_key: planted.apiKey };
const errorOf = async (value: unknown): Promise<unknown> =>
  credentialsOf({ a: value })
    .all()
    .catch((error: unknown) => error);

describe('a credential', () => {
  it('a credential needs only its environment and key', async () => {
    expect(await credentialsOf({ direct: least }).all()).toEqual([
      {
        name: 'direct',
        acquirerAccountId: undefined,
        accounts: undefined,
        policies: {
          defaultSessionTimeout: undefined,
          armOnSubmitted: false,
          cancelCompleted: false,
          inProgressGrace: undefined,
          maxExtensions: 10,
          maxSession: klarnaLongestLifetime,
          syncKlarnaExpiry: false,
          observe: false,
          endOtherAttempts: false,
          armedFrom: undefined,
          kinds: {},
          stage: armedStage,
          watchAuthorization: false,
          authorizationAlertAfter: 2_700_000,
          cancelUnauthorized: false,
        },
        klarna: {
          credential: 'direct',
          rateShare: 0.5,
          environment: 'test',
          apiKey: planted.apiKey,
          username: undefined,
          clientCertificate: undefined,
          clientKey: undefined,
        },
      },
    ]);
  });

  it('a credential has the acquiring account, the accounts, the share and the policies that it names', async () => {
    const value = {
      ...least,
      acquirer_account_id: acquirer,
      accounts: ['m4*', 'shop-se'],
      rate_share: 0.2,
      default_session_timeout: 'PT30M',
    };
    const [credential] = await credentialsOf({ acquirer: value }).all();
    expect(credential).toMatchObject({
      acquirerAccountId: acquirer,
      accounts: ['m4*', 'shop-se'],
      klarna: { rateShare: 0.2 },
      policies: { defaultSessionTimeout: 30 * minute },
    });
  });

  it('a credential whose policy needs another one is refused', async () => {
    expect(await errorOf({ ...least, cancel_unauthorized: true })).toMatchObject({
      message:
        'The secret of the credential a: cancel_unauthorized has no effect without watch_authorization.',
    });
  });

  it('each credential is a secret of its own, and is read once in the cache time', async () => {
    const credentials = credentialsOf({ a: least, b: least });
    await credentials.all();
    await credentials.find('b' as CredentialName);
    expect(manager.calls().map(({ args }) => args[0].input)).toEqual([
      { SecretId: 'Lapse/credentials/a' },
      { SecretId: 'Lapse/credentials/b' },
    ]);
  });

  it('a secret that is still empty does not count', async () => {
    const credentials = credentialsOf({ a: {} });
    expect(await credentials.all()).toEqual([]);
    expect(await credentials.find('a' as CredentialName)).toBeUndefined();
  });

  it('a credential that nothing names is not read', async () => {
    expect(await credentialsOf({ a: least }).find('b' as CredentialName)).toBeUndefined();
    expect(manager.calls()).toEqual([]);
  });

  it('a malformed credential fails all of them: it might serve any account', async () => {
    const credentials = credentialsOf({ a: least, b: { environment: 'test' } });
    await expect(credentials.all()).rejects.toThrow(ConfigurationError);
    await expect(credentials.all()).rejects.toThrow('The secret of the credential b: api_key is missing.');
    expect((await credentials.find('a' as CredentialName))?.name).toBe('a');
  });

  it.each([
    [{ rate_share: 0 }, 'rate_share must be a number above 0, at most 1'],
    [{ rate_share: 1.01 }, 'rate_share must be a number above 0, at most 1'],
    [{ rate_share: '0.5' }, 'rate_share must be a number above 0, at most 1'],
    [{ accounts: [] }, 'accounts must have at least one account name or pattern'],
    [{ accounts: ['M4*'] }, 'accounts.0 must be an account name, or the start of names and a *, such as m4*'],
    [{ accounts: 'm4*' }, 'accounts must be a list of account names and patterns'],
    [{ acquirer_account_id: 'krn:x:m4' }, 'acquirer_account_id must end in capital letters'],
    [
      { environment: 'live', acquirer_account_id: acquirer },
      'acquirer_account_id is of the environment test, and environment is live',
    ],
    [{ partner_account_id: acquirer }, 'partner_account_id is not a setting'],
    [{ acquirer_account: acquirer }, 'acquirer_account is not a setting'],
  ])('a credential with %j is refused, and the error quotes no secret', async (fields, message) => {
    const error = await errorOf({ ...least, ...fields });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain(message);
    expect(plantedIn(String(error))).toEqual([]);
  });
});

it('each malformed credential is named with its field, and a secret that is still empty is not one', async () => {
  const wrong = { environment: 'test', api_keys: planted.apiKey };
  const violations = await credentialsOf({ good: least, empty: {}, wrong }).violations();
  expect(violations).toEqual([
    'The secret of the credential wrong: api_key is missing; api_keys is not a setting; did you mean api_key.',
  ]);
});
