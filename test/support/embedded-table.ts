import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { createTables } from '../../local/dynamodb/create-tables.ts';
import { type Machine, thisMachine } from '../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../local/dynamodb/engine.ts';

const { partitionKey, dueIndex, sessionIndex, stateIndex } = tableSchema;

/** This machine, as it would be if no package had brought the embedded engine: AWS's own DynamoDB Local is left. */
const withoutEmbedded: Machine = {
  ...thisMachine({}),
  resolve: (file) => (file.startsWith('@dynoxide/') ? undefined : thisMachine({}).resolve(file)),
};

/** The engines that there are here: the embedded one, and with Java AWS's own. */
export const engines: Readonly<Record<string, Machine>> = {
  'the embedded engine': thisMachine({}),
  ...((thisMachine({}).javaVersion() ?? 0) >= 17 && { 'DynamoDB Local': withoutEmbedded }),
};

/** The one table of the project on an engine, in memory, and a client to it. Every call is a new, empty engine. */
export async function openEmbeddedTable(machine = thisMachine({})) {
  const engine = await startDynamoDb({ dataDirectory: undefined, onLog: () => undefined, machine });
  const tableName = 'lapse';
  await createTables(engine.url, [
    {
      id: 'Table',
      name: tableName,
      createTable: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
        AttributeDefinitions: [
          partitionKey,
          ...[dueIndex, sessionIndex, stateIndex].flatMap((index) => [index.partitionKey, index.sortKey]),
        ].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        GlobalSecondaryIndexes: [dueIndex, sessionIndex, stateIndex].map((index) => ({
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: 'HASH' },
            { AttributeName: index.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        })),
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      },
      streamEnabled: true,
    },
  ]);
  const client = new DynamoDBClient({
    endpoint: engine.url,
    region: 'eu-north-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    client,
    tableName,
    async close(): Promise<void> {
      client.destroy();
      await engine.close();
    },
  };
}
