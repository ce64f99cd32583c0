/** What both typical functions share: clients, tools and helpers at module scope, as their documentation shows them. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export const logger = new Logger();
export const metrics = new Metrics();
export const tracer = new Tracer();

const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient({}));
export const documents = DynamoDBDocumentClient.from(dynamodb, {
  marshallOptions: { removeUndefinedValues: true },
});
export const scheduler = tracer.captureAWSv3Client(new SchedulerClient({}));
const secrets = tracer.captureAWSv3Client(new SecretsManagerClient({}));
const eventBridge = tracer.captureAWSv3Client(new EventBridgeClient({}));

export const tableName = process.env['TABLE_NAME'] ?? '';
export const persistenceStore = new DynamoDBPersistenceLayer({
  tableName: process.env['IDEMPOTENCY_TABLE_NAME'] ?? '',
  awsSdkV3Client: dynamodb,
});

const cacheMillis = 120_000;
let cached: { readonly readAt: number; readonly value: Readonly<Record<string, unknown>> } | undefined;

/** The secret of this function, read once in two minutes. */
export async function secret(): Promise<Readonly<Record<string, unknown>>> {
  if (cached && Date.now() - cached.readAt < cacheMillis) return cached.value;
  const { SecretString: text } = await secrets.send(
    new GetSecretValueCommand({ SecretId: process.env['SECRET_ID'] ?? '' }),
  );
  const value = JSON.parse(text ?? '{}') as Readonly<Record<string, unknown>>;
  cached = { readAt: Date.now(), value };
  return value;
}

/** Publishes the change to the rest of the shop. */
export async function publish(type: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
  await eventBridge.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: process.env['EVENT_BUS_NAME'] ?? '',
          Source: 'shop.payments',
          DetailType: type,
          Detail: JSON.stringify(detail),
        },
      ],
    }),
  );
}
