import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableIndexes, tableSchema } from '../../functions/contract/table-schema.ts';
import { createTables } from '../../local/dynamodb/create-tables.ts';
import { type Machine, thisMachine } from '../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../local/dynamodb/engine.ts';

const { partitionKey } = tableSchema;

/** This machine without the package of the embedded engine. The one that is left is AWS's own DynamoDB Local, which needs Java. */
const withoutEmbedded: Machine = {
  ...thisMachine({}),
  resolve: (file) => (file.startsWith('@dynoxide/') ? undefined : thisMachine({}).resolve(file)),
};

const engines: Readonly<Record<string, Machine>> = {
  embedded: thisMachine({}),
  'dynamodb-local': withoutEmbedded,
};

/** The engine that the contract suites run on: the embedded one, or the one that `DYNAMODB_ENGINE` names. */
export const engineName = process.env['DYNAMODB_ENGINE'] ?? 'embedded';

function chosenEngine(): Machine {
  const machine = engines[engineName];
  if (machine) return machine;
  throw new Error(`DYNAMODB_ENGINE is ${engineName}; allowed: ${Object.keys(engines).join(', ')}.`);
}

/** The one table of the project on an engine, in memory, and a client to it. Every call is a new, empty engine. */
export async function openEmbeddedTable(machine = chosenEngine()) {
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
          ...new Set(tableIndexes.flatMap((index) => [index.partitionKey, index.sortKey])),
        ].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        GlobalSecondaryIndexes: tableIndexes.map((index) => ({
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: 'HASH' },
            { AttributeName: index.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        })),
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
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
