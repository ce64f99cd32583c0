import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Schedule, ScheduleDocument, ScheduleKey } from './schedule.ts';

interface ScheduleRow {
  readonly group_name: string;
  readonly name: string;
  readonly document: string;
  readonly client_token: string | null;
  readonly created_at: number;
  readonly modified_at: number;
  readonly fires_at: number;
  readonly next_attempt_at: number | null;
  readonly failed_attempts: number;
}

/** Schedules of all groups in one table. Every method is one statement. */
export class ScheduleStore {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #list: StatementSync;
  readonly #due: StatementSync;
  readonly #nextAttempt: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS schedules (
        group_name TEXT NOT NULL,
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        client_token TEXT,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        fires_at INTEGER NOT NULL,
        next_attempt_at INTEGER,
        failed_attempts INTEGER NOT NULL,
        PRIMARY KEY (group_name, name)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS schedules_by_next_attempt ON schedules (next_attempt_at)
        WHERE next_attempt_at IS NOT NULL;`);
    this.#get = database.prepare('SELECT * FROM schedules WHERE group_name = ? AND name = ?');
    this.#put = database.prepare('INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM schedules WHERE group_name = ? AND name = ?');
    this.#list = database.prepare('SELECT * FROM schedules ORDER BY group_name, name');
    this.#due = database.prepare(
      'SELECT * FROM schedules WHERE next_attempt_at <= ? ORDER BY next_attempt_at LIMIT 1',
    );
    this.#nextAttempt = database.prepare(
      'SELECT min(next_attempt_at) AS at FROM schedules WHERE next_attempt_at IS NOT NULL',
    );
  }

  get({ group, name }: ScheduleKey): Schedule | undefined {
    return optional(this.#get.get(group, name));
  }

  /** Creates it, or overwrites all of it. */
  put(schedule: Schedule): void {
    this.#put.run(
      schedule.group,
      schedule.name,
      JSON.stringify(schedule.document),
      schedule.clientToken ?? null,
      schedule.createdAt,
      schedule.modifiedAt,
      schedule.firesAt,
      schedule.nextAttemptAt ?? null,
      schedule.failedAttempts,
    );
  }

  /** Returns whether it existed. */
  delete({ group, name }: ScheduleKey): boolean {
    return this.#delete.run(group, name).changes === 1;
  }

  /** All schedules, by group and name. */
  list(): readonly Schedule[] {
    return (this.#list.all() as unknown as ScheduleRow[]).map(scheduleOf);
  }

  /** The schedule that has been due for longest, if any is due. */
  due(now: number): Schedule | undefined {
    return optional(this.#due.get(now));
  }

  /** When the next schedule is due; Infinity if none is. */
  nextAttemptAt(): number {
    const { at } = this.#nextAttempt.get() as { at: number | null };
    return at ?? Number.POSITIVE_INFINITY;
  }
}

const optional = (row: ReturnType<StatementSync['get']>): Schedule | undefined =>
  row && scheduleOf(row as unknown as ScheduleRow);

const scheduleOf = (row: ScheduleRow): Schedule => ({
  group: row.group_name,
  name: row.name,
  document: JSON.parse(row.document) as ScheduleDocument,
  clientToken: row.client_token ?? undefined,
  createdAt: row.created_at,
  modifiedAt: row.modified_at,
  firesAt: row.fires_at,
  nextAttemptAt: row.next_attempt_at ?? undefined,
  failedAttempts: row.failed_attempts,
});
