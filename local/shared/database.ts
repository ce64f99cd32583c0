import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * The database of a stand-in: a file in a folder, which is created where missing, or in memory. Only its owner can read a new file. Every write survives a
 * `kill -9` of the process. A power cut may lose the last writes, because `synchronous = NORMAL` leaves them to the
 * operating system.
 */
export function openDatabase(dataDirectory: string | undefined, fileName: string): DatabaseSync {
  if (dataDirectory !== undefined) mkdirSync(dataDirectory, { recursive: true });
  const file = dataDirectory === undefined ? ':memory:' : path.join(dataDirectory, fileName);
  // It may hold secrets. SQLite gives its further files the same mode.
  if (dataDirectory !== undefined) closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  return database;
}

/** Makes all of the writes or none. Inside another transaction it is part of that one. */
export function atomically<Result>(database: DatabaseSync, work: () => Result): Result {
  if (database.isTransaction) return work();
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
