import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * A stand-in's database: a file in a folder, which is made if need be, or in memory. What was written survives a
 * `kill -9` of the process; a power cut may cost the last writes, which `synchronous = NORMAL` leaves to the operating system.
 */
export function openDatabase(dataDirectory: string | undefined, fileName: string): DatabaseSync {
  if (dataDirectory !== undefined) mkdirSync(dataDirectory, { recursive: true });
  const database = new DatabaseSync(
    dataDirectory === undefined ? ':memory:' : path.join(dataDirectory, fileName),
  );
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  return database;
}

/** All of the writes or none; a part of a larger whole, where there is one. */
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
