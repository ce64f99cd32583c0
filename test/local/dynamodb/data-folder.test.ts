import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { claimDataFolder } from '../../../local/dynamodb/data-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Stands for an engine that an earlier run left running. */
function leftBehind() {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return { child, pid: child.pid ?? 0, command: 'sleep 60' };
}

test('a folder in use is refused with one sentence, and can be claimed after its release', async () => {
  const directory = await temporaryFolder();
  const held = await claimDataFolder(directory);
  await expect(claimDataFolder(directory, 100)).rejects.toThrow(
    `The data folder ${directory} is in use by another running Lapse`,
  );
  await held.release();
  await (await claimDataFolder(directory, 100)).release();
});

test('an engine that an earlier run left running is ended', async () => {
  const directory = await temporaryFolder();
  const { child, pid, command } = leftBehind();
  await writeFile(path.join(directory, 'engine.json'), JSON.stringify({ pid, command }));
  const exit = once(child, 'exit');
  const folder = await claimDataFolder(directory);
  onTestFinished(() => folder.release());
  expect(await exit).toEqual([null, 'SIGKILL']);
});

test('a process that only has the pid of an earlier engine runs on', async () => {
  const directory = await temporaryFolder();
  const { child, pid } = leftBehind();
  await writeFile(path.join(directory, 'engine.json'), JSON.stringify({ pid, command: 'dynoxide serve' }));
  const folder = await claimDataFolder(directory);
  onTestFinished(() => folder.release());
  expect(child.exitCode).toBeNull();
  expect(child.killed).toBe(false);
});

test.each(['', '{"pid":"1"}', '[]', 'null'])(
  'a note with the content %j does not prevent a start',
  async (note) => {
    const directory = await temporaryFolder();
    await writeFile(path.join(directory, 'engine.json'), note);
    await (await claimDataFolder(directory)).release();
  },
);
