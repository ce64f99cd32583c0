import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretCommand,
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

const aToken = (n: number) => `token-${String(n).padStart(32, '0')}`;

test('a written value is current, and the one before stays as AWSPREVIOUS', async () => {
  const aws = await startAws();
  const get = (more = {}) => aws.secrets.send(new GetSecretValueCommand({ SecretId, ...more }));
  const before = await get();
  const put = await aws.secrets.send(
    new PutSecretValueCommand({ SecretId, SecretString: '{"a":1}', ClientRequestToken: aToken(1) }),
  );
  expect(put).toMatchObject({ Name: SecretId, VersionId: aToken(1), VersionStages: ['AWSCURRENT'] });
  expect(await get()).toMatchObject({ SecretString: '{"a":1}', VersionId: aToken(1) });
  expect((await get({ VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('{"demo":{}}');
  await aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: '{"a":2}' }));
  expect((await get({ VersionStage: 'AWSPREVIOUS' })).VersionId).toBe(aToken(1));
  expect(await get({ VersionId: before.VersionId })).toMatchObject({ SecretString: '{"demo":{}}' });
  await expect(get({ VersionId: aToken(1), VersionStage: 'AWSCURRENT' })).rejects.toMatchObject({
    name: 'InvalidRequestException',
  });
  const { VersionIdsToStages: stages } = await aws.secrets.send(new DescribeSecretCommand({ SecretId }));
  expect(Object.values(stages ?? {})).toEqual([['AWSPREVIOUS'], ['AWSCURRENT']]);
});

test('a write with the token of an earlier one changes nothing, or is refused with another value', async () => {
  const aws = await startAws();
  const put = (SecretString: string, n: number) =>
    aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken: aToken(n) }));
  await put('one', 1);
  await put('two', 2);
  expect((await put('one', 1)).VersionStages).toEqual(['AWSPREVIOUS']);
  const { SecretString } = await aws.secrets.send(new GetSecretValueCommand({ SecretId }));
  expect(SecretString).toBe('two');
  await expect(put('other', 1)).rejects.toMatchObject({ name: 'ResourceExistsException' });
});

test('a label of its own moves to the value that is written with it', async () => {
  const aws = await startAws();
  const put = (SecretString: string) =>
    aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString, VersionStages: ['AWSPENDING'] }));
  const get = (VersionStage: string) =>
    aws.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }));
  await put('one');
  await put('two');
  expect((await get('AWSPENDING')).SecretString).toBe('two');
  expect((await get('AWSCURRENT')).SecretString).toBe('{"demo":{}}');
});

test('a source that changes after a write is current again, with the written value as the previous one', async () => {
  let content = '{"demo":1}';
  const aws = await startAws({ secrets: { [SecretId]: { read: () => content } } });
  const get = async (more = {}) =>
    (await aws.secrets.send(new GetSecretValueCommand({ SecretId, ...more }))).SecretString;
  await aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'written' }));
  expect(await get()).toBe('written');
  content = '{"demo":2}';
  expect(await get()).toBe(content);
  expect(await get({ VersionStage: 'AWSPREVIOUS' })).toBe('written');
  await aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'again' }));
  content = '{"demo":1}';
  expect(await get()).toBe(content);
});

