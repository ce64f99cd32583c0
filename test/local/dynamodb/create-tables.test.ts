import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import type { RunningDynamoDb } from '../../../local/dynamodb/engine.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import { notesTable } from './notes-table.ts';

let engine: RunningDynamoDb;

beforeAll(async () => {
  engine = await startDynamoDb({
    dataDirectory: undefined,
    onLog: () => undefined,
    machine: thisMachine({}),
  });
  await createTables(engine.url, [notesTable]);
});
afterAll(() => engine.close());

test('existing tables with the same description stay unchanged', async () => {
  await createTables(engine.url, [notesTable]);
});

test.each([
  {
    what: 'key',
    change: { KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }] },
    says: 'its key is PK S HASH, expected due S HASH',
  },
  {
    what: 'index',
    change: { GlobalSecondaryIndexes: undefined },
    says: 'its global indexes is due (due S HASH, KEYS_ONLY ), expected none',
  },
  {
    what: 'stream',
    change: { StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } },
    says: 'its stream is NEW_AND_OLD_IMAGES, expected KEYS_ONLY. Delete the data folder',
  },
])('a table whose $what differs is refused with the difference', async ({ change, says }) => {
  const changed = { ...notesTable, createTable: { ...notesTable.createTable, ...change } };
  await expect(createTables(engine.url, [changed])).rejects.toThrow(says);
});
