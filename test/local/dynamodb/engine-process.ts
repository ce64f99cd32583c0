// A process for tests that kill it: starts the engine on the given folder and prints its address as one line of JSON.
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import { notesTable } from './notes-table.ts';

const { url } = await startDynamoDb({
  dataDirectory: process.argv[2],
  onLog: () => undefined,
  machine: thisMachine({}),
});
await createTables(url, [notesTable]);
process.stdout.write(`${JSON.stringify({ url })}\n`);
