import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  paginateQuery,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type {
  DuePaymentRequests,
  ListSelection,
  OnUnreadable,
  PaymentRequestList,
  PaymentRequestStore,
  ReferencedPaymentRequests,
  RegisterResult,
  SessionPaymentRequests,
  WriteResult,
} from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { changeOf } from '../../domain/change.ts';
import { authorizedEntry, authorizedFields, type AuthorizationReport } from '../../domain/confirmation.ts';
import type { HistoryEntry } from '../../domain/history-entry.ts';
import { bytesOf, roomIn } from '../../domain/history.ts';
import type { Account, PaymentRequestKey, Reference, SessionId } from '../../domain/identifiers.ts';
import { type Instant, millisOf } from '../../domain/instant.ts';
import { type ListCursor, listCursorOf, type ListedPaymentRequest } from '../../domain/list-cursor.ts';
import { latestPositionAt, type Observation, type Position, positionOf } from '../../domain/observation.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import { isOpen } from '../../domain/payment-request-state.ts';
import { TransientError } from '../../domain/transient-error.ts';
import { UnreadableRecordError } from '../../domain/unreadable-record-error.ts';
import {
  appliedEntry,
  isStaleForGood,
  isUnread,
  observedFields,
  staleEntry,
  unreadLimit,
} from '../../domain/transition.ts';
import {
  attentionShards,
  dueShardOf,
  dueShards,
  keyOfPartition,
  observedKeyOf,
  partitionKeyOf,
  referenceKeyOf,
  sessionKeyOf,
  timeToLive,
} from './record-keys.ts';
import { changeCodes, kinds, noState, toStoredChange, toStoredEntry, toTime } from './stored-history.ts';
import {
  addedEntries,
  type Attribute,
  changedAttributes,
  decode,
  type Item,
  toItem,
  toStoredConfirmation,
} from './stored-payment-request.ts';
import { getItem, plainItem, type TableAccess, updateItem } from './table-items.ts';
import { type Expressions, UpdateBuilder } from './update-expression.ts';

/** The table, and for how many days after its last change an item is kept. */
export interface TableOptions extends TableAccess {
  readonly retentionDays: number;
  /** Called with the names of attributes that could not be read. The record is used without them. */
  readonly onUnreadable?: (key: PaymentRequestKey, attributes: readonly string[]) => void;
}

/** Rounds in which DynamoDB may leave some reads of a batch for later. */
const batchRounds = 5;

/** Milliseconds before the second round; twice as long before each further one. */
const firstBatchPause = 20;

