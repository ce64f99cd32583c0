/**
 * The table: the names of its keys and indexes, shared by the adapter and the stack.
 *
 * - A Payment Request: `PK = A#<account>#P#<payment_request_id>`.
 * - A quarantined delivery: `PK = Q#<signing_key_id>#<event id or body hash>`.
 * - A cancel job: `PK = A#<account>#J#<job_id>`; its targets end in `#IDS`, the pages of its report in `#<page>`.
 * - What is stored about an account without an entry: `PK = A#<account>#SETTINGS`.
 * - The names of the credentials whose secrets the stack did not create: `PK = CREDENTIALS`.
 * - What the processes share of a credential's rate limit: `PK = RATE#<credential>`.
 * - The lease of the sweep: `PK = SWEEP`.
 */
export const tableSchema = {
  partitionKey: 'PK',
  /** The partition key of the one item that the sweep holds while it runs. */
  sweepLease: 'SWEEP',
  /** The partition key of the item that names the credentials whose secrets the stack did not create. */
  credentials: 'CREDENTIALS',
  /** Seconds since 1970 after which DynamoDB may delete the item; retention only, never a timer. */
  timeToLive: 'expires_at',
  /** Sparse: records that need work, by the time when they are due. */
  dueIndex: { name: 'due', partitionKey: 'due_shard', sortKey: 'reconcile_after' },
  /** The Payment Requests of a session, oldest first: `A#<account>#S#<session_id>`. */
  sessionIndex: { name: 'session', partitionKey: 'session_key', sortKey: 'created_at' },
  /** The Payment Requests of an account in one state, oldest first: `A#<account>#<state>` by `<created_at>#<payment_request_id>`. */
  stateIndex: { name: 'state', partitionKey: 'state_key', sortKey: 'listed_as' },
} as const;
