import { isDeepStrictEqual } from 'node:util';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  fromItem,
  historyAttribute,
  type Item,
  oldestFirst,
  toItem,
} from '../../functions/adapters/dynamodb/payment-request-item.ts';
import type { WrittenChange } from '../../functions/application/publish-state-changes.ts';
import type { Account, PaymentRequestKey, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { HistoryEntry, PaymentRequest } from '../../functions/domain/payment-request.ts';
import { InMemoryPaymentRequestStore, nameOf } from '../support/in-memory-payment-request-store.ts';

const retentionDays = 90;
const marshalling = { removeUndefinedValues: true } as const;

/**
 * The in-memory store with the real codec: what is stored is the marshalled item, and what is read is unmarshalled from it.
 * As in DynamoDB only attributes that differ are written. Every write is in the stream, in order.
 */
export class SimulatedTable extends InMemoryPaymentRequestStore {
  /** Every write, in order: the records before and after it, as they are read back from their items. */
  readonly stream: WrittenChange[] = [];
  readonly #items = new Map<string, Item>();
  readonly #onWrite: (write: WrittenChange) => void;

  constructor(onWrite: (write: WrittenChange) => void) {
    super();
    this.#onWrite = onWrite;
  }

  /** Entries that were stored already are not coded again: they are the very objects that were read. */
  protected override keep(record: PaymentRequest): void {
    const name = nameOf(record);
    const before = this.records.get(name);
    const known = new Set(before?.history);
    const stored = this.#items.get(name) ?? {};
    const isNew = (entry: HistoryEntry) => !known.has(entry);
    const wanted = toItem({ ...record, history: record.history.filter(isNew) }, retentionDays);
    const changed: Record<string, unknown> = {};
    const item: Record<string, unknown> = {};
    for (const attribute in wanted) {
      const value = wanted[attribute];
      if (isSame(stored[attribute], value)) item[attribute] = stored[attribute];
      else changed[attribute] = value;
    }
    Object.assign(item, unmarshall(marshall(changed, marshalling)));
    const read = fromItem(item);
    const kept = record.history.filter((entry) => known.has(entry));
    const after = { ...read, history: [...kept, ...read.history].sort(oldestFirst) };
    for (const { eventId } of read.history) Reflect.deleteProperty(item, historyAttribute(eventId));
    this.#items.set(name, item);
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

const isSame = (a: unknown, b: unknown): boolean =>
  a === b || (a !== undefined && typeof b === 'object' && isDeepStrictEqual(a, b));