/** The store on one DynamoDB table: one item per Payment Request, and one conditional UpdateItem per write. */
export class DynamoDbPaymentRequestStore
  implements
    PaymentRequestStore,
    DuePaymentRequests,
    SessionPaymentRequests,
    ReferencedPaymentRequests,
    PaymentRequestList
{
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async read(key: PaymentRequestKey): Promise<PaymentRequest | undefined> {
    const item = await getItem(this.#options, partitionKeyOf(key));
    return item && this.#recordOf(item);
  }

  async readAll(
    keys: readonly PaymentRequestKey[],
    onUnreadable?: OnUnreadable,
  ): Promise<readonly PaymentRequest[]> {
    const { client, tableName } = this.#options;
    const found = new Map<string, PaymentRequest>();
    let wanted: Record<string, AttributeValue>[] = keys.map((key) => ({
      [tableSchema.partitionKey]: { S: partitionKeyOf(key) },
    }));
    for (let round = 0; wanted.length > 0; round += 1) {
      if (round === batchRounds) throw new TransientError(`DynamoDB left ${wanted.length} reads undone`);
      if (round > 0) await wait(firstBatchPause * 2 ** round);
      const { Responses: responses, UnprocessedKeys: undone } = await client.send(
        new BatchGetItemCommand({
          RequestItems: { [tableName]: { Keys: wanted, ConsistentRead: true } },
        }),
      );
      for (const item of responses?.[tableName] ?? []) {
        try {
          const record = this.#recordOf(plainItem(item));
          found.set(partitionKeyOf(record), record);
        } catch (error) {
          if (!onUnreadable || !(error instanceof UnreadableRecordError)) throw error;
          onUnreadable(error);
        }
      }
      wanted = undone?.[tableName]?.Keys ?? [];
    }
    return keys.flatMap((key) => found.get(partitionKeyOf(key)) ?? []);
  }

  /**
   * `isUnread` as a condition, and `observedVersion` as an update. The first write is for a record in another state, which makes an event.
   * Where the record has the state already, a second write makes none. The first write of an approval is for a request that was
   * registered or that the sweep has looked at. For any other, a second write leaves it due.
   */
  async observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult> {
    const result = await this.#update(key, this.#observation(key, observation, 'another state'));
    if (result.written) return result;
    const { stored } = result;
    if (stored && !isUnread(stored, observation)) return result;
    const { state } = observation;
    if (state === 'COMPLETED' && (!stored || stored.timer === 'undecided')) {
      return this.#update(key, this.#observation(key, observation, 'an undecided timer'));
    }
    return stored?.state === state
      ? this.#update(key, this.#observation(key, observation, 'the same state'))
      : result;
  }

  /** The update for a record in another state or in the same. DynamoDB copies the state before it, which only the table knows. */
  #observation(
    key: PaymentRequestKey,
    observation: Observation,
    from: 'another state' | 'the same state' | 'an undecided timer',
  ): Expressions {
    const { state, previousState, stateReason, observedAt } = observation;
    const entry = appliedEntry(observation);
    const isNew = from !== 'the same state';
    const isDecided = from !== 'an undecided timer';
    const change = changeOf('state_changed', entry, { state, previousState, stateReason });
    const update = this.#addEntry(observedAt, entry)
      .put('ps', previousState)
      .put('sr', stateReason)
      .put('es', kinds.encode(observation.source))
      .put('et', toTime(observedAt))
      .put('q', undefined)
      .put('c', isNew ? [toStoredChange(change, observedFields(observation))] : undefined)
      .increment('sq', isNew ? 1 : 0)
      .putIfAbsent('ct', listCursorOf({ ...key, createdAt: observedAt }));
    putReference(update, key, observation);
    const before = update.name('s');
    const position = update.name('p');
    const room = update.name('rm');
    const conditions = [
      `(attribute_not_exists(${position}) OR ${position} < ${update.value(unreadLimit(observation))})`,
      isNew
        ? `(attribute_not_exists(${before}) OR ${before} <> ${update.value(state)})`
        : `${before} = ${update.value(state)}`,
      `(attribute_not_exists(${room}) OR ${room} >= ${update.value(bytesOf(entry))})`,
      `attribute_not_exists(${update.name('er')})`,
    ];
    if (state === 'SUBMITTED') conditions.push(`attribute_not_exists(${update.name('ke')})`);
    if (state === 'COMPLETED') conditions.push(`attribute_not_exists(${update.name('so')})`);
    if (state === 'COMPLETED') {
      const decided = isDecided ? 'attribute_exists' : 'attribute_not_exists';
      conditions.push(`${decided}(${update.name('tm')})`, `attribute_not_exists(${update.name('wa')})`);
    }
    if (isNew && previousState === undefined) update.copy('cp', 's', noState);
    else update.put('cp', undefined);
    update.put('s', state).put('p', positionOf(observation));
    if (observation.klarnaExpiresAt) update.put('kx', toTime(observation.klarnaExpiresAt));
    if (isOpen(state)) {
      const question = `${update.name('q')}.${update.name('a')}`;
      conditions.push(`NOT ${question} = ${update.value('time')}`);
      // The request may never be registered. The sweep reads the record once and arms the account's default timer if
      // it has one.
      update.put('o', key.account);
    } else {
      update.put('o', undefined);
      const outcome = `${update.name('x')}.${update.name('o')}`;
      const unsettled = [update.value('claimed'), update.value('pending')].join(', ');
      conditions.push(`attribute_not_exists(${update.name('at')})`, `NOT ${outcome} IN (${unsettled})`);
    }
    if (isOpen(state) || !isDecided) update.putIfAbsent('da', observedAt).putIfAbsent('d', dueShardOf(key));
    else update.put('da', undefined).put('d', undefined);
    return update.when(conditions.join(' AND '));
  }

  async noteStale(
    key: PaymentRequestKey,
    observation: Observation,
    { against, at }: { readonly against: Position | undefined; readonly at: Instant },
  ): Promise<WriteResult> {
    const entry = staleEntry(observation, against);
    const update = this.#addEntry(at, entry);
    update.put('c', undefined).put('cp', undefined);
    putReference(update, key, observation);
    const isLater = (of: UpdateBuilder) =>
      `${of.name('p')} > ${of.value(latestPositionAt(observation))} AND attribute_not_exists(${of.name('er')})`;
    const hasRoom = `${update.name('rm')} >= ${update.value(bytesOf(entry))}`;
    const result = await this.#update(key, update.when(`${isLater(update)} AND ${hasRoom}`));
    if (result.written || !result.stored || !isStaleForGood(result.stored, observation)) return result;
    const counted = this.#change(at).put('c', undefined).put('cp', undefined);
    counted.increment('hc').putIfAbsent('hf', toTime(at)).put('hl', toTime(at));
    putReference(counted, key, observation);
    return this.#update(key, counted.when(isLater(counted)));
  }

  /** `isAuthorizedUnread` as a condition, and `authorizedVersion` as an update. */
  async authorize(key: PaymentRequestKey, report: AuthorizationReport): Promise<WriteResult> {
    const entry = authorizedEntry(report);
    const update = this.#addEntry(report.reportedAt, entry)
      .put('cf', toStoredConfirmation(authorizedFields(report)))
      .put('c', [{ y: changeCodes.authorized, i: report.eventId }])
      .put('cp', undefined)
      .increment('sq');
    const absent = (['cf', 'wa', 'at', 'er'] as const).map(
      (name) => `attribute_not_exists(${update.name(name)})`,
    );
    const isKnown = `attribute_exists(${update.name(tableSchema.partitionKey)})`;
    const hasRoom = `${update.name('rm')} >= ${update.value(bytesOf(entry))}`;
    return this.#update(key, update.when([isKnown, hasRoom, ...absent].join(' AND ')));
  }

  /** A change without a read that adds one entry to the history. */
  #addEntry(at: Instant, entry: HistoryEntry): UpdateBuilder {
    return this.#change(at)
      .append('h', [toStoredEntry(entry)])
      .increment('rm', -bytesOf(entry), roomIn([]));
  }

  /** A change without a read. */
  #change(at: Instant): UpdateBuilder {
    return new UpdateBuilder()
      .increment('v')
      .put('ut', millisOf(at))
      .put(tableSchema.timeToLive, timeToLive(millisOf(at), this.#options.retentionDays));
  }

  /** `isRegisteredUnread` as a condition, and `registeredVersion` as an update. */
  async register(made: PaymentRequest): Promise<RegisterResult> {
    // Calls to Klarna and Scheduler that started before take longer. Yielding once lets their requests go out first.
    await nextTurn();
    const item: Item = { ...toItem(made, this.#options.retentionDays) };
    const [entry] = made.history;
    if (!entry) throw new TypeError('a registration has a history entry');
    const update = this.#addEntry(made.updatedAt, entry);
    for (const name of registered) update.put(name, item[name]);
    // Klarna's webhook may have told the reference before.
    if (made.reference !== undefined) update.put('rk', item['rk']);
    update
      .append('w', made.writes)
      .increment('sq', made.sequence)
      .put('n', undefined)
      .put('ry', undefined)
      .put('cp', undefined)
      .putIfAbsent('ct', item['ct']);
    const isNew = `attribute_not_exists(${update.name(tableSchema.partitionKey)})`;
    const isSubmitted = `${update.name('s')} = ${update.value('SUBMITTED')}`;
    const hasRoom = `${update.name('rm')} >= ${update.value(bytesOf(entry))}`;
    const untouched = unread.map((name) => `attribute_not_exists(${update.name(name)})`);
    const condition = `${isNew} OR (${[isSubmitted, hasRoom, ...untouched].join(' AND ')})`;
    const { written, stored } = await updateItem(
      this.#options,
      partitionKeyOf(made),
      update.when(condition),
      'ALL_NEW',
    );
    const record = stored && this.#recordOf(stored);
    return written ? { written, record: record ?? made } : { written, stored: record };
  }

  async save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult> {
    // Calls to Klarna and Scheduler that started before take longer. Yielding once lets their requests go out first.
    await nextTurn();
    const { retentionDays } = this.#options;
    const isStored = current !== undefined && current.version > 0;
    const read: Item = isStored ? { ...toItem(current, retentionDays) } : {};
    const update = new UpdateBuilder();
    const added = isStored ? addedEntries(current, next) : undefined;
    for (const [attribute, value] of changedAttributes(read, { ...toItem(next, retentionDays) })) {
      if (attribute === 'h' && added) update.append('h', added.map(toStoredEntry));
      else update.put(attribute, value);
    }
    const condition = isStored
      ? `${update.name('v')} = ${update.value(current.version)}`
      : `attribute_not_exists(${update.name(tableSchema.partitionKey)})`;
    return this.#update(next, update.when(condition));
  }

  async *due(now: Instant): AsyncIterable<PaymentRequestKey> {
    const shards = dueShards.map((shard) => this.#dueOf(shard, now)[Symbol.asyncIterator]());
    const waiting = new Set(shards);
    while (waiting.size > 0) {
      const heads = await Promise.all(
        [...waiting].map(async (shard) => ({ shard, head: await shard.next() })),
      );
      for (const { shard, head } of heads) {
        if (head.done) waiting.delete(shard);
        else yield head.value;
      }
    }
  }

  #dueOf(shard: string, now: Instant): AsyncIterable<PaymentRequestKey> {
    const { name, partitionKey, sortKey } = tableSchema.dueIndex;
    return this.#everyKey({
      IndexName: name,
      KeyConditionExpression: '#shard = :shard AND #after <= :now',
      ExpressionAttributeNames: { '#shard': partitionKey, '#after': sortKey },
      ExpressionAttributeValues: marshall({ ':shard': shard, ':now': now }),
    });
  }

  ofSession(account: Account, sessionId: SessionId): AsyncIterable<PaymentRequestKey> {
    return this.#membersOf(tableSchema.sessionIndex, sessionKeyOf(account, sessionId));
  }

  ofReference(account: Account, reference: Reference): AsyncIterable<PaymentRequestKey> {
    return this.#membersOf(tableSchema.referenceIndex, referenceKeyOf(account, reference));
  }

  #membersOf({ name, partitionKey }: ListIndex, partition: string): AsyncIterable<PaymentRequestKey> {
    return this.#everyKey({
      IndexName: name,
      KeyConditionExpression: '#partition = :partition',
      ExpressionAttributeNames: { '#partition': partitionKey },
      ExpressionAttributeValues: marshall({ ':partition': partition }),
    });
  }

  /** Every key that a query of an index finds, page by page, and only as many as the caller takes. */
  async *#everyKey(query: Omit<QueryCommandInput, 'TableName'>): AsyncIterable<PaymentRequestKey> {
    const { client, tableName } = this.#options;
    for await (const page of paginateQuery({ client, pageSize: 100 }, { TableName: tableName, ...query })) {
      for (const item of page.Items ?? []) {
        const key = keyOfPartition(item[tableSchema.partitionKey]?.S ?? '');
        if (key) yield key;
      }
    }
  }

  async listed(
    selection: ListSelection,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const { index, partitions } = partitionsOf(selection);
    const found = await Promise.all(
      partitions.map((partition) => this.#listedIn(index, partition, before, limit)),
    );
    const { account } = selection;
    return found
      .flat()
      .filter((listed) => account === undefined || listed.account === account)
      .toSorted((a, b) => (a.position > b.position ? -1 : 1))
      .slice(0, limit);
  }

  async #listedIn(
    { name, partitionKey, sortKey }: ListIndex,
    partition: string,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const { client, tableName } = this.#options;
    const { Items: items = [] } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: name,
        KeyConditionExpression: before ? '#key = :key AND #listed < :before' : '#key = :key',
        ExpressionAttributeNames: { '#key': partitionKey, ...(before && { '#listed': sortKey }) },
        ExpressionAttributeValues: marshall({ ':key': partition, ...(before && { ':before': before }) }),
        ScanIndexForward: false,
        Limit: limit,
      }),
    );
    return items.flatMap((item) => {
      const key = keyOfPartition(item[tableSchema.partitionKey]?.S ?? '');
      return key ? [{ ...key, position: (item[sortKey]?.S ?? '') as ListCursor }] : [];
    });
  }

  async #update(key: PaymentRequestKey, expressions: Expressions): Promise<WriteResult> {
    const { written, stored } = await updateItem(this.#options, partitionKeyOf(key), expressions);
    return written ? { written } : { written, stored: stored && this.#recordOf(stored) };
  }

  #recordOf(item: Item): PaymentRequest {
    const { record, unreadable } = decode(item);
    if (unreadable.length > 0) this.#options.onUnreadable?.(record, unreadable);
    return record;
  }
}

