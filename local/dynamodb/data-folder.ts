import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A data folder that only this process uses while it lives. */
export interface DataFolder {
  /** An absolute path. */
  readonly path: string;
  /** Notes the engine that uses the folder. If this run is killed, the next run finds that engine and ends it. */
  remember(pid: number, command: readonly string[]): Promise<void>;
  /** Releases the folder. The engine must have ended. */
  release(): Promise<void>;
}

const pollMilliseconds = 50;

/**
 * Claims the folder, which is created where missing. Waits up to `withinMilliseconds` for an earlier run that is
 * ending. Its engine gets one second before it is killed. Rejects with one sentence when the folder stays in use.
 */
export async function claimDataFolder(directory: string, withinMilliseconds = 10_000): Promise<DataFolder> {
  const folder = path.resolve(directory);
  await mkdir(folder, { recursive: true });
  const lock = await lockFolder(folder, withinMilliseconds);
  const note = path.join(folder, 'engine.json');
  try {
    await endStaleEngine(note);
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    path: folder,
    remember: (pid, command) => writeFile(note, JSON.stringify({ pid, command: command.join(' ') })),
    async release() {
      await rm(note, { force: true });
      lock.close();
    },
  };
}

/** An exclusive SQLite transaction is a lock that the operating system releases when a process dies. */
async function lockFolder(folder: string, withinMilliseconds: number): Promise<DatabaseSync> {
  const deadline = Date.now() + withinMilliseconds;
  for (;;) {
    const lock = new DatabaseSync(path.join(folder, 'folder.lock'));
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      lock.close();
      if (!(error instanceof Error && error.message.includes('locked'))) throw error;
      if (Date.now() > deadline) {
        throw new Error(
          `The data folder ${folder} is in use by another running Lapse: stop that one, or name another folder with --data.`,
          { cause: error },
        );
      }
      await wait(pollMilliseconds);
    }
  }
}

async function endStaleEngine(note: string): Promise<void> {
  const stale = await readNote(note);
  if (stale === undefined) return;
  const deadline = Date.now() + 1_000;
  // The pid may belong to another process by now, so the whole command line must be the same.
  while ((await commandLineOf(stale.pid)) === stale.command) {
    if (Date.now() > deadline) process.kill(stale.pid, 'SIGKILL');
    await wait(pollMilliseconds);
  }
  await rm(note, { force: true });
}

async function readNote(note: string): Promise<{ pid: number; command: string } | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(note, 'utf8'));
    const { pid, command } = content as Partial<Record<string, unknown>>;
    return Number.isInteger(pid) && typeof command === 'string' ? { pid: Number(pid), command } : undefined;
  } catch {
    // There is no note, or it is half written: that run was killed, and its engine with it.
    return undefined;
  }
}

async function commandLineOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') {
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trimEnd();
    }
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.trimEnd();
  } catch {
    return undefined;
  }
}
