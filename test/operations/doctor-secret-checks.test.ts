import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it } from 'vitest';
import { runChecks } from '../../operations/doctor/check.ts';
import { readSecrets } from '../../operations/doctor/read-secrets.ts';
import { secretChecks } from '../../operations/doctor/secret-checks.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const aws = mockClient(SecretsManagerClient);
beforeEach(() => {
  aws.reset();
  aws.on(GetSecretValueCommand).resolves({ SecretString: '{}' });
});

/** What the check of the page keys finds. */
async function foundIn(pageKeysName: string | undefined) {
  const secrets = () =>
    readSecrets({
      client: new SecretsManagerClient({}),
      clock: new VirtualClock(),
      accountsName: 'accounts',
      signingKeysName: 'signing-keys',
      credentialsPrefix: 'credentials/',
      credentialNames: [],
      pageKeysName,
    });
  const reports = await runChecks(secretChecks, { secrets }, 'secrets');
  return reports.find(({ name }) => name === 'page-keys');
}

const isStored = (value: unknown) =>
  aws.on(GetSecretValueCommand, { SecretId: 'page-keys' }).resolves({ SecretString: JSON.stringify(value) });

it('the check of the page keys counts the keys that are valid', async () => {
  isStored({ current: 'a'.repeat(64), previous: 'b'.repeat(64) });
  expect(await foundIn('page-keys')).toMatchObject({ kind: 'ok', detail: '2 keys' });
});

it.each([
  ['is too short to be safe', { current: 'short' }],
  ['is missing', { previous: planted.apiKey }],
])('the check of the page keys finds a current key that %s, and shows no key', async (_, value) => {
  isStored(value);
  const found = await foundIn('page-keys');
  expect(found).toMatchObject({
    kind: 'problem',
    problems: [{ fix: expect.stringContaining('Correct the secret page-keys') as string }],
  });
  expect(plantedIn(JSON.stringify(found))).toEqual([]);
});

it('the check of the page keys does not apply to a stack without pages', async () => {
  expect(await foundIn(undefined)).toMatchObject({ kind: 'not_here' });
});
