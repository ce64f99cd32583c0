import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { composeOperations } from '../../operations/compose-operations.ts';
import { aws, resetAws } from '../support/aws-clients.ts';
import { quarantinedDelivery } from '../support/klarna-deliveries.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

it('a replayed fact is kept for as long as the stack keeps its records', async () => {
  resetAws();
  const outputs = {
    ...rawOutputs,
    AccountsSecretName: 'lapse/accounts',
    SigningKeysSecretName: 'lapse/signing-keys',
    RetentionDays: 30,
    FunctionNames: new Map<string, string>(),
  };
  const settings = {
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
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
