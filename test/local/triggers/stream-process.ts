// A process for tests that kill it: engine, table and stream source on the given folder. Delivered records are written
// to a file.
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import { startStreamSource } from '../../../local/triggers/stream-source.ts';
import { notesTable } from '../dynamodb/notes-table.ts';
import { notesSource, streamOptions } from './stream-fixtures.ts';

const folder = process.argv[2] ?? '';
const { url } = await startDynamoDb({
  dataDirectory: folder,
  onLog: () => undefined,
  machine: thisMachine({}),
});
await createTables(url, [notesTable]);
await startStreamSource({
  ...streamOptions(url),
  source: { ...notesSource, batchSize: 5 },
  checkpointDirectory: folder,
  invoke: (payload) => {
    const keys = (payload as DynamoDBStreamEvent).Records.map((record) => record.dynamodb?.Keys?.['PK']?.S);
    appendFileSync(path.join(folder, 'delivered'), keys.map((key) => `${String(key)}\n`).join(''));
    return Promise.resolve({ kind: 'response', payload: null });
  },
});
process.stdout.write(`${JSON.stringify({ url })}\n`);