test('a secret is created once, also by a repeated call, and is listed', async () => {
  const aws = await startAws();
  const Name = 'Lapse/credentials/acquirer';
  const create = (SecretString: string, n: number, more = {}) =>
    aws.secrets.send(new CreateSecretCommand({ Name, SecretString, ClientRequestToken: aToken(n), ...more }));
  const made = await create('{}', 1, { Description: 'A credential', KmsKeyId: 'key-1' });
  expect(made).toMatchObject({ Name, VersionId: aToken(1), ARN: expect.stringContaining(Name) as string });
  expect(await create('{}', 1)).toMatchObject({ ARN: made.ARN, VersionId: aToken(1) });
  await expect(create('{}', 2)).rejects.toMatchObject({ name: 'ResourceExistsException' });
  await expect(create('{"a":1}', 1)).rejects.toMatchObject({ name: 'ResourceExistsException' });
  const found = await aws.secrets.send(new GetSecretValueCommand({ SecretId: made.ARN }));
  expect(found.SecretString).toBe('{}');
  const list = (more = {}) => aws.secrets.send(new ListSecretsCommand(more));
  const named = await list({ Filters: [{ Key: 'name', Values: ['Lapse/credentials/'] }] });
  expect(named.SecretList).toMatchObject([{ Name, Description: 'A credential', KmsKeyId: 'key-1' }]);
  const page = await list({ MaxResults: 2 });
  const rest = await list({ MaxResults: 2, NextToken: page.NextToken });
  expect([page.SecretList?.length, rest.SecretList?.length, rest.NextToken]).toEqual([2, 1, undefined]);
});

test('a secret without a value has none until the first write, which is current', async () => {
  const aws = await startAws();
  await aws.secrets.send(new CreateSecretCommand({ Name: 'empty' }));
  const get = () => aws.secrets.send(new GetSecretValueCommand({ SecretId: 'empty' }));
  await expect(get()).rejects.toBeInstanceOf(ResourceNotFoundException);
  await aws.secrets.send(
    new PutSecretValueCommand({ SecretId: 'empty', SecretString: 'x', VersionStages: ['MINE'] }),
  );
  expect((await get()).VersionStages?.toSorted()).toEqual(['AWSCURRENT', 'MINE']);
});

test('an update changes the description, the value, or both', async () => {
  const aws = await startAws();
  const update = (more: object) => aws.secrets.send(new UpdateSecretCommand({ SecretId, ...more }));
  expect((await update({ Description: 'new' })).VersionId).toBeUndefined();
  expect((await update({ SecretString: 'y' })).VersionId).toHaveLength(36);
  const { Description } = await aws.secrets.send(new DescribeSecretCommand({ SecretId }));
  const { SecretString } = await aws.secrets.send(new GetSecretValueCommand({ SecretId }));
  expect([Description, SecretString]).toEqual(['new', 'y']);
});

test('64 KB is the longest value', async () => {
  const aws = await startAws();
  const put = (SecretString: string) =>
    aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  await put('é'.repeat(32_768));
  await expect(put('é'.repeat(32_769))).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

test.each([
  ['a short token', { ClientRequestToken: 'short', SecretString: 'x' }],
  ['no label', { VersionStages: [], SecretString: 'x' }],
  ['bytes', { SecretBinary: new Uint8Array([1]) }],
])('a write with %s is refused', async (_, fields) => {
  const aws = await startAws();
  await expect(aws.secrets.send(new PutSecretValueCommand({ SecretId, ...fields }))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

test('of many versions, the oldest without a label are dropped', async () => {
  const aws = await startAws();
  const put = (n: number) =>
    aws.secrets.send(
      new PutSecretValueCommand({ SecretId, SecretString: String(n), ClientRequestToken: aToken(n) }),
    );
  for (let n = 1; n <= 110; n += 1) await put(n);
  const get = (n: number) => aws.secrets.send(new GetSecretValueCommand({ SecretId, VersionId: aToken(n) }));
  await expect(get(1)).rejects.toBeInstanceOf(ResourceNotFoundException);
  expect((await get(20)).SecretString).toBe('20');
});

test('a fault of a write takes effect or not, as it says', async () => {
  const aws = await startAws();
  const put = (SecretString: string) =>
    aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  const get = async () => (await aws.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  const fault = { target: 'secretsmanager', action: 'PutSecretValue', times: 1, delayMs: 0 } as const;
  aws.faults.inject({ ...fault, kind: 'error' });
  await expect(put('lost')).rejects.toMatchObject({ name: 'InternalServiceError' });
  expect(await get()).toBe('{"demo":{}}');
  aws.faults.inject({ ...fault, kind: 'error-after' });
  await expect(put('stored')).rejects.toMatchObject({ name: 'InternalServiceError' });
  expect(await get()).toBe('stored');
});
