import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Account, EventId, PaymentRequestKey, SessionId } from '../../domain/identifiers.ts';
import { listCursorOf } from '../../domain/list-cursor.ts';
import type { HistoryEntry, PaymentRequest } from '../../domain/payment-request.ts';
import type { PaymentRequestState } from '../../domain/payment-request-state.ts';
import { tableSchema } from '../../contract/table-schema.ts';

/** An item as plain values: what marshalling makes of it is DynamoDB's business. */
export type Item = Readonly<Record<string, unknown>>;

/** The attribute of a history entry is an attribute of its own: a nested path would need its parent to exist. */
export const historyAttribute = (eventId: EventId): string => `${historyPrefix}${eventId}`;
const historyPrefix = 'h#';

export const partitionKeyOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `A#${account}#P#${paymentRequestId}`;

/** The key that {@link partitionKeyOf} was made from; `undefined` for an item that is no Payment Request. */
export function keyOfPartition(partitionKey: string): PaymentRequestKey | undefined {
  const match = /^A#([^#]+)#P#(.+)$/.exec(partitionKey);
  if (!match) return undefined;
  const [, account, paymentRequestId] = match;
  return { account, paymentRequestId } as unknown as PaymentRequestKey;
}

/** The partitions of the due index: enough for some thousand writes a second, few enough to query every minute. */
export const dueShards = Array.from({ length: 8 }, (_, shard) => `DUE#${shard}`);

/** The same record is always in the same shard. */
export const dueShardOf = (key: PaymentRequestKey): string =>
  dueShards[Number.parseInt(hash('sha256', partitionKeyOf(key)).slice(0, 2), 16) % dueShards.length] ??
  'DUE#0';

/** The partition of the session index that holds a session of an account. */
export const sessionKeyOf = (account: Account, sessionId: SessionId): string => `A#${account}#S#${sessionId}`;

/** The partition of the state index that holds what an account has in a state; without one, what Klarna has not spoken of. */
export const stateKeyOf = (account: Account, state: PaymentRequestState | undefined): string =>
  `A#${account}#${state ?? 'UNHEARD'}`;

/** The record as its item. Attributes without a value are `undefined`, which marshalling leaves out. */
export function toItem(record: PaymentRequest, retentionDays: number): Item {
  const { evidence, session, cancellation } = record;
  const item: Record<string, unknown> = {
    account: record.account,
    payment_request_id: record.paymentRequestId,
    session_id: record.sessionId,
    reference: record.reference,
    state: record.state,
    previous_state: record.previousState,
    state_reason: record.stateReason,
    occurred_at: record.occurredAt,
    position: record.position,
    evidence,
    klarna_expires_at: record.klarnaExpiresAt,
    session,
    deadline_at: record.deadlineAt,
    timer: record.timer,
    cancellation,
    attention: record.attention,
    attempts: record.attempts,
    history_dropped: record.historyDropped,
    version: record.version,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    [tableSchema.partitionKey]: partitionKeyOf(record),
    [tableSchema.sessionIndex.partitionKey]:
      record.sessionId && sessionKeyOf(record.account, record.sessionId),
    [tableSchema.stateIndex.partitionKey]: stateKeyOf(record.account, record.state),
    [tableSchema.stateIndex.sortKey]: listCursorOf(record),
    [tableSchema.dueIndex.partitionKey]: record.reconcileAfter && dueShardOf(record),
    [tableSchema.dueIndex.sortKey]: record.reconcileAfter,
    [tableSchema.timeToLive]: timeToLive(Date.parse(record.updatedAt), retentionDays),
  };
  for (const entry of record.history) item[historyAttribute(entry.eventId)] = toHistoryItem(entry);
  return item;
}

/** Attributes that are made of others: an item that older code wrote may lack one though what it is made of has not changed. */
const derivedAttributes: ReadonlySet<string> = new Set([
  tableSchema.sessionIndex.partitionKey,
  tableSchema.stateIndex.partitionKey,
  tableSchema.stateIndex.sortKey,
  tableSchema.dueIndex.partitionKey,
]);

/**
 * What a write changes: the attributes that have another value in `next` than in the item that was read, and `undefined` for
 * those that go. What this code does not know is in neither, and so is left as it is, whoever wrote it.
 */
export function changedAttributes(read: Item, next: Item): ReadonlyMap<string, unknown> {
  const changed = new Map<string, unknown>();
  for (const attribute in next) {
    const value = next[attribute];
    const isNamed = value !== undefined && derivedAttributes.has(attribute);
    if (isNamed || !isDeepStrictEqual(read[attribute], value)) changed.set(attribute, value);
  }
  for (const attribute in read) if (!(attribute in next)) changed.set(attribute, undefined);
  changed.delete(tableSchema.partitionKey);
  return changed;
}

/** Seconds since 1970 after which the item may go: so many days after its last change. */
export const timeToLive = (updatedAtMillis: number, retentionDays: number): number =>
  Math.floor(updatedAtMillis / 1000) + retentionDays * 86_400;

/** What is stored of a history entry: all but its id, which is the attribute's name. */
export const toHistoryItem = ({ eventId: _, ...entry }: HistoryEntry): Item => entry;

/** The history entry of what {@link toHistoryItem} made. */
export const fromHistoryItem = (eventId: EventId, item: Item): HistoryEntry =>
  ({ ...item, eventId }) as unknown as HistoryEntry;

/** The record of an item that this adapter wrote. */
export function fromItem(item: Item): PaymentRequest {
  const history: HistoryEntry[] = [];
  for (const name in item) {
    if (!name.startsWith(historyPrefix)) continue;
    history.push(fromHistoryItem(name.slice(historyPrefix.length) as EventId, item[name] as Item));
  }
  history.sort(oldestFirst);
  return {
    account: item['account'],
    paymentRequestId: item['payment_request_id'],
    sessionId: item['session_id'],
    reference: item['reference'],
    state: item['state'],
    previousState: item['previous_state'],
    stateReason: item['state_reason'],
    occurredAt: item['occurred_at'],
    position: item['position'],
    evidence: item['evidence'],
    klarnaExpiresAt: item['klarna_expires_at'],
    session: item['session'],
    deadlineAt: item['deadline_at'],
    timer: item['timer'] ?? 'none',
    cancellation: item['cancellation'],
    attention: item['attention'],
    reconcileAfter: item[tableSchema.dueIndex.sortKey],
    attempts: item['attempts'] ?? 0,
    history,
    historyDropped: item['history_dropped'] ?? 0,
    version: item['version'],
    createdAt: item['created_at'],
    updatedAt: item['updated_at'],
  } as unknown as PaymentRequest;
}

/** An item's attributes have no order: of two facts learnt at the same moment the event id decides. */
export function oldestFirst(a: HistoryEntry, b: HistoryEntry): number {
  if (a.recordedAt !== b.recordedAt) return a.recordedAt < b.recordedAt ? -1 : 1;
  return a.eventId < b.eventId ? -1 : 1;
}
