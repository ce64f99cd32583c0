import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { TableDescription } from '../../../local/template/stack-description.ts';

/** A small table with a stream, as the stack would describe it. */
export const notesTable: TableDescription = {
  id: 'Notes',
  name: 'notes',
  createTable: {
    TableName: 'notes',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'PK', KeyType: 'HASH' }],
    AttributeDefinitions: [
      { AttributeName: 'PK', AttributeType: 'S' },
      { AttributeName: 'due', AttributeType: 'S' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'due',
        KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  },
  streamEnabled: true,
};

/** Reads and writes the table's items. Call `close` at the end. */
export function openNotes(url: string, tableName = notesTable.name) {
  const client = new DynamoDBClient({
    endpoint: url,
    region: 'eu-north-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    put: (key: string, text: string) =>
      client.send(new PutItemCommand({ TableName: tableName, Item: { PK: { S: key }, text: { S: text } } })),
    async get(key: string): Promise<string | undefined> {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: { PK: { S: key } }, ConsistentRead: true }),
      );
      return Item?.['text']?.S;
    },
    close: () => {
      client.destroy();
    },
  };
}
