import * as v from 'valibot';
import type { AwaitedReferences } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { AwaitedReference } from '../../domain/awaited-reference.ts';
import { parsePaymentRequestId, parseSessionId, type ReferenceKey } from '../../domain/identifiers.ts';
import { type Instant, millisOf, parseInstant } from '../../domain/instant.ts';
import { observeReasons } from '../../domain/payment-request.ts';
import { duePartitionKeys } from './due-partition-keys.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { partitionKeyOfReference, referenceOfPartition, timeToLive } from './record-keys.ts';
import type { Item } from './stored-payment-request.ts';
import { getItem, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** The partition of the due index that holds what waits for references. It is apart from the records and the jobs. */
const dueReferences = 'DUE#REFERENCES';

/** A text as another type, by the parser of that type. */
const parsed = <Value>(parse: (text: string) => Value | undefined) =>
  v.pipe(
    v.string(),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: 'cannot be read' });
      return NEVER;
    }),
  );

const instant = parsed(parseInstant);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What waits, as it is stored. Times are RFC 3339, durations milliseconds. */
const awaitedSchema = v.object({
  status: v.picklist(['waiting', 'joined', 'never_seen']),
  since: instant,
  session: v.optional(
    v.object({
      deadlineAt: instant,
      askedAt: v.optional(instant),
      sessionId: v.optional(parsed(parseSessionId)),
      registered: v.object({
        registeredAt: instant,
        requested: v.string(),
        supersedes: v.optional(v.literal(true)),
        klarnaExpiresAt: v.optional(instant),
        onTimeout: v.picklist(['cancel', 'observe']),
        asked: v.optional(v.picklist(['cancel', 'observe'])),
        observedBy: v.optional(v.picklist(observeReasons)),
        kind: v.optional(v.string()),
        inProgressGrace: v.optional(count),
        extensions: count,
      }),
      requestedBy: v.string(),
      purpose: v.optional(v.literal('token')),
    }),
  ),
  cancel: v.optional(
    v.object({
      reason: v.optional(v.string()),
      requestedBy: v.string(),
      requestedAt: instant,
    }),
  ),
  calls: v.optional(
    v.array(
      v.object({
        key: v.string(),
        request: v.string(),
        outcome: v.picklist(['registered', 'changed', 'unchanged', 'unsettled']),
        at: instant,
      }),
    ),
  ),
  paymentRequestId: v.optional(parsed(parsePaymentRequestId)),
  isLookedFor: v.optional(v.literal(true)),
  attempts: count,
  retryAt: v.optional(instant),
  updatedAt: instant,
});

const itemSchema = v.object({ awaited: awaitedSchema, version: count, da: v.optional(instant) });

/** What waits for references, as items of the one table. */
export class DynamoDbAwaitedReferences implements AwaitedReferences {
  readonly #options: Pick<TableOptions, 'client' | 'tableName' | 'retentionDays'>;

  constructor(options: Pick<TableOptions, 'client' | 'tableName' | 'retentionDays'>) {
    this.#options = options;
  }

  async read(key: ReferenceKey): Promise<AwaitedReference | undefined> {
    const item = await getItem(this.#options, partitionKeyOfReference(key));
    return item && awaitedOf(key, item);
  }

  async save(next: AwaitedReference): Promise<boolean> {
    const { account: _, reference: __, dueAt, version, ...awaited } = next;
    const update = new UpdateBuilder()
      .put('awaited', awaited)
      .put('version', version)
      .put(tableSchema.dueIndex.partitionKey, dueAt && dueReferences)
      .put(tableSchema.dueIndex.sortKey, dueAt)
      .put(tableSchema.timeToLive, timeToLive(millisOf(next.updatedAt), this.#options.retentionDays));
    const condition =
      version === 1
        ? `attribute_not_exists(${update.name(tableSchema.partitionKey)})`
        : `${update.name('version')} = ${update.value(version - 1)}`;
    const key = partitionKeyOfReference(next);
    const result = await updateItem(this.#options, key, update.when(condition));
    if (result.written) return true;
    // The SDK repeats a write whose response was lost, and finds its own.
    return result.stored !== undefined && isSame(awaitedOf(next, result.stored), next);
  }

  async *due(now: Instant): AsyncIterable<ReferenceKey> {
    for await (const partition of duePartitionKeys(this.#options, dueReferences, now)) {
      const key = referenceOfPartition(partition);
      if (key) yield key;
    }
  }
}

const isSame = (stored: AwaitedReference, next: AwaitedReference): boolean =>
  stored.version === next.version && JSON.stringify(stored) === JSON.stringify(awaitedOf(next, itemOf(next)));

const itemOf = ({ dueAt, version, ...awaited }: AwaitedReference): Item =>
  JSON.parse(JSON.stringify({ awaited, version, da: dueAt })) as Item;

/**
 * What an item says.
 *
 * @throws Error that names each attribute that cannot be read, and no value
 */
export function awaitedOf({ account, reference }: ReferenceKey, item: Item): AwaitedReference {
  const result = v.safeParse(itemSchema, item);
  if (!result.success) {
    const fields = result.issues.map((issue) => v.getDotPath(issue) ?? 'item').join(', ');
    throw new Error(`What waits for a reference of the account ${account} cannot be read: ${fields}.`);
  }
  const { awaited, version, da } = result.output;
  return { account, reference, ...awaited, version, dueAt: da };
}
