import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { databaseFile, thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import { notesTable, openNotes } from './notes-table.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function start(dataDirectory: string | undefined, environment: Record<string, string> = {}) {
  const engine = await startDynamoDb({
    dataDirectory,
    onLog: () => undefined,
    machine: thisMachine(environment),
  });
  onTestFinished(() => engine.close());
  await createTables(engine.url, [notesTable]);
  const notes = openNotes(engine.url);
  onTestFinished(notes.close);
  return { engine, notes };
}

test('written items exist after a restart on the same folder', async () => {
  const folder = await temporaryFolder();
  const first = await start(folder);
  await first.notes.put('a', 'kept');
  await first.engine.close();

  const second = await start(folder);
  expect(await second.notes.get('a')).toBe('kept');
});

test('without a folder two engines run at the same time, each with its own data', async () => {
  const [one, other] = await Promise.all([start(undefined), start(undefined)]);
  await one.notes.put('a', 'mine');
  expect(await other.notes.get('a')).toBeUndefined();
});

test('closing ends the engine, and can be repeated', async () => {
  const { engine, notes } = await start(undefined);
  await engine.close();
  await engine.close();
  await expect(notes.get('a')).rejects.toThrow('ECONNREFUSED');
});

test('the engine’s stream has an index on its order', async () => {
  const folder = await temporaryFolder();
  const { engine } = await start(folder);
  await engine.close();
  const database = new DatabaseSync(databaseFile(folder), { readOnly: true });
  onTestFinished(() => {
    database.close();
  });
  const plan = database
    .prepare(
      'EXPLAIN QUERY PLAN SELECT * FROM _stream_records WHERE table_name = ? AND CAST(sequence_number AS INTEGER) > ? ' +
        'ORDER BY CAST(sequence_number AS INTEGER)',
    )
    .all('notes', 1);
  expect(JSON.stringify(plan)).toContain('USING INDEX lapse_stream_position');
});

test('when its parent is killed, the engine ends and has kept everything acknowledged', async () => {
  const folder = await temporaryFolder();
  const parent = spawn(process.execPath, [path.join(import.meta.dirname, 'engine-process.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    parent.kill('SIGKILL');
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };

  const notes = openNotes(url);
  onTestFinished(notes.close);
  const acknowledged: string[] = [];
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let count = 0; ; count += 1) {
      const key = `${writer}-${count}`;
      await notes.put(key, key);
      acknowledged.push(key);
      if (acknowledged.length === 200) parent.kill('SIGKILL');
    }
  });
  for (const writer of await Promise.allSettled(writers)) expect(writer.status).toBe('rejected');
  expect(acknowledged.length).toBeGreaterThanOrEqual(200);
  await vi.waitFor(() => expect(notes.get('0-0')).rejects.toThrow('ECONNREFUSED'), { timeout: 5_000 });

  const restarted = await start(folder);
  for (const key of acknowledged) expect(await restarted.notes.get(key)).toBe(key);
});

test('an endpoint of your own has priority, and keeps running', async () => {
  const own = await start(undefined);
  const borrowed = await start(undefined, { LAPSE_DYNAMODB_URL: own.engine.url });
  expect(borrowed.engine.url).toBe(own.engine.url);
  await borrowed.engine.close();
  await own.notes.put('a', 'still here');
  expect(await own.notes.get('a')).toBe('still here');
});

test('an endpoint of your own that does not respond is named', async () => {
  const gone = await start(undefined);
  await gone.engine.close();
  await expect(start(undefined, { LAPSE_DYNAMODB_URL: gone.engine.url })).rejects.toThrow(
    `DynamoDB does not respond at LAPSE_DYNAMODB_URL=${gone.engine.url}: start it, or unset the variable`,
  );
});

test('a file that is not a database fails at once with the engine’s own words', async () => {
  const folder = await temporaryFolder();
  await writeFile(databaseFile(folder), 'not a database');
  await expect(start(folder)).rejects.toThrow(/The DynamoDB engine \S+ did not start: .*database/);
});

test('a database of another program fails with the engine’s own words', async () => {
  const folder = await temporaryFolder();
  const foreign = new DatabaseSync(databaseFile(folder));
  foreign.exec('CREATE TABLE _tables (unexpected TEXT)');
  foreign.close();
  await expect(start(folder)).rejects.toThrow(/The DynamoDB engine \S+ did not start: .*column/);
});

test('a port that another process took first is replaced by another one', async () => {
  const folder = await temporaryFolder();
  const machine = thisMachine({});
  const real = machine.resolve('@dynoxide/linux-x64/dynoxide') ?? '';
  const unlucky = path.join(folder, 'unlucky');
  await writeFile(
    unlucky,
    `#!/bin/sh\nmkdir "$0.tried" 2>/dev/null && { echo "error: port $5 is already in use" >&2; exit 1; }\nexec ${real} "$@"\n`,
    { mode: 0o755 },
  );
  const logged: string[] = [];
  const engine = await startDynamoDb({
    dataDirectory: undefined,
    onLog: (line) => logged.push(line),
    machine: { ...machine, resolve: () => unlucky },
  });
  onTestFinished(() => engine.close());
  await createTables(engine.url, [notesTable]);
  expect(logged[0]).toMatch(/^error: port \d+ is already in use$/);
});

test('an engine that ends by itself is reported', async () => {
  const logged: string[] = [];
  const folder = await temporaryFolder();
  const engine = await startDynamoDb({
    dataDirectory: folder,
    onLog: (line) => logged.push(line),
    machine: thisMachine({}),
  });
  onTestFinished(() => engine.close());
  const { pid } = JSON.parse(await readFile(path.join(folder, 'engine.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => {
    expect(logged.at(-1)).toBe('the DynamoDB engine has ended (signal SIGKILL): start Lapse again');
  });
});
