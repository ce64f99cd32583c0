import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { selfSignedIdentity } from '../../../bench/stand-ins/certificate.ts';
import { armedStage } from '../../../functions/domain/timeout-switches.ts';
import { CachedSecret } from '../../../functions/adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../../../functions/adapters/secrets/secret-accounts.ts';
import { ConfigurationError } from '../../../functions/domain/configuration-error.ts';
import { durationFormat } from '../../../functions/domain/duration.ts';
import type { Account } from '../../../functions/domain/identifiers.ts';
import { account, noon } from '../../support/fixtures.ts';
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

describe('an account of the secret', () => {
  it('an account with the name constructor is one like any other, and so is such a kind', async () => {
    const name = 'constructor' as Account;
    const kinds = { constructor: 'observe', prototype: 'cancel' };
    expect(await accountsOf({ [account]: least }).find(name)).toBeUndefined();
    expect(await accountsOf({ [name]: { ...least, kinds } }).find(name)).toMatchObject({
      account: name,
      kinds,
    });
  });

  it('an account needs only its environment and key', async () => {
    expect(await accountsOf({ [account]: least }).find(account)).toEqual({
      account,
      defaultSessionTimeout: undefined,
      armOnSubmitted: false,
      cancelCompleted: false,
      inProgressGrace: undefined,
      maxExtensions: 10,
      maxSession: 48 * hour,
      syncKlarnaExpiry: false,
      observe: false,
      endOtherAttempts: false,
      armedFrom: undefined,
      kinds: {},
      stage: armedStage,
      watchAuthorization: false,
      authorizationAlertAfter: 45 * minute,
      cancelUnauthorized: false,
      klarna: {
        credential: account,
        rateShare: 0.5,
        environment: 'test',
        apiKey: planted.apiKey,
        username: undefined,
        partnerAccountId: undefined,
        clientCertificate: undefined,
        clientKey: undefined,
      },
    });
  });

  it('an account may set every field', async () => {
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
      observe: true,
      end_other_attempts: true,
      armed_from: '2026-03-01T13:00:00+01:00',
      kinds: { invoice: 'observe', 'pay-link': 'cancel' },
      watch_authorization: true,
      authorization_alert_after: 'PT30M',
      cancel_unauthorized: true,
      rate_share: 0.25,
      client_certificate: certificate,
      client_key: certificateKey,
      integrator: 'ACME_PAYMENTS',
      originators: [
        { name: 'SHOP_PLATFORM', module_name: 'CHECKOUT', module_version: '3.1.4' },
        { name: 'S' },
      ],
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
      observe: true,
      endOtherAttempts: true,
      armedFrom: noon,
      kinds: { invoice: 'observe', 'pay-link': 'cancel' },
      stage: armedStage,
      watchAuthorization: true,
      authorizationAlertAfter: 30 * minute,
      cancelUnauthorized: true,
      klarna: {
        credential: account,
        rateShare: 0.25,
        environment: 'live',
        apiKey: planted.apiKey,
        username: 'user-1',
        partnerAccountId: 'krn:partner:global:account:live:M48JWZF8',
        clientCertificate: certificate,
        clientKey: certificateKey,
        certificateExpiresAt: expect.stringMatching(/^\d{4}-/) as unknown,
        integrator: 'ACME_PAYMENTS',
        originators: [
          { name: 'SHOP_PLATFORM', moduleName: 'CHECKOUT', moduleVersion: '3.1.4' },
          { name: 'S' },
        ],
      },
    });
  });

  it.each([
    ['cancel_unauthorized', { cancel_unauthorized: true }, 'watch_authorization'],
    ['authorization_alert_after', { authorization_alert_after: 'PT30M' }, 'watch_authorization'],
    ['arm_on_submitted', { arm_on_submitted: true }, 'default_session_timeout'],
  ])('an entry with %s and without what it needs is refused', async (field, policies, needs) => {
    const refused = accountsOf({ [account]: { ...least, ...policies } }).find(account);
    await expect(refused).rejects.toThrow(
      `The secret accounts, entry ${account}: ${field} has no effect without ${needs}.`,
    );
  });

  it('accounts with the same API key share a credential, and others do not', async () => {
    const secret = accountsOf({ a: least, b: least, c: { ...least, api_key: 'another' } });
    const credentialOf = async (name: string) => (await secret.find(name as Account))?.klarna.credential;
    expect([await credentialOf('a'), await credentialOf('b'), await credentialOf('c')]).toEqual([
      'a',
      'a',
      'c',
    ]);
  });

  it('some accounts are read without the others', async () => {
    const secret = accountsOf({ a: least, b: {}, c: least, d: least });
    expect((await secret.some(3)).map(({ account: name }) => name)).toEqual(['a', 'c']);
  });

  it('an account may have an empty username', async () => {
    const settings = await accountsOf({ [account]: { ...least, username: '' } }).find(account);
    expect(settings?.klarna.username).toBe('');
  });

  it('an unknown account is undefined', async () => {
    expect(await accountsOf({ [account]: least }).find('shop-no' as Account)).toBeUndefined();
  });
});

