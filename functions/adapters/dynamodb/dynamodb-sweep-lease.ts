import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as v from 'valibot';
import type { Ids, SweepLease } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { parseAccount, parsePaymentRequestId } from '../../domain/identifiers.ts';
import { type Instant, parseInstant } from '../../domain/instant.ts';
import {
  noMemory,
  type SweepMemory,
  type UnsettledRecord,
  type WaitingSince,
} from '../../domain/sweep-memory.ts';
import { type TableAccess, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** Where the lease is stored, and who names its holders. */
export interface SweepLeaseOptions extends TableAccess {
  readonly ids: Ids;
}

/** The lease of the sweep, as one item of the table: until when it is held, by which run, and what the last run left. */
export class DynamoDbSweepLease implements SweepLease {
  readonly #options: SweepLeaseOptions;
  #holder: string | undefined;

  constructor(options: SweepLeaseOptions) {
    this.#options = options;
  }

  async take(now: Instant, until: Instant): Promise<SweepMemory | undefined> {
    const { client, tableName, ids } = this.#options;
    const holder = ids.next();
    this.#holder = holder;
    const update = new UpdateBuilder().put('held_until', until).put('holder', holder);
    const [heldUntil, heldBy] = [update.name('held_until'), update.name('holder')];
    // The SDK repeats a write whose response was lost: the second attempt finds this run's own lease.
    const condition = `attribute_not_exists(${heldUntil}) OR ${heldUntil} <= ${update.value(now)} OR ${heldBy} = ${update.value(holder)}`;
    try {
      const { Attributes: item = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { [tableSchema.partitionKey]: { S: tableSchema.sweepLease } },
          ...update.when(condition),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return memoryOf(unmarshall(item)['memory']);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  async release(memory: SweepMemory | undefined): Promise<void> {
    if (this.#holder === undefined) return;
    const update = new UpdateBuilder().put('held_until', undefined).put('holder', undefined);
    if (memory) update.put('memory', isEmpty(memory) ? undefined : storedMemory(memory));
    const condition = `${update.name('holder')} = ${update.value(this.#holder)}`;
    await updateItem(this.#options, tableSchema.sweepLease, update.when(condition));
    this.#holder = undefined;
  }
}

const isEmpty = ({ unsettled, beyond }: SweepMemory): boolean =>
  unsettled.length === 0 && beyond === undefined;

/** The memory as it is stored, with short names: a write costs by its kilobytes. */
function storedMemory({ unsettled, beyond }: SweepMemory): v.InferInput<typeof storedSchema> {
  return {
    u: unsettled.map(({ key, since, isFailing }) => ({
      a: key.account,
      id: key.paymentRequestId,
      ...storedSince(since),
      ...(isFailing && { f: true }),
    })),
    ...(beyond && { b: { ...storedSince(beyond.since), until: beyond.until } }),
  };
}

const storedSince = ({ pendingCancel, overdueSession }: WaitingSince) => ({
  ...(pendingCancel !== undefined && { p: pendingCancel }),
  ...(overdueSession !== undefined && { o: overdueSession }),
});

const instant = v.pipe(
  v.string(),
  v.transform((text) => parseInstant(text)),
);
const since = { p: v.optional(instant), o: v.optional(instant) };

const storedSchema = v.object({
  u: v.array(v.object({ a: v.string(), id: v.string(), ...since, f: v.optional(v.boolean()) })),
  b: v.optional(v.object({ ...since, until: v.string() })),
});

/** The memory that {@link storedMemory} wrote. What another version wrote and this one cannot read counts as nothing. */
function memoryOf(stored: unknown): SweepMemory {
  const parsed = v.safeParse(storedSchema, stored);
  if (!parsed.success) return noMemory;
  const { u: unsettled, b: beyond } = parsed.output;
  const until = beyond && parseInstant(beyond.until);
  return {
    unsettled: unsettled.flatMap(({ a, id, f, ...of }) => recordOf(a, id, waitOf(of), f === true)),
    beyond: beyond && until ? { since: waitOf(beyond), until } : undefined,
  };
}

const waitOf = ({ p, o }: { p?: Instant | undefined; o?: Instant | undefined }): WaitingSince => ({
  pendingCancel: p,
  overdueSession: o,
});

function recordOf(
  a: string,
  id: string,
  waiting: WaitingSince,
  isFailing: boolean,
): readonly UnsettledRecord[] {
  const [account, paymentRequestId] = [parseAccount(a), parsePaymentRequestId(id)];
  return account && paymentRequestId
    ? [{ key: { account, paymentRequestId }, since: waiting, isFailing }]
    : [];
}
