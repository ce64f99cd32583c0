import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Bell } from '../bell.ts';

/** An event as a rule's target gets it: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
export interface EventDocument {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** To the second. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

interface EventRow {
  readonly position: number;
  readonly document: string;
}

/** How many are read at a time, so that a long log is not held in memory as a whole. */
const pageSize = 500;

/** Everything that was published, oldest first. */
export class EventLog {
  readonly #insert: StatementSync;
  readonly #after: StatementSync;
  readonly #appended = new Bell();
  readonly #closing: AbortSignal;

  /** The signal ends every subscription. */
  constructor(database: DatabaseSync, closing: AbortSignal) {
    this.#closing = closing;
    database.exec(`
      CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY,
        bus TEXT NOT NULL,
        document TEXT NOT NULL
      ) STRICT;`);
    this.#insert = database.prepare('INSERT INTO events (bus, document) VALUES (?, ?)');
    this.#after = database.prepare(
      'SELECT position, document FROM events WHERE position > ? ORDER BY position LIMIT ?',
    );
  }

  /** Kept when it returns. */
  append(bus: string, document: EventDocument): void {
    this.#insert.run(bus, JSON.stringify(document));
    this.#appended.ring();
  }

  list(): readonly EventDocument[] {
    return [...this.texts()].map((text) => JSON.parse(text) as EventDocument);
  }

  /** Each event as one line of JSON, without the line's end. */
  *texts(): Generator<string, void> {
    for (let page = this.#pageAfter(0); page.length > 0; page = this.#pageAfter(page.at(-1)?.position)) {
      yield* page.map(({ document }) => document);
    }
  }

  /** The same and then each further event when it is published, until the signal is aborted or the server closes. */
  async *follow(signal: AbortSignal): AsyncGenerator<string, void> {
    const over = AbortSignal.any([signal, this.#closing]);
    let position = 0;
    while (!over.aborted) {
      const page = this.#pageAfter(position);
      if (page.length === 0) await this.#appended.wait(Number.POSITIVE_INFINITY, over);
      for (const row of page) {
        position = row.position;
        yield row.document;
      }
    }
  }

  #pageAfter(position = 0): readonly EventRow[] {
    return this.#after.all(position, pageSize) as unknown as EventRow[];
  }
}
