import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Receipt } from './receipt-handle.ts';

/** A stored message. Times are milliseconds since 1970. */
export interface MessageRow {
  readonly position: number;
  readonly id: string;
  readonly body: string;
  /** Message attributes as JSON text, in the spelling of Lambda's event. */
  readonly attributes: string;
  readonly sent_at: number;
  readonly receive_count: number;
  readonly first_received_at: number | null;
  /** Identifies the last receipt. */
  readonly receipt: string | null;
}

export type NewMessageRow = Pick<MessageRow, 'id' | 'body' | 'attributes' | 'sent_at'> & {
  readonly visible_at: number;
};

export interface MessageCounts {
  readonly visible: number;
  /** Received and not yet visible again. */
  readonly in_flight: number;
  /** Never received and not yet visible. */
  readonly delayed: number;
}

const rowColumns = 'position, id, body, attributes, sent_at, receive_count, first_received_at, receipt';

/** The messages of all queues in one table. Every method is one statement, so it happens as a whole or not at all. */
export class MessageStore {
  readonly #insert: StatementSync;
  readonly #receive: StatementSync;
  readonly #setAside: StatementSync;
  readonly #nextVisible: StatementSync;
  readonly #delete: StatementSync;
  readonly #changeVisibility: StatementSync;
  readonly #expire: StatementSync;
  readonly #count: StatementSync;
  readonly #list: StatementSync;

  /** Messages that were in flight when an earlier process ended are visible again: their consumer ended with it. */
  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS messages (
        position INTEGER PRIMARY KEY,
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receive_count INTEGER NOT NULL DEFAULT 0,
        first_received_at INTEGER,
        receipt TEXT
      ) STRICT;
      CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_at);
      CREATE INDEX IF NOT EXISTS messages_by_age ON messages (queue, sent_at);
      CREATE INDEX IF NOT EXISTS messages_by_receives ON messages (queue, receive_count) WHERE receive_count > 0;
      UPDATE messages SET visible_at = 0, receipt = NULL WHERE receipt IS NOT NULL;`);
    this.#insert = database.prepare(
      'INSERT INTO messages (queue, id, body, attributes, sent_at, visible_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#receive = database.prepare(
      `UPDATE messages
       SET visible_at = $until, receive_count = receive_count + 1, receipt = lower(hex(randomblob(16))),
         first_received_at = coalesce(first_received_at, $now)
       WHERE position IN (
         SELECT position FROM messages WHERE queue = $queue AND visible_at <= $now
         ORDER BY visible_at, position LIMIT $most)
       RETURNING ${rowColumns}`,
    );
    this.#setAside = database.prepare(
      `UPDATE messages SET queue = $to, visible_at = $now, receipt = NULL
       WHERE queue = $from AND receive_count > 0 AND receive_count >= $receives AND visible_at <= $now`,
    );
    this.#nextVisible = database.prepare('SELECT min(visible_at) AS at FROM messages WHERE queue = ?');
    this.#delete = database.prepare('DELETE FROM messages WHERE position = ? AND queue = ? AND receipt = ?');
    this.#changeVisibility = database.prepare(
      'UPDATE messages SET visible_at = $at WHERE position = $position AND queue = $queue AND receipt = $receipt AND visible_at > $now',
    );
    this.#expire = database.prepare('DELETE FROM messages WHERE queue = ? AND sent_at <= ?');
    this.#count = database.prepare(
      `SELECT count(*) FILTER (WHERE visible_at <= $now) AS visible,
         count(*) FILTER (WHERE visible_at > $now AND receipt IS NOT NULL) AS in_flight,
         count(*) FILTER (WHERE visible_at > $now AND receipt IS NULL) AS delayed
       FROM messages WHERE queue = $queue`,
    );
    this.#list = database.prepare(`SELECT ${rowColumns} FROM messages WHERE queue = ? ORDER BY position`);
  }

  insert(queue: string, { id, body, attributes, sent_at, visible_at }: NewMessageRow): void {
    this.#insert.run(queue, id, body, attributes, sent_at, visible_at);
  }

  /**
   * Up to `most` messages that are visible now, in the order in which they were sent. They are invisible until `until`.
   */
  receive(queue: string, most: number, now: number, until: number): readonly MessageRow[] {
    const rows = this.#receive.all({ queue, most, now, until }) as unknown as MessageRow[];
    return rows.sort((a, b) => a.position - b.position);
  }

  /** Moves messages that are visible and were received this often to another queue. Returns how many it moved. */
  setAside(from: string, to: string, receives: number, now: number): number {
    return Number(this.#setAside.run({ from, to, receives, now }).changes);
  }

  /** When the next message of a queue is, or became, visible; Infinity for an empty queue. */
  nextVisibleAt(queue: string): number {
    const { at } = this.#nextVisible.get(queue) as { at: number | null };
    return at ?? Number.POSITIVE_INFINITY;
  }

  /** Does nothing where the message is deleted or was received again. */
  delete(queue: string, position: number, receipt: string): void {
    this.#delete.run(position, queue, receipt);
  }

  /** Returns whether the message was in flight under this receipt. */
  changeVisibility(
    queue: string,
    { position, receipt }: Receipt,
    { now, visibleAt }: { readonly now: number; readonly visibleAt: number },
  ): boolean {
    return this.#changeVisibility.run({ queue, position, receipt, now, at: visibleAt }).changes === 1;
  }

  /** Drops what was sent then or before. */
  expire(queue: string, sentAt: number): void {
    this.#expire.run(queue, sentAt);
  }

  count(queue: string, now: number): MessageCounts {
    return this.#count.get({ queue, now }) as unknown as MessageCounts;
  }

  /** All, visible or not, in the order of their sending. */
  list(queue: string): readonly MessageRow[] {
    return this.#list.all(queue) as unknown as MessageRow[];
  }
}
