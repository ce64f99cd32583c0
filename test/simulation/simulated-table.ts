import {
  fromHistoryItem,
  fromItem,
  type Item,
  oldestFirst,
  toHistoryItem,
  toItem,
} from '../../functions/adapters/dynamodb/payment-request-item.ts';
import type { WrittenChange } from '../../functions/application/publish-state-changes.ts';
import type { Account, PaymentRequestKey, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { InMemoryPaymentRequestStore, nameOf } from '../support/in-memory-payment-request-store.ts';

const retentionDays = 90;

/**
 * The in-memory store with the real codec: what is read has been an item, as DynamoDB would have kept it. Every write is in
 * the stream, in order.
 */
export class SimulatedTable extends InMemoryPaymentRequestStore {
  /** Every write, in order: the records before and after it, as they are read back from their items. */
  readonly stream: WrittenChange[] = [];
  readonly #onWrite: (write: WrittenChange) => void;

  constructor(onWrite: (write: WrittenChange) => void) {
    super();
    this.#onWrite = onWrite;
  }

  /** What was stored already and is the very object that was read is not coded again. */
  protected override keep(record: PaymentRequest): void {
    const name = nameOf(record);
    const before = this.records.get(name);
    const item: Record<string, unknown> = { ...toItem({ ...record, history: [] }, retentionDays) };
    for (const attribute in item) item[attribute] = asKept(item[attribute]);
    const history = record.history.map((entry) =>
      before?.history.includes(entry)
        ? entry
        : fromHistoryItem(entry.eventId, asKept(toHistoryItem(entry)) as Item),
    );
    const after = { ...fromItem(item), history: history.sort(oldestFirst) };
    this.records.set(name, after);
    const write: WrittenChange = { sequenceNumber: String(this.stream.length), before, after };
    this.stream.push(write);
    this.#onWrite(write);
  }

  /** Keys of the records of a session, the oldest first. */
  sessionKeys(account: Account, sessionId: SessionId): PaymentRequestKey[] {
    return [...this.records.values()]
      .filter((record) => record.account === account && record.sessionId === sessionId)
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
      .map(({ paymentRequestId }) => ({ account, paymentRequestId }));
  }

  /** Keys of the records that are due, the longest overdue first. */
  dueKeys(now: Instant, limit: number): PaymentRequestKey[] {
    return [...this.records.values()]
      .filter(({ reconcileAfter }) => reconcileAfter !== undefined && reconcileAfter <= now)
      .sort((a, b) => ((a.reconcileAfter ?? '') < (b.reconcileAfter ?? '') ? -1 : 1))
      .slice(0, limit)
      .map(({ account, paymentRequestId }) => ({ account, paymentRequestId }));
  }

  /** When the first record is due, if any is. */
  firstDue(): Instant | undefined {
    let first: Instant | undefined;
    for (const { reconcileAfter } of this.records.values()) {
      if (reconcileAfter !== undefined && (first === undefined || reconcileAfter < first))
        first = reconcileAfter;
    }
    return first;
  }
}

/** What DynamoDB gives back of a value that a record is made of: the same, without the members that are undefined. */
export function asKept(value: unknown): unknown {
  if (value === undefined || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Number.isSafeInteger(value)) return value;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    throw new TypeError(`no record is made of a ${typeof value}`);
  const kept: Record<string, unknown> = {};
  const given = value as Record<string, unknown>;
  for (const name in given) if (given[name] !== undefined) kept[name] = asKept(given[name]);
  return kept;
}
