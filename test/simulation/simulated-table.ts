import { fromStoredEntry, type StoredEntry } from '../../functions/adapters/dynamodb/stored-history.ts';
import {
  addedEntries,
  decode,
  type Item,
  toItem,
} from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { PaymentRequestStore, WriteResult } from '../../functions/application/ports.ts';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import type { Account, PaymentRequestKey, Reference, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { InMemoryPaymentRequestStore, nameOf } from '../support/in-memory-payment-request-store.ts';

/** How one version of the code reads and writes an item. */
export interface Codec {
  readonly toItem: (record: PaymentRequest) => Item;
  readonly fromItem: (item: Item) => PaymentRequest;
}

const retentionDays = 90;

/** Each stored entry as it is read: once, so that the entry of every version of a record is the same object. */
const readEntries = new WeakMap<StoredEntry, HistoryEntry>();

function entryOf(value: unknown): HistoryEntry {
  const stored = value as StoredEntry;
  const known = readEntries.get(stored);
  if (known) return known;
  const entry = fromStoredEntry(stored);
  if (!entry) throw new Error(`an entry cannot be read: ${JSON.stringify(stored)}`);
  readEntries.set(stored, entry);
  return entry;
}

/** The codec of the code in this repository. */
export const currentCodec: Codec = {
  toItem: (record) => ({ ...toItem(record, retentionDays) }),
  fromItem: (item) => {
    const { record, unreadable } = decode(item, entryOf);
    if (unreadable.length > 0) throw new Error(`${unreadable.join(', ')} cannot be read`);
    return record;
  },
};

/**
 * The changes that a write makes to an item: those of the adapter, which does not know the stored item, or those of a
 * mutant.
 */
export type Changes = (read: Item, next: Item, stored: Item) => ReadonlyMap<string, unknown>;

/** A write to the table: its place in the stream, and the record before and after it. */
export interface WrittenChange {
  readonly sequenceNumber: string;
  readonly before: PaymentRequest | undefined;
  readonly after: PaymentRequest;
}

/** A write as its items. */
export interface ItemWrite extends WrittenChange {
  readonly itemBefore: Item;
  readonly itemAfter: Item;
}

/**
 * The in-memory store with the real codec: every record that is read has been an item, as DynamoDB would have stored
 * it. As in DynamoDB, a write changes only the attributes that the writer changed. Every write is in the stream, in
 * order.
 */
export class SimulatedTable extends InMemoryPaymentRequestStore {
  /** Every write in order: the records before and after it, as they are read from their items. */
  readonly stream: WrittenChange[] = [];
  readonly #items = new Map<string, Item>();
  /** Records as they were or would be written, by codec. */
  readonly #written = new WeakMap<Codec, WeakMap<PaymentRequest, Item>>();
  readonly #changes: Changes;
  readonly #onWrite: (write: ItemWrite) => void;
  #codec = currentCodec;
  /** The record that the write started from, as the writer read it. Without one, the write names all that it sets. */
  #read: PaymentRequest | undefined;

  readonly #isCoded: boolean;

  /** @param isCoded whether every record goes through its item. Otherwise it is kept as it was written, which takes less time. */
  constructor(changes: Changes, isCoded: boolean, onWrite: (write: ItemWrite) => void) {
    super();
    this.#changes = changes;
    this.#isCoded = isCoded;
    this.#onWrite = onWrite;
  }

  /** The store as a version of the code sees it. */
  seenBy(codec: Codec): PaymentRequestStore {
    const shown = (result: WriteResult): WriteResult =>
      result.written || codec === currentCodec
        ? result
        : { written: false, stored: this.#viewOf(result.stored, codec) };
    return {
      read: (key) => Promise.resolve(this.#viewOf(this.records.get(nameOf(key)), codec)),
      readAll: (keys) =>
        Promise.resolve(keys.flatMap((key) => this.#viewOf(this.records.get(nameOf(key)), codec) ?? [])),
      observe: (key, observation) => {
        this.#codec = codec;
        this.#read = this.#viewOf(this.records.get(nameOf(key)), codec);
        return this.observe(key, observation).then(shown);
      },
      noteStale: (key, ...noted) => {
        this.#codec = codec;
        this.#read = this.#viewOf(this.records.get(nameOf(key)), codec);
        return this.noteStale(key, ...noted).then(shown);
      },
      register: async (made) => {
        this.#codec = codec;
        this.#read = this.#viewOf(this.records.get(nameOf(made)), codec);
        const result = await this.register(made);
        return result.written
          ? { written: true, record: this.#viewOf(result.record, codec) ?? result.record }
          : { written: false, stored: this.#viewOf(result.stored, codec) };
      },
      authorize: (key, report) => {
        this.#codec = codec;
        this.#read = this.#viewOf(this.records.get(nameOf(key)), codec);
        return this.authorize(key, report).then(shown);
      },
      save: (current, next) => {
        this.#codec = codec;
        this.#read = current && current.version > 0 ? current : undefined;
        return this.save(current, next).then(shown);
      },
    };
  }

  #viewOf(record: PaymentRequest | undefined, codec: Codec): PaymentRequest | undefined {
    if (!record || codec === currentCodec) return record;
    return codec.fromItem(this.#items.get(nameOf(record)) ?? {});
  }

  protected override keep(record: PaymentRequest): void {
    if (this.#isCoded) this.#keepCoded(record);
    else this.#add(record, {}, {});
  }

  #keepCoded(record: PaymentRequest): void {
    const name = nameOf(record);
    const codec = this.#codec;
    const read = this.#read;
    const stored = this.#items.get(name) ?? {};
    // Fields that the writer leaves out keep the values that it has read.
    const next = codec === currentCodec ? record : { ...read, ...record };
    const wanted = codec.toItem(next);
    const item: Record<string, unknown> = { ...stored, PK: wanted['PK'] };
    for (const [attribute, value] of this.#changes(this.#itemOf(read, codec), wanted, stored)) {
      if (value === undefined) Reflect.deleteProperty(item, attribute);
      else if (attribute === 'h') item[attribute] = keptHistory(stored, { read, record, value });
      else item[attribute] = asKept(value);
    }
    this.#items.set(name, item);
    const after = currentCodec.fromItem(item);
    this.#remember(codec, record, wanted);
    if (codec === currentCodec) this.#remember(codec, after, wanted);
    this.#add(after, stored, item);
  }

  /** Puts a whole item in the place of another, if the stored version is this one. Returns whether it did. */
  replace(current: PaymentRequest, next: PaymentRequest): boolean {
    const name = nameOf(current);
    if (this.records.get(name)?.version !== current.version) return false;
    if (!this.#isCoded) {
      this.#add(next, {}, {});
      return true;
    }
    const before = this.#items.get(name) ?? {};
    const item = asKept(currentCodec.toItem(next)) as Item;
    this.#items.set(name, item);
    this.#add(currentCodec.fromItem(item), before, item);
    return true;
  }

  /** Deletes an item, if the stored version is this one. Returns whether it did. No function may. */
  remove(current: PaymentRequest): boolean {
    const name = nameOf(current);
    if (this.records.get(name)?.version !== current.version) return false;
    this.#items.delete(name);
    return this.records.delete(name);
  }

  #add(after: PaymentRequest, itemBefore: Item, itemAfter: Item): void {
    const name = nameOf(after);
    const before = this.records.get(name);
    this.records.set(name, after);
    const write = { sequenceNumber: String(this.stream.length), before, after };
    this.stream.push(write);
    this.#onWrite({ ...write, itemBefore, itemAfter });
  }

  #itemOf(record: PaymentRequest | undefined, codec: Codec): Item {
    if (!record) return {};
    return this.#written.get(codec)?.get(record) ?? codec.toItem(record);
  }

  #remember(codec: Codec, record: PaymentRequest, item: Item): void {
    const items = this.#written.get(codec) ?? new WeakMap<PaymentRequest, Item>();
    items.set(record, item);
    this.#written.set(codec, items);
  }

  /** Keys of the records of a session, oldest first. */
  sessionKeys(account: Account, sessionId: SessionId): PaymentRequestKey[] {
    return this.#keysOf(account, (record) => record.sessionId === sessionId);
  }

  /** Keys of the records with a reference, oldest first. */
  referenceKeys(account: Account, reference: Reference): PaymentRequestKey[] {
    return this.#keysOf(account, (record) => record.reference === reference);
  }

  #keysOf(account: Account, holds: (record: PaymentRequest) => boolean): PaymentRequestKey[] {
    return [...this.records.values()]
      .filter((record) => record.account === account && holds(record))
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
      .map(({ paymentRequestId }) => ({ account, paymentRequestId }));
  }

  /** Keys of the records that are due, the longest overdue first. */
  dueKeys(now: Instant): PaymentRequestKey[] {
    return [...this.records.values()]
      .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
      .sort((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1))
      .map(({ account, paymentRequestId }) => ({ account, paymentRequestId }));
  }

  /** The time when the first record is due, if any is. */
  firstDue(): Instant | undefined {
    let first: Instant | undefined;
    for (const { dueAt } of this.records.values()) {
      if (dueAt !== undefined && (first === undefined || dueAt < first)) first = dueAt;
    }
    return first;
  }
}

/** The entries as DynamoDB returns them. An entry that has been stored before is the same object. */
const keptEntries = new WeakMap<StoredEntry, StoredEntry>();

/** As the adapter writes it: entries are added at the end, or the whole history is replaced. */
function keptHistory(
  stored: Item,
  write: {
    readonly read: PaymentRequest | undefined;
    readonly record: PaymentRequest;
    readonly value: unknown;
  },
): readonly StoredEntry[] {
  const all = write.value as readonly StoredEntry[];
  const added = write.read && addedEntries(write.read, write.record);
  if (!added) return all.map(keptEntry);
  return [
    ...((stored['h'] ?? []) as readonly StoredEntry[]),
    ...all.slice(all.length - added.length).map(keptEntry),
  ];
}

function keptEntry(entry: StoredEntry): StoredEntry {
  const known = keptEntries.get(entry);
  if (known) return known;
  const kept = asKept(entry) as StoredEntry;
  keptEntries.set(entry, kept);
  keptEntries.set(kept, kept);
  return kept;
}

/** What DynamoDB returns for a value in a record: the same value without undefined members. */
export function asKept(value: unknown): unknown {
  if (value === undefined || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Number.isSafeInteger(value)) return value;
  if (Array.isArray(value)) return value.map(asKept);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    throw new TypeError(`a record cannot contain a ${typeof value}`);
  const kept: Record<string, unknown> = {};
  const given = value as Record<string, unknown>;
  for (const name in given) if (given[name] !== undefined) kept[name] = asKept(given[name]);
  return kept;
}
