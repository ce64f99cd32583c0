import { setImmediate as nextTurn } from 'node:timers/promises';
import { paginateQuery, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type {
  DuePaymentRequests,
  PaymentRequestList,
  PaymentRequestStore,
  SessionPaymentRequests,
  WriteResult,
} from '../../application/ports.ts';
import type { ListedPaymentRequest } from '../../domain/list-cursor.ts';
import type { Account, PaymentRequestKey, SessionId } from '../../domain/identifiers.ts';
import type { Instant } from '../../domain/instant.ts';
import { type ListCursor, listCursorOf } from '../../domain/list-cursor.ts';
import { latestPositionAt, type Observation, type Position } from '../../domain/observation.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import { isOpen, type PaymentRequestState } from '../../domain/payment-request-state.ts';
import { appliedEntry, observedFields, staleEntry, unreadLimit } from '../../domain/transition.ts';
import {
  changedAttributes,
  dueShardOf,
  dueShards,
  fromItem,
  historyAttribute,
  type Item,
  keyOfPartition,
  partitionKeyOf,
  sessionKeyOf,
  stateKeyOf,
  timeToLive,
  toHistoryItem,
  toItem,
} from './payment-request-item.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { getItem, type TableAccess, updateItem } from './table-items.ts';
import { type Expressions, UpdateBuilder } from './update-expression.ts';

/** The table, and for how many days after its last change an item is kept. */
export interface TableOptions extends TableAccess {
  readonly retentionDays: number;
}

/** The store on one DynamoDB table: one item per Payment Request, and one conditional UpdateItem per write. */
export class DynamoDbPaymentRequestStore
  implements PaymentRequestStore, DuePaymentRequests, SessionPaymentRequests, PaymentRequestList
{
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async read(key: PaymentRequestKey): Promise<PaymentRequest | undefined> {
    const item = await getItem(this.#options, partitionKeyOf(key));
    return item && fromItem(item);
  }

  /**
   * The transition rule as a condition: the event is not in the history, and the record has no position or a lower
   * one ({@link unreadLimit}). The domain's `judge` applies the same rule to a record that has been read.
   */
  async observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult> {
    const update = new UpdateBuilder();
    const fields = observedFields(observation);
    const now = observation.observedAt;
    const history = historyAttribute(observation.eventId);
    update
      .put('account', key.account)
      .put('payment_request_id', key.paymentRequestId)
      .put('state', fields.state)
      .put('previous_state', fields.previousState)
      .put('state_reason', fields.stateReason)
      .put('occurred_at', fields.occurredAt)
      .put('position', fields.position)
      .put('evidence', fields.evidence)
      .put(history, toHistoryItem(appliedEntry(observation)))
      .put('updated_at', now)
      .put(tableSchema.timeToLive, timeToLive(Date.parse(now), this.#options.retentionDays))
      .put(tableSchema.stateIndex.partitionKey, stateKeyOf(key.account, fields.state))
      .putIfAbsent(tableSchema.stateIndex.sortKey, listCursorOf({ ...key, createdAt: now }))
      .putIfAbsent('created_at', now)
      .increment('version');
    if (fields.klarnaExpiresAt) update.put('klarna_expires_at', fields.klarnaExpiresAt);
    if (isOpen(fields.state)) {
      // The request may never be registered. The sweep reads the record once and arms the account's default timer if
      // it has one.
      update
        .putIfAbsent(tableSchema.dueIndex.sortKey, now)
        .putIfAbsent(tableSchema.dueIndex.partitionKey, dueShardOf(key));
    }
    const position = update.name('position');
    const lower = `${position} < ${update.value(unreadLimit(observation))}`;
    return this.#update(
      key,
      update.when(
        `attribute_not_exists(${update.name(history)}) AND (attribute_not_exists(${position}) OR ${lower})`,
      ),
    );
  }

  async noteStale(
    key: PaymentRequestKey,
    observation: Observation,
    { against, at }: { readonly against: Position | undefined; readonly at: Instant },
  ): Promise<WriteResult> {
    const update = new UpdateBuilder();
    const history = historyAttribute(observation.eventId);
    update
      .put(history, toHistoryItem(staleEntry(observation, against)))
      .put('updated_at', at)
      .put(tableSchema.timeToLive, timeToLive(Date.parse(at), this.#options.retentionDays))
      .increment('version');
    const isLater = `${update.name('position')} > ${update.value(latestPositionAt(observation))}`;
    return this.#update(key, update.when(`attribute_not_exists(${update.name(history)}) AND ${isLater}`));
  }

  async save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult> {
    // Calls to Klarna and Scheduler that started before take longer. Yielding once lets their requests go out first.
    await nextTurn();
    const { retentionDays } = this.#options;
    const read: Item = current && current.version > 0 ? toItem(current, retentionDays) : {};
    const update = new UpdateBuilder();
    for (const [attribute, value] of changedAttributes(read, toItem(next, retentionDays))) {
      update.put(attribute, value);
    }
    const condition =
      current && current.version > 0
        ? `${update.name('version')} = ${update.value(current.version)}`
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
    const { name, partitionKey } = tableSchema.sessionIndex;
    return this.#everyKey({
      IndexName: name,
      KeyConditionExpression: '#session = :session',
      ExpressionAttributeNames: { '#session': partitionKey },
      ExpressionAttributeValues: marshall({ ':session': sessionKeyOf(account, sessionId) }),
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
    account: Account,
    states: readonly (PaymentRequestState | undefined)[],
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const found = await Promise.all(
      states.map((state) => this.#listedIn(stateKeyOf(account, state), before, limit)),
    );
    // A request that has just changed its state may still be in both partitions.
    const byPosition = new Map(found.flat().map((listed) => [listed.position, listed]));
    return [...byPosition.values()].toSorted((a, b) => (a.position > b.position ? -1 : 1)).slice(0, limit);
  }

  async #listedIn(
    stateKey: string,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const { client, tableName } = this.#options;
    const { name, partitionKey, sortKey } = tableSchema.stateIndex;
    const { Items: items = [] } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: name,
        KeyConditionExpression: before ? '#state = :state AND #listed < :before' : '#state = :state',
        ExpressionAttributeNames: { '#state': partitionKey, ...(before && { '#listed': sortKey }) },
        ExpressionAttributeValues: marshall({ ':state': stateKey, ...(before && { ':before': before }) }),
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
    const result = await updateItem(this.#options, partitionKeyOf(key), expressions);
    return result.written ? result : { written: false, stored: result.stored && fromItem(result.stored) };
  }
}