/** Keeps the reference that Klarna tells, where the record has none. */
function putReference(
  update: UpdateBuilder,
  { account }: PaymentRequestKey,
  { reference }: Observation,
): void {
  if (reference !== undefined) update.putIfAbsent('rk', referenceKeyOf(account, reference));
}

/** The attributes that a first registration sets, besides those that it counts or adds to. */
const registered = [
  'sk',
  'rf',
  'so',
  'sc',
  'se',
  'dl',
  'tm',
  'oe',
  'kx',
  'wa',
  'pu',
  'c',
  'd',
  'da',
  'o',
] as const satisfies readonly Attribute[];

/** The attributes that a record must not have for a registration without a read. */
const unread = ['se', 'sk', 'x', 'at', 'q', 'kx', 'wa', 'cf', 'pu'] as const satisfies readonly Attribute[];

type ListIndex = (typeof tableSchema)['openIndex' | 'sessionIndex' | 'referenceIndex' | 'attentionIndex'];

/** The index of a selection, and its partitions there. */
function partitionsOf(selection: ListSelection): {
  readonly index: ListIndex;
  readonly partitions: readonly string[];
} {
  const { openIndex, sessionIndex, referenceIndex, attentionIndex } = tableSchema;
  switch (selection.by) {
    case 'open':
      return { index: openIndex, partitions: [selection.account] };
    case 'session':
      return { index: sessionIndex, partitions: [sessionKeyOf(selection.account, selection.sessionId)] };
    case 'reference':
      return {
        index: referenceIndex,
        partitions: [referenceKeyOf(selection.account, selection.reference)],
      };
    case 'attention':
      return { index: attentionIndex, partitions: attentionShards };
    case 'would_cancel':
      // Some of them need a person too.
      return { index: attentionIndex, partitions: [observedKeyOf(selection.account), ...attentionShards] };
  }
}
