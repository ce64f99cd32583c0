import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { CachedSecret } from '../../../functions/adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../../../functions/adapters/secrets/secret-accounts.ts';
import type { Account } from '../../../functions/domain/identifiers.ts';
import { account } from '../../support/fixtures.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { hour, minute } from '../../support/sessions.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new SecretsManagerClient({ region: 'eu-north-1' });
const manager = mockClient(client);

function accountsOf(secret: Readonly<Record<string, unknown>>): SecretAccounts {
  manager.reset();
  manager.resolves({ SecretString: JSON.stringify(secret) });
  return new SecretAccounts(
    new CachedSecret({ client, clock: new VirtualClock(), secretId: 'lapse/accounts', cacheSeconds: 300 }),
  );
}

const least = { environment: 'test', api_key: planted.apiKey };

describe('an account', () => {
  it('has a default for everything but its environment and key', async () => {
    expect(await accountsOf({ [account]: least }).find(account)).toEqual({
      account,
      defaultSessionTimeout: undefined,
      armOnSubmitted: false,
      cancelCompleted: false,
      inProgressGrace: undefined,
      maxExtensions: 10,
      maxSession: 48 * hour,
      syncKlarnaExpiry: false,
      klarna: {
        environment: 'test',
        apiKey: planted.apiKey,
        username: undefined,
        partnerAccountId: undefined,
        clientCertificate: undefined,
        clientKey: undefined,
      },
    });
  });

  it('may set everything', async () => {
    const entry = {
      environment: 'live',
      api_key: planted.apiKey,
      username: 'user-1',
      partner_account_id: 'krn:partner:global:account:live:M48JWZF8',
      default_session_timeout: 'PT30M',
      arm_on_submitted: true,
      cancel_completed: true,
      in_progress_grace: 'PT5M',
      max_extensions: 0,
      max_session: 'PT3H',
      sync_klarna_expiry: true,
      client_certificate: 'certificate',
      client_key: 'key',
      a_setting_of_tomorrow: true,
    };
    expect(await accountsOf({ [account]: entry }).find(account)).toEqual({
      account,
      defaultSessionTimeout: 30 * minute,
      armOnSubmitted: true,
      cancelCompleted: true,
      inProgressGrace: 5 * minute,
      maxExtensions: 0,
      maxSession: 3 * hour,
      syncKlarnaExpiry: true,
      klarna: {
        environment: 'live',
        apiKey: planted.apiKey,
        username: 'user-1',
        partnerAccountId: 'krn:partner:global:account:live:M48JWZF8',
        clientCertificate: 'certificate',
        clientKey: 'key',
      },
    });
  });

  it("may have an empty user name, which is one of Klarna's ways to send the key", async () => {
    const settings = await accountsOf({ [account]: { ...least, username: '' } }).find(account);
    expect(settings?.klarna.username).toBe('');
  });

  it('that the deployment does not have is none', async () => {
    expect(await accountsOf({ [account]: least }).find('shop-no' as Account)).toBeUndefined();
  });
});

describe('an entry that is malformed', () => {
  it.each<[string, unknown, string]>([
    ['the bare key', planted.apiKey, 'entry'],
    ['null', null, 'entry'],
    ['without an environment', { api_key: planted.apiKey }, 'environment'],
    ['of another environment', { ...least, environment: planted.text }, 'environment'],
    ['without a key', { environment: 'test', username: planted.text }, 'api_key'],
    ['with an empty key', { ...least, api_key: '' }, 'api_key'],
    ['with a key that is no text', { ...least, api_key: [planted.apiKey] }, 'api_key'],
    ['with a duration of a year', { ...least, default_session_timeout: 'P1Y' }, 'default_session_timeout'],
    ['with a number for a duration', { ...least, in_progress_grace: 300 }, 'in_progress_grace'],
    ['with more than Klarna allows', { ...least, max_session: 'PT48H0.001S' }, 'max_session'],
    ['with a grace beyond all', { ...least, in_progress_grace: 'P3D' }, 'in_progress_grace'],
    ['with half an extension', { ...least, max_extensions: 1.5 }, 'max_extensions'],
    ['with less than no extensions', { ...least, max_extensions: -1 }, 'max_extensions'],
    ['with a text for yes', { ...least, cancel_completed: 'false' }, 'cancel_completed'],
    ['with several faults', { environment: 'x', api_key: '' }, 'environment, api_key'],
  ])('%s: the error names the field and not what is in it', async (_, entry, fields) => {
    const error: unknown = await accountsOf({ [account]: entry })
      .find(account)
      .catch((thrown: unknown) => thrown);
    expect(error).toEqual(new Error(`The secret accounts has a malformed entry for shop-se: ${fields}.`));
    expect(plantedIn(JSON.stringify(error, Object.getOwnPropertyNames(error)))).toEqual([]);
    expect((error as Error).cause).toBeUndefined();
  });

  it('harms no other account', async () => {
    const accounts = accountsOf({ broken: {}, [account]: least });
    await expect(accounts.find('broken' as Account)).rejects.toThrow('malformed entry for broken');
    expect((await accounts.find(account))?.account).toBe(account);
  });
});
