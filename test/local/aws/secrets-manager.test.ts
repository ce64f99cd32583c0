import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { expect, test } from 'vitest';
import { startAws } from './running-aws.ts';

const SecretId = 'lapse/accounts';

test('a secret is read again for every call, and its version follows its content', async () => {
  let content = '{"demo":1}';
  const aws = await startAws({ secrets: { [SecretId]: { read: () => content } } });
  const get = (more = {}) => aws.secrets.send(new GetSecretValueCommand({ SecretId, ...more }));
  const first = await get();
  expect(first).toMatchObject({ Name: SecretId, SecretString: content, VersionStages: ['AWSCURRENT'] });
  expect(first.CreatedDate).toBeInstanceOf(Date);
  expect((await get({ VersionId: first.VersionId })).VersionId).toBe(first.VersionId);
  content = '{"demo":2}';
  const second = await get();
  expect(second.SecretString).toBe(content);
  expect(second.VersionId).not.toBe(first.VersionId);
  await expect(get({ VersionId: first.VersionId })).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(get({ VersionStage: 'AWSPREVIOUS' })).rejects.toBeInstanceOf(ResourceNotFoundException);
});

test('a secret is found by its name, its ARN and its ARN without the last part', async () => {
  const aws = await startAws();
  const find = async (id: string) =>
    (await aws.secrets.send(new DescribeSecretCommand({ SecretId: id }))).Name;
  const prefix = 'arn:aws:secretsmanager:eu-north-1:123456789012:secret:';
  const { ARN } = await aws.secrets.send(new GetSecretValueCommand({ SecretId }));
  expect(ARN).toMatch(/:secret:lapse\/accounts-[A-Za-z0-9]{6}$/);
  expect(await find(ARN ?? '')).toBe(SecretId);
  expect(await find(`${prefix}lapse/accounts`)).toBe(SecretId);
  expect(await find(`${prefix}lapse/accounts-AbC123`)).toBe(SecretId);
  expect(await find(`${prefix}lapse/signing-keys-abcdef`)).toBe('lapse/signing-keys-abcdef');
  await expect(find('lapse/nothing')).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(find('constructor')).rejects.toBeInstanceOf(ResourceNotFoundException);
});

test('a secret that cannot be read is a service error that says why', async () => {
  const read = () => {
    throw new Error('accounts.json is not there');
  };
  const aws = await startAws({ secrets: { [SecretId]: { read } } });
  await expect(aws.secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
    name: 'InternalServiceError',
    message: 'Error: accounts.json is not there',
  });
  expect(aws.log).toEqual(['secretsmanager: Error: accounts.json is not there']);
});

test('PutSecretValue is refused', async () => {
  const aws = await startAws();
  await expect(
    aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' })),
  ).rejects.toMatchObject({
    name: 'InvalidRequestException',
    message: expect.stringContaining('only reads the secret lapse/accounts') as string,
  });
});
