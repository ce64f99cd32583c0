import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The tables of the stand-ins' documents. */
type TableName =
  | 'payment_requests'
  | 'signing_keys'
  | 'webhooks'
  | 'configured'
  | 'deliveries'
  | 'calls'
  | 'remembered_responses'
  | 'api_keys'
  | 'client_certificates'
  | 'certificate_authorities'
  | 'mutual_tls'
  | 'secrets';

/** Documents of one kind by id, stored as JSON in a table of their own. */
export class Collection<Document> {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;
  readonly #clear: StatementSync;

  /** `table` becomes SQL text, so it must be a name from the code. */
  constructor(database: DatabaseSync, table: TableName) {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL)`,
    );
    this.#get = database.prepare(`SELECT document FROM ${table} WHERE id = ?`);
    this.#put = database.prepare(
      `INSERT INTO ${table} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
    );
    this.#delete = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
    this.#all = database.prepare(`SELECT document FROM ${table} ORDER BY position`);
    this.#clear = database.prepare(`DELETE FROM ${table}`);
  }

  get(id: string): Document | undefined {
    const row = this.#get.get(id);
    return row && (JSON.parse(String(row['document'])) as Document);
  }

  put(id: string, document: Document): void {
    this.#put.run(id, JSON.stringify(document));
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  /** All documents, in the order in which they were first put. */
  all(): readonly Document[] {
    return this.#all.all().map((row) => JSON.parse(String(row['document'])) as Document);
  }

  clear(): void {
    this.#clear.run();
  }
}
