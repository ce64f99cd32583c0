import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { composeOperations } from '../../operations/compose-operations.ts';
import { aws, resetAws } from '../support/aws-clients.ts';
import { key, recordWith } from '../support/fixtures.ts';
import { quarantinedDelivery } from '../support/klarna-deliveries.ts';
import { itemOf } from '../support/lambda-events.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const settings = {
  endpoint: 'http://127.0.0.1:1',
  region: 'eu-west-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};
const outputs = {
  ...rawOutputs,
  AccountsSecretName: 'lapse/accounts',
  SigningKeysSecretName: 'lapse/signing-keys',
  RetentionDays: 30,
  TombstoneRetentionDays: undefined as number | undefined,
  FunctionNames: new Map<string, string>(),
};

it.each([
  ['its own days', 3, 3],
  ['the days of records, where the stack is of an older version', undefined, 30],
])('a tombstone is kept for %s', async (_, TombstoneRetentionDays, expected) => {
  resetAws();
  aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(recordWith({ state: 'CANCELED' })) });
  const { eraseRecords } = composeOperations({
    name: 'local',
    isLocal: true,
    outputs: { ...outputs, TombstoneRetentionDays },
    aws: settings,
  });
  expect(await eraseRecords([key], false)).toEqual([{ ...key, outcome: 'erased' }]);
  const [put] = aws.dynamodb.commandCalls(PutItemCommand);
  const seconds: unknown = unmarshall(put?.args[0].input.Item ?? {})[tableSchema.timeToLive];
  expect(Math.round((Number(seconds) - Date.now() / 1_000) / 86_400)).toBe(expected);
});

it('a replayed fact is kept for as long as the stack keeps its records', async () => {
  resetAws();
  const { replay } = composeOperations({ name: 'local', isLocal: true, outputs, aws: settings });
  const outcome = await replay(quarantinedDelivery, false);
  expect(outcome).toEqual({ kind: 'taken', verdict: 'superseding' });
  const [write] = aws.dynamodb.commandCalls(UpdateItemCommand);
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: given = {} } =
    write?.args[0].input ?? {};
  expect(Object.values(names)).toContain(tableSchema.timeToLive);
  const inDays = Object.values(unmarshall(given))
    .filter((value) => typeof value === 'number')
    .map((seconds) => Math.round((seconds - Date.now() / 1_000) / 86_400));
  expect(inDays).toContain(30);
});
