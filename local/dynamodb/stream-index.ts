import { DatabaseSync } from 'node:sqlite';

/**
 * Adds the index that dynoxide's table of stream records lacks. Without it, every write and every read of the stream
 * reads the whole history. Measured: 10 ms a write after 3,000 records and growing, against 1 ms at any length with the
 * index. The records and their order do not change. Throws when the file is not one of dynoxide 1.2.
 */
export function indexStreamRecords(databaseFile: string): void {
  const database = new DatabaseSync(databaseFile, { timeout: 1_000 });
  try {
    database.exec(
      'CREATE INDEX IF NOT EXISTS lapse_stream_position ON _stream_records (table_name, CAST(sequence_number AS INTEGER))',
    );
  } finally {
    database.close();
  }
}
