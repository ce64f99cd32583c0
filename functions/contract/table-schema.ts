/**
 * The table: the names of its keys and indexes, shared by the adapter and the stack. docs/reference/stored-record.md describes every
 * attribute.
 *
 * - A Payment Request: `PK = A#<account>#P#<payment_request_id>`.
 * - Reports of authorizations that name only a reference: `PK = A#<account>#T#<reference>`.
 * - A quarantined delivery: `PK = Q#<signing_key_id>#<event id or body hash>`.
 * - A cancel job: `PK = A#<account>#J#<job_id>`; its targets end in `#IDS`, the pages of its report in `#<page>`.
 * - What waits for a request with a reference: `PK = A#<account>#R#<reference>`.
 * - What is stored about an account without an entry: `PK = A#<account>#SETTINGS`.
 * - The names of the credentials whose secrets the stack did not create: `PK = CREDENTIALS`.
 * - When the last webhook with a signing key arrived: `PK = K#<signing_key_id>`.
 * - What `lapse connect` has begun for a credential: `PK = NEW-KEY#<credential>`.
 * - What the processes share of a credential, its rate limit and its last use: `PK = RATE#<credential>`.
 * - The lease of the sweep: `PK = SWEEP`.
 *
 * The indexes hold keys only. Each is sparse: an item without its partition key is not in it. So a write pays for an index only where
 * it moves the item there.
 */
export const tableSchema = {
  partitionKey: 'PK',
  /** The partition key of the one item that the sweep holds while it runs. */
  sweepLease: 'SWEEP',
  /** The partition key of the item that names the credentials whose secrets the stack did not create. */
  credentials: 'CREDENTIALS',
  /** Seconds since 1970 after which DynamoDB may delete the item; retention only, never a timer. */
  timeToLive: 'ttl',
  /** Records that need work, by the time when they are due. In eight shards. */
  dueIndex: { name: 'due', partitionKey: 'd', sortKey: 'da' },
  /** The open Payment Requests of an account: `<account>` by `<created_at>#<end of the id>`. Also the jobs: `<account>#JOBS`. */
  openIndex: { name: 'open', partitionKey: 'o', sortKey: 'ct' },
  /** The Payment Requests of a session: `<account>#<session_id>`. */
  sessionIndex: { name: 'session', partitionKey: 'sk', sortKey: 'ct' },
  /** The Payment Requests with a reference of the shop: `<account>#<reference>`. */
  referenceIndex: { name: 'reference', partitionKey: 'rk', sortKey: 'ct' },
  /** Records of all accounts that need a person, by the time since when: `<since>#<end of the id>`. In four shards. */
  attentionIndex: { name: 'attention', partitionKey: 'ak', sortKey: 'aa' },
} as const;

/** Every index, in the order in which the table declares them. */
export const tableIndexes = [
  tableSchema.dueIndex,
  tableSchema.openIndex,
  tableSchema.sessionIndex,
  tableSchema.referenceIndex,
  tableSchema.attentionIndex,
] as const;
