import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * The database of a stand-in: a file in a folder, which is created where missing, or in memory. Every write survives a
 * `kill -9` of the process. A power cut may lose the last writes, because `synchronous = NORMAL` leaves them to the
 * operating system.
 */
export function openDatabase(dataDirectory: string | undefined, fileName: string): DatabaseSync {
  if (dataDirectory !== undefined) mkdirSync(dataDirectory, { recursive: true });
  const database = new DatabaseSync(
    dataDirectory === undefined ? ':memory:' : path.join(dataDirectory, fileName),
  );
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
