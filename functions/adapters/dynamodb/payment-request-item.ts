import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Account, EventId, PaymentRequestKey, SessionId } from '../../domain/identifiers.ts';
import { listCursorOf } from '../../domain/list-cursor.ts';
import type { HistoryEntry, PaymentRequest } from '../../domain/payment-request.ts';
import type { PaymentRequestState } from '../../domain/payment-request-state.ts';
import { tableSchema } from '../../contract/table-schema.ts';

/** An item as plain values. The SDK marshals them for DynamoDB. */
export type Item = Readonly<Record<string, unknown>>;

/** Each history entry is a top-level attribute, because a nested path requires its parent to exist. */
export const historyAttribute = (eventId: EventId): string => `${historyPrefix}${eventId}`;
const historyPrefix = 'h#';

/** The partition key of a record. */
export const partitionKeyOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `A#${account}#P#${paymentRequestId}`;

/**
 * The key from which {@link partitionKeyOf} made the text, or `undefined` for an item that is not a Payment Request.
 */
export function keyOfPartition(partitionKey: string): PaymentRequestKey | undefined {
  const match = /^A#([^#]+)#P#(.+)$/.exec(partitionKey);
  if (!match) return undefined;
  const [, account, paymentRequestId] = match;
  return { account, paymentRequestId } as unknown as PaymentRequestKey;
}

/** The partitions of the due index: enough for thousands of writes a second, few enough to query every minute. */
export const dueShards = Array.from({ length: 8 }, (_, shard) => `DUE#${shard}`);

/** Returns the same shard for the same record every time. */
export const dueShardOf = (key: PaymentRequestKey): string =>
  dueShards[Number.parseInt(hash('sha256', partitionKeyOf(key)).slice(0, 2), 16) % dueShards.length] ??
  'DUE#0';

/** The partition of the session index that holds one session of an account. */
export const sessionKeyOf = (account: Account, sessionId: SessionId): string => `A#${account}#S#${sessionId}`;

/**
 * The partition of the state index for an account and a state. Without a state, it holds requests that Klarna has not
 * reported yet.
 */
export const stateKeyOf = (account: Account, state: PaymentRequestState | undefined): string =>
  `A#${account}#${state ?? 'UNHEARD'}`;

/** The record as its item. Attributes without a value are `undefined`, and marshalling leaves them out. */
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

/** Attributes derived from others. An item written by older code may lack one even if its source has not changed. */
const derivedAttributes: ReadonlySet<string> = new Set([
  tableSchema.sessionIndex.partitionKey,
  tableSchema.stateIndex.partitionKey,
  tableSchema.stateIndex.sortKey,
  tableSchema.dueIndex.partitionKey,
]);

/**
 * What a write changes: the attributes whose value in `next` differs from the stored item, and `undefined` for those
 * to remove. Attributes that this code does not know are in neither, so they stay as they are.
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

/** The time, in seconds since 1970, after which DynamoDB may delete the item: the retention after its last change. */
export const timeToLive = (updatedAtMillis: number, retentionDays: number): number =>
  Math.floor(updatedAtMillis / 1000) + retentionDays * 86_400;

/** The stored form of a history entry. Its id is the attribute's name and is left out. */
export const toHistoryItem = ({ eventId: _, ...entry }: HistoryEntry): Item => entry;

/** The history entry of which {@link toHistoryItem} made the stored form. */
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

/** An item's attributes have no order. Of two facts recorded at the same moment, the event id decides. */
export function oldestFirst(a: HistoryEntry, b: HistoryEntry): number {
  if (a.recordedAt !== b.recordedAt) return a.recordedAt < b.recordedAt ? -1 : 1;
  return a.eventId < b.eventId ? -1 : 1;
}