const { certificate, key: certificateKey } = await selfSignedIdentity();
const other = await selfSignedIdentity();

describe('a malformed account', () => {
  const headerFormat =
    'api_key must be visible ASCII characters, without spaces, line ends or invisible characters';
  const longest = "must be at most PT48H, Klarna's longest lifetime";
  it.each<[string, unknown, string]>([
    ['a bare key', planted.apiKey, 'must be a JSON object'],
    ['null', null, 'must be a JSON object'],
    ['no environment', { api_key: planted.apiKey }, 'environment is missing'],
    ['an unknown environment', { ...least, environment: planted.text }, 'environment must be test or live'],
    ['no key', { environment: 'test', username: 'shop' }, 'api_key is missing'],
    ['a line end in the key', { ...least, api_key: `${planted.apiKey}\n` }, headerFormat],
    ['a zero-width space in the key', { ...least, api_key: `\u200b${planted.apiKey}` }, headerFormat],
    ['a byte order mark in the key', { ...least, api_key: `\ufeff${planted.apiKey}` }, headerFormat],
    ['a non-breaking space in the key', { ...least, api_key: `${planted.apiKey}\u00a0` }, headerFormat],
    ['a key that is not a text', { ...least, api_key: [planted.apiKey] }, 'api_key must be a text'],
    [
      'a colon in the user name',
      { ...least, username: 'a:b' },
      'username must be printable ASCII characters without a colon',
    ],
    [
      'an account id with a line end',
      { ...least, partner_account_id: 'krn:partner:global:account:test:A\n' },
      "partner_account_id must be one of Klarna's account ids, such as krn:partner:global:account:test:M48JWZF8",
    ],
    [
      'a duration of a year',
      { ...least, default_session_timeout: 'P1Y' },
      `default_session_timeout must be ${durationFormat}`,
    ],
    ['a number for a duration', { ...least, in_progress_grace: 300 }, 'in_progress_grace must be a text'],
    [
      'a session longer than Klarna allows',
      { ...least, max_session: 'PT48H0.001S' },
      `max_session ${longest}`,
    ],
    [
      'a grace longer than Klarna allows',
      { ...least, in_progress_grace: 'P3D' },
      `in_progress_grace ${longest}`,
    ],
    ['half an extension', { ...least, max_extensions: 1.5 }, 'max_extensions must be a whole number from 0'],
    [
      'a negative number of extensions',
      { ...least, max_extensions: -1 },
      'max_extensions must be a whole number from 0',
    ],
    ['a text for a flag', { ...least, cancel_completed: 'false' }, 'cancel_completed must be true or false'],
    [
      'a misspelt setting',
      { ...least, partner_acount_id: 'x' },
      'partner_acount_id is not a setting; did you mean partner_account_id',
    ],
    ['an unknown setting', { ...least, colour: 'red' }, 'colour is not a setting'],
    [
      'a secret pasted as a setting',
      { ...least, [`${planted.apiKey} ${planted.text}`]: 1 },
      'a field with an unusual name is not a setting',
    ],
    [
      'a certificate without a key',
      { ...least, client_certificate: certificate },
      'client_certificate and client_key go together: one of them is missing',
    ],
    [
      'a key without a certificate',
      { ...least, client_key: certificateKey },
      'client_certificate and client_key go together: one of them is missing',
    ],
    [
      'a key of another certificate',
      { ...least, client_certificate: certificate, client_key: other.key },
      'client_key is not the key of client_certificate',
    ],
    [
      'PEM with \\n for line ends',
      { ...least, client_certificate: certificate.replaceAll('\n', '\\n'), client_key: certificateKey },
      'client_certificate must have line ends, not the two characters \\n; client_certificate must be a certificate in PEM',
    ],
    [
      'a key that is not PEM',
      { ...least, client_certificate: certificate, client_key: 'x' },
      'client_key must be an unencrypted private key in PEM',
    ],
    ['an integrator in lower case', { ...least, integrator: 'acme' }, 'integrator must be capital letters'],
    [
      'an integrator of a person',
      { ...least, integrator: planted.name },
      'integrator must be capital letters',
    ],
    [
      'an integrator of 65 letters',
      { ...least, integrator: 'A'.repeat(65) },
      'integrator must be capital letters',
    ],
    ['one originator without a list', { ...least, originators: { name: 'A' } }, 'originators must be a list'],
    [
      'an originator that is a text',
      { ...least, originators: ['A'] },
      'originators.0 must be an object with a name',
    ],
    ['an originator without a name', { ...least, originators: [{}] }, 'originators.0.name is missing'],
    [
      'an originator with a name in lower case',
      { ...least, originators: [{ name: 'A' }, { name: 'a' }] },
      'originators.1.name must be capital letters',
    ],
    [
      'an originator with a misspelt setting',
      { ...least, originators: [{ name: 'A', modul_name: 'B' }] },
      'originators.0.modul_name is not a setting of an originator',
    ],
    [
      'a secret pasted into an originator',
      { ...least, originators: [{ name: 'A', [planted.apiKey + planted.text]: 1 }] },
      'originators.0.a field with an unusual name is not a setting of an originator',
    ],
    [
      'a module version with a line end',
      { ...least, originators: [{ name: 'A', module_version: '1\n' }] },
      'originators.0.module_version must be letters',
    ],
    [
      'nine originators',
      { ...least, originators: Array.from({ length: 9 }, () => ({ name: 'A' })) },
      'originators must have at most 8 members',
    ],
    [
      'several faults',
      { environment: 'x', api_key: '' },
      'environment must be test or live; api_key must have at least one character',
    ],
  ])(
    'an account with %s is refused with field and allowed values, without the value',
    async (_, entry, violations) => {
      const error: unknown = await accountsOf({ [account]: entry })
        .find(account)
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain(`The secret accounts, entry shop-se: ${violations}`);
      expect(plantedIn(JSON.stringify(error, Object.getOwnPropertyNames(error)))).toEqual([]);
      expect((error as Error).cause).toBeUndefined();
    },
  );

  it('a malformed account does not affect other accounts', async () => {
    const accounts = accountsOf({ broken: {}, [account]: least });
    await expect(accounts.find('broken' as Account)).rejects.toThrow('entry broken');
    expect((await accounts.find(account))?.account).toBe(account);
  });

  it('the end of a chain is the end of its first certificate to end', async () => {
    const now = Date.now();
    const [own, sooner] = [await selfSignedIdentity(now, 50), await selfSignedIdentity(now, 7)];
    const entry = { ...least, client_key: own.key };
    const accounts = accountsOf({
      one: { ...entry, client_certificate: own.certificate },
      chain: { ...entry, client_certificate: `${own.certificate}\n${sooner.certificate}` },
      none: least,
    });
    const daysOf = async (name: string) => {
      const end = (await accounts.find(name as Account))?.klarna.certificateExpiresAt;
      return end && Math.round((Date.parse(end) - now) / 86_400_000);
    };
    expect([await daysOf('one'), await daysOf('chain'), await daysOf('none')]).toEqual([50, 7, undefined]);
  });
});
