import { paginateQuery, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { CancelJobs, ErasableCancelJobs } from '../../application/ports.ts';
import type { CancelJob, CancelJobEntry, CancelJobKey } from '../../domain/cancel-job.ts';
import type { Account, PaymentRequestId } from '../../domain/identifiers.ts';
import type { StoredJob } from '../../domain/job-erasure.ts';
import { type Instant, millisOf } from '../../domain/instant.ts';
import { duePartitionKeys } from './due-partition-keys.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { timeToLive } from './record-keys.ts';
import type { Item } from './stored-payment-request.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { getItem, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** The partition of the due index that holds jobs. It is apart from the records, which the sweep reads first. */
const dueJobs = 'DUE#JOBS';

const partitionKeyOf = ({ account, jobId }: CancelJobKey): string => `A#${account}#J#${jobId}`;

function keyOfPartition(partitionKey: string): CancelJobKey | undefined {
  const match = /^A#([^#]+)#J#([^#]+)$/.exec(partitionKey);
  if (!match) return undefined;
  const [, account, jobId] = match;
  return { account, jobId } as unknown as CancelJobKey;
}

/**
 * Cancel jobs as items of the one table. The job, the requests it names and each page of its report are separate
 * items.
 */
export class DynamoDbCancelJobs implements CancelJobs, ErasableCancelJobs {
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async read(key: CancelJobKey): Promise<CancelJob | undefined> {
    const item = await getItem(this.#options, partitionKeyOf(key));
    return item && fromItem(item);
  }

  async start(
    job: CancelJob,
    ids: readonly PaymentRequestId[] | undefined,
  ): Promise<CancelJob | 'started' | 'taken'> {
    // The named requests are written first, so that an existing job is always complete.
    if (ids) {
      const names = { request_sha256: job.requestSha256, payment_request_ids: ids };
      const before = await this.#insert(namesOf(job), { ...names, ...this.#timeToLive(job) });
      if (before && before['request_sha256'] !== job.requestSha256) return 'taken';
    }
    const existing = await this.#insert(partitionKeyOf(job), this.#toItem(job));
    return existing ? fromItem(existing) : 'started';
  }

  async save(current: CancelJob, next: CancelJob): Promise<boolean> {
    const update = new UpdateBuilder();
    const wanted = this.#toItem(next);
    for (const attribute of new Set([...Object.keys(this.#toItem(current)), ...Object.keys(wanted)])) {
      update.put(attribute, wanted[attribute]);
    }
    const condition = `${update.name('version')} = ${update.value(current.version)}`;
    return (await this.#update(partitionKeyOf(next), update, condition)) === undefined;
  }

  async idsOf(job: CancelJob): Promise<readonly PaymentRequestId[]> {
    const item = await getItem(this.#options, namesOf(job));
    return (item?.['payment_request_ids'] ?? []) as readonly PaymentRequestId[];
  }

  async writePage(job: CancelJob, page: number, entries: readonly CancelJobEntry[]): Promise<void> {
    const update = new UpdateBuilder()
      .put('entries', entries)
      .put(tableSchema.timeToLive, timeToLive(millisOf(job.updatedAt), this.#options.retentionDays));
    await this.#update(pageOf(job, page), update);
  }

  async readPage(key: CancelJobKey, page: number): Promise<readonly CancelJobEntry[]> {
    const item = await getItem(this.#options, pageOf(key, page));
    return (item?.['entries'] ?? []) as readonly CancelJobEntry[];
  }

  async *due(now: Instant): AsyncIterable<CancelJobKey> {
    for await (const partition of duePartitionKeys(this.#options, dueJobs, now)) {
      const key = keyOfPartition(partition);
      if (key) yield key;
    }
  }

  async ofAccount(account: Account, limit: number): Promise<readonly CancelJob[]> {
    const { client, tableName } = this.#options;
    const { Items: items = [] } = await client.send(
      new QueryCommand({ TableName: tableName, ...jobsQueryOf(account), Limit: limit }),
    );
    const jobs = await Promise.all(
      items.map(async (item) => getItem(this.#options, item[tableSchema.partitionKey]?.S ?? '')),
    );
    return jobs.flatMap((item) => (item ? [fromItem(item)] : []));
  }

  async *allOf(account: Account): AsyncIterable<CancelJob> {
    const { client, tableName } = this.#options;
    const query = { TableName: tableName, ...jobsQueryOf(account) };
    for await (const { Items: items = [] } of paginateQuery({ client, pageSize: 100 }, query)) {
      for (const item of items) {
        const found = await getItem(this.#options, item[tableSchema.partitionKey]?.S ?? '');
        if (found) yield fromItem(found);
      }
    }
  }

  async eraseFrom({ job, names, pages }: StoredJob): Promise<void> {
    // The pages last: while they name what is to be erased, another attempt finds the job.
    const { dueAt: _, ...stored } = job;
    await this.#replace(partitionKeyOf(job), 'job', stored);
    await this.#replace(namesOf(job), 'payment_request_ids', names);
    for (const [page, entries] of pages.entries()) await this.#replace(pageOf(job, page), 'entries', entries);
  }

  /** Replaces an attribute of an item that exists. Nothing else of the item changes. */
  async #replace(partitionKey: string, attribute: string, value: unknown): Promise<void> {
    const update = new UpdateBuilder().put(attribute, value);
    await this.#update(partitionKey, update, `attribute_exists(${update.name(tableSchema.partitionKey)})`);
  }

  #toItem(job: CancelJob): Item {
    const { dueAt, ...stored } = job;
    return {
      job: stored,
      version: job.version,
      [tableSchema.dueIndex.partitionKey]: dueAt && dueJobs,
      [tableSchema.dueIndex.sortKey]: dueAt,
      [tableSchema.openIndex.partitionKey]: jobsOf(job.account),
      [tableSchema.openIndex.sortKey]: `${job.createdAt}#${job.jobId}`,
      ...this.#timeToLive(job),
    };
  }

  #timeToLive({ updatedAt }: CancelJob): Item {
    return { [tableSchema.timeToLive]: timeToLive(millisOf(updatedAt), this.#options.retentionDays) };
  }

  /** Stores a new item, or returns the item that exists already. */
  #insert(partitionKey: string, item: Item): Promise<Item | undefined> {
    const update = new UpdateBuilder();
    for (const [attribute, value] of Object.entries(item)) {
      if (value !== undefined) update.put(attribute, value);
    }
    const condition = `attribute_not_exists(${update.name(tableSchema.partitionKey)})`;
    return this.#update(partitionKey, update, condition);
  }

  /** Returns the stored item if the condition fails, and `undefined` if the write succeeds. */
  async #update(partitionKey: string, update: UpdateBuilder, condition?: string): Promise<Item | undefined> {
    const result = await updateItem(this.#options, partitionKey, update.when(condition));
    return result.written ? undefined : (result.stored ?? {});
  }
}

const namesOf = (key: CancelJobKey): string => `${partitionKeyOf(key)}#IDS`;
const pageOf = (key: CancelJobKey, page: number): string => `${partitionKeyOf(key)}#${page}`;
/** The partition of the open index that holds the jobs of an account. */
const jobsOf = (account: Account): string => `${account}#JOBS`;

/** The jobs of an account, newest first. */
const jobsQueryOf = (account: Account) => ({
  IndexName: tableSchema.openIndex.name,
  KeyConditionExpression: '#jobs = :jobs',
  ExpressionAttributeNames: { '#jobs': tableSchema.openIndex.partitionKey },
  ExpressionAttributeValues: marshall({ ':jobs': jobsOf(account) }),
  ScanIndexForward: false,
});

const fromItem = (item: Item): CancelJob =>
  ({ ...(item['job'] as object), dueAt: item[tableSchema.dueIndex.sortKey] }) as CancelJob;
