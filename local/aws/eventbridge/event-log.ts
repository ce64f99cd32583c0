import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ChangeSignal } from '../../clock/change-signal.ts';
import type { LocalClock } from '../../clock/local-clock.ts';

/**
 * An event as the target of a rule receives it:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
export interface EventDocument {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** With whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

interface EventRow {
  readonly position: number;
  readonly document: string;
}

/** How many events are read at a time, so that a long log is never in memory as a whole. */
const pageSize = 500;

/** Every published event, oldest first. */
export class EventLog {
  readonly #insert: StatementSync;
  readonly #after: StatementSync;
  readonly #highest: StatementSync;
  readonly #appended: ChangeSignal;
  readonly #closing: AbortSignal;

  /** The signal ends every subscription. */
  constructor(database: DatabaseSync, clock: LocalClock, closing: AbortSignal) {
    this.#appended = new ChangeSignal(clock);
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
    this.#highest = database.prepare('SELECT max(position) AS position FROM events');
  }

  /** The event is stored when it returns. */
  append(bus: string, document: EventDocument): void {
    this.#insert.run(bus, JSON.stringify(document));
    this.#appended.announce();
  }

  list(): readonly EventDocument[] {
    return [...this.texts()].map((text) => JSON.parse(text) as EventDocument);
  }

  /** Each event as one line of JSON, without a line break. */
  *texts(): Generator<string, void> {
    for (let page = this.#pageAfter(0); page.length > 0; page = this.#pageAfter(page.at(-1)?.position)) {
      yield* page.map(({ document }) => document);
    }
  }

  /**
   * The stored events, and then each further event when it is published, until the signal aborts or the server closes.
   *
   * @param last how many of the stored events to begin with; default: all
   */
  async *follow(signal: AbortSignal, last = Number.POSITIVE_INFINITY): AsyncGenerator<string, void> {
    const over = AbortSignal.any([signal, this.#closing]);
    let position = Math.max(0, this.#newest() - last);
    while (!over.aborted) {
      const page = this.#pageAfter(position);
      if (page.length === 0) await this.#appended.wait(Number.POSITIVE_INFINITY, over);
      for (const row of page) {
        position = row.position;
        yield row.document;
      }
    }
  }

  /** The position of the newest event. Positions have no gaps, because events are never deleted. */
  #newest(): number {
    return Number(this.#highest.get()?.['position'] ?? 0);
  }

  #pageAfter(position = 0): readonly EventRow[] {
    return this.#after.all(position, pageSize) as unknown as EventRow[];
  }
}
