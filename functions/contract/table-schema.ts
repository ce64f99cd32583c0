/**
 * The one table: names of keys and indexes, shared by the adapter and the stack.
 *
 * - A Payment Request: `PK = A#<account>#P#<payment_request_id>`.
 * - A quarantined delivery: `PK = Q#<signing_key_id>#<event id or body hash>`.
 * - A job that cancels many: `PK = A#<account>#J#<job_id>`, what it names with `#IDS` behind, its report with `#<page>`.
 */
export const tableSchema = {
  partitionKey: 'PK',
  /** Seconds since 1970 after which DynamoDB may delete the item; retention only, never a timer. */
  timeToLive: 'expires_at',
  /** Sparse: what still needs something, by when to look at it. */
  dueIndex: { name: 'due', partitionKey: 'due_shard', sortKey: 'reconcile_after' },
  /** The Payment Requests of a session, oldest first: `A#<account>#S#<session_id>`. */
  sessionIndex: { name: 'session', partitionKey: 'session_key', sortKey: 'created_at' },
  /** The Payment Requests of an account in one state, oldest first: `A#<account>#<state>` by `<created_at>#<payment_request_id>`. */
  stateIndex: { name: 'state', partitionKey: 'state_key', sortKey: 'listed_as' },
} as const;
