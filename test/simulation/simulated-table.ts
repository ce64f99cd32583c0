import { isDeepStrictEqual } from 'node:util';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  fromItem,
  type Item,
  partitionKeyOf,
  toItem,
} from '../../functions/adapters/dynamodb/payment-request-item.ts';
import type { WrittenChange } from '../../functions/application/publish-state-changes.ts';
import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
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

  protected override keep(record: PaymentRequest): void {
    const name = partitionKeyOf(record);
    const stored = this.#items.get(name) ?? {};
    const wanted = toItem(record, retentionDays);
    const changed: Record<string, unknown> = {};
    for (const attribute in wanted) {
      const value = wanted[attribute];
      if (!isSame(stored[attribute], value)) changed[attribute] = value;
    }
    const put = marshall(changed, marshalling);
    const item: Record<string, unknown> = { ...stored, ...unmarshall(put) };
    for (const attribute in stored) if (!(attribute in wanted)) Reflect.deleteProperty(item, attribute);
    this.#items.set(name, item);
    const before = this.records.get(nameOf(record));
    const after = fromItem(item);
    this.records.set(nameOf(record), after);
    const write: WrittenChange = { sequenceNumber: String(this.stream.length), before, after };
    this.stream.push(write);
    this.#onWrite(write);
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
