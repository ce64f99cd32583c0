import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { composeOperations } from '../../operations/compose-operations.ts';
import { aws, resetAws } from '../support/aws-clients.ts';
import { quarantinedDelivery } from '../support/klarna-deliveries.ts';

it('a replayed fact is kept for as long as the stack keeps its records', async () => {
  resetAws();
  const outputs = {
    ApiUrl: 'https://a',
    WebhookUrl: 'https://w',
    AccountsSecretName: 'lapse/accounts',
    CredentialsPrefix: 'lapse/credentials/',
    TableName: 't',
    RetentionDays: 30,
    EventBusName: 'b',
    SigningKeysSecretName: 'lapse/signing-keys',
    TimerQueueUrl: 'https://q/1',
    DeadTimersQueueUrl: 'https://q/2',
    UnpublishedEventsQueueUrl: 'https://q/3',
    SweepFailuresQueueUrl: 'https://q/4',
    FunctionNames: new Map(),
    MetricsStack: 'Lapse',
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
