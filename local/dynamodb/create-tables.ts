import type { CreateTableCommandInput, TableDescription as ExistingTable } from '@aws-sdk/client-dynamodb';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { TableDescription } from '../template/stack-description.ts';

/**
 * Creates the tables at `url` that are missing. A table that exists must have the same keys, indexes and stream.
 * Resolves when all are ACTIVE; rejects with a sentence that names the table and the difference.
 */
export async function createTables(url: string, tables: readonly TableDescription[]): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: url,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    await Promise.all(tables.map((table) => createTable(client, table)));
  } finally {
    client.destroy();
  }
}

async function createTable(client: DynamoDBClient, table: TableDescription): Promise<void> {
  const wanted = table.createTable as Partial<CreateTableCommandInput>;
  const existing = await describe(client, table.name);
  if (existing === undefined) {
    await client.send(new CreateTableCommand({ ...wanted, TableName: table.name }));
    await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName: table.name });
    return;
  }
  const has = traitsOf(existing);
  for (const [trait, wants] of Object.entries(traitsOf(wanted))) {
    if (has[trait] === wants) continue;
    throw new Error(
      `The table ${table.name} is from another version of the stack: its ${trait} is ${has[trait] ?? 'none'}, expected ` +
        `${wants}. Delete the data folder, or name another one with --data.`,
    );
  }
}

async function describe(client: DynamoDBClient, name: string): Promise<ExistingTable | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** The traits of a table that can change only by creating it again, as text that can be compared and shown. */
function traitsOf(table: Partial<CreateTableCommandInput> | ExistingTable): Readonly<Record<string, string>> {
  const types = new Map(
    (table.AttributeDefinitions ?? []).map(({ AttributeName, AttributeType }) => [
      AttributeName,
      AttributeType,
    ]),
  );
  const keysOf = (schema: ExistingTable['KeySchema']) =>
    (schema ?? [])
      .map(
        ({ AttributeName, KeyType }) =>
          `${AttributeName ?? '?'} ${types.get(AttributeName) ?? '?'} ${KeyType ?? '?'}`,
      )
      .toSorted()
      .join(' and ');
  const indexesOf = (
    indexes: ExistingTable['GlobalSecondaryIndexes'] | ExistingTable['LocalSecondaryIndexes'],
  ) =>
    (indexes ?? [])
      .map(({ IndexName, KeySchema, Projection }) => {
        const attributes = Projection?.NonKeyAttributes?.toSorted().join(', ') ?? '';
        return `${IndexName ?? '?'} (${keysOf(KeySchema)}, ${Projection?.ProjectionType ?? 'ALL'} ${attributes})`;
      })
      .toSorted()
      .join(' and ') || 'none';
  return {
    key: keysOf(table.KeySchema),
    'global indexes': indexesOf(table.GlobalSecondaryIndexes),
    'local indexes': indexesOf(table.LocalSecondaryIndexes),
    stream:
      (table.StreamSpecification?.StreamEnabled ?? false)
        ? (table.StreamSpecification?.StreamViewType ?? '?')
        : 'none',
  };
}
