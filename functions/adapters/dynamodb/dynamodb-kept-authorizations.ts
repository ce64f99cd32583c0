import type { KeptAuthorizations } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { AuthorizationReport } from '../../domain/confirmation.ts';
import {
  type Account,
  type EventId,
  parseAccount,
  parseReference,
  type Reference,
} from '../../domain/identifiers.ts';
import { type Instant, millisOf } from '../../domain/instant.ts';
import { type KeptAuthorization, mostKeptReports } from '../../domain/kept-authorization.ts';
import { duePartitionKeys } from './due-partition-keys.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { partitionKeyOfReports, timeToLive } from './record-keys.ts';
import { fromTime, mapOf, toTime } from './stored-history.ts';
import type { Item } from './stored-payment-request.ts';
import { getItem, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** The partition of the due index that holds them, apart from the records. */
const dueAuthorizations = 'DUE#AUTHORIZATIONS';

function keyOfPartition(partitionKey: string) {
  const [, name = '', own = ''] = /^A#([^#]+)#T#(.+)$/s.exec(partitionKey) ?? [];
  const account = parseAccount(name);
  const reference = parseReference(own);
  return account && reference && { account, reference };
}

/** One item for each reference: the reports that wait, and the ids of all that came, so that a repeated webhook changes nothing. */
export class DynamoDbKeptAuthorizations implements KeptAuthorizations {
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async keep(
    account: Account,
    reference: Reference,
    report: AuthorizationReport,
  ): Promise<'kept' | 'known' | 'full'> {
    const { partitionKey, sortKey } = tableSchema.dueIndex;
    const update = new UpdateBuilder()
      .append('r', [toStored(report)])
      .append('i', [report.eventId])
      .increment('v')
      .put('n', undefined)
      .put(partitionKey, dueAuthorizations)
      .put(sortKey, report.reportedAt)
      .put(tableSchema.timeToLive, this.#timeToLive(report.reportedAt));
    const ids = update.name('i');
    const isNew = `attribute_not_exists(${ids}) OR NOT contains(${ids}, ${update.value(report.eventId)})`;
    const hasRoom = `attribute_not_exists(${ids}) OR size(${ids}) < ${update.value(mostKeptReports)}`;
    const { written, stored } = await updateItem(
      this.#options,
      partitionKeyOfReports(account, reference),
      update.when(`(${isNew}) AND (${hasRoom})`),
    );
    if (written) return 'kept';
    return idsOf(stored).includes(report.eventId) ? 'known' : 'full';
  }

  async read(account: Account, reference: Reference): Promise<KeptAuthorization | undefined> {
    const item = await getItem(this.#options, partitionKeyOfReports(account, reference));
    return item && { account, reference, ...fromItem(item) };
  }

  async *due(now: Instant): AsyncIterable<{ readonly account: Account; readonly reference: Reference }> {
    for await (const partition of duePartitionKeys(this.#options, dueAuthorizations, now)) {
      const key = keyOfPartition(partition);
      if (key) yield key;
    }
  }

  async save(current: KeptAuthorization, next: KeptAuthorization): Promise<boolean> {
    const { partitionKey, sortKey } = tableSchema.dueIndex;
    const update = new UpdateBuilder()
      .put('r', next.reports.length === 0 ? undefined : next.reports.map(toStored))
      .put('n', next.attempts === 0 ? undefined : next.attempts)
      .put('v', current.version + 1)
      .put(partitionKey, next.dueAt && dueAuthorizations)
      .put(sortKey, next.dueAt);
    const isSame = `${update.name('v')} = ${update.value(current.version)}`;
    const { written } = await updateItem(
      this.#options,
      partitionKeyOfReports(current.account, current.reference),
      update.when(isSame),
    );
    return written;
  }

  #timeToLive(at: Instant): number {
    return timeToLive(millisOf(at), this.#options.retentionDays);
  }
}

const toStored = ({ eventId, source, at, reportedAt, proof }: AuthorizationReport): Item => ({
  i: eventId,
  s: source,
  a: toTime(at),
  t: toTime(reportedAt),
  p: proof,
});

function fromStored(value: unknown): AuthorizationReport | undefined {
  const { i, s, a, t, p } = mapOf(value) ?? {};
  const [at, reportedAt, proof] = [fromTime(a), fromTime(t), mapOf(p)];
  if (typeof i !== 'string' || (s !== 'webhook' && s !== 'api') || !at || !reportedAt || !proof)
    return undefined;
  const texts = Object.entries(proof).filter((each): each is [string, string] => typeof each[1] === 'string');
  return { eventId: i as EventId, source: s, at, reportedAt, proof: Object.fromEntries(texts) };
}

const idsOf = (item: Item | undefined): readonly unknown[] =>
  Array.isArray(item?.['i']) ? (item['i'] as readonly unknown[]) : [];

/** What cannot be read is left out: the record then gets its alert, which a person looks at. */
function fromItem(item: Item): Omit<KeptAuthorization, 'account' | 'reference'> {
  const { r, n, v, [tableSchema.dueIndex.sortKey]: due } = item;
  const reports = Array.isArray(r) ? r.map(fromStored).filter((report) => report !== undefined) : [];
  return {
    reports,
    attempts: typeof n === 'number' ? n : 0,
    dueAt: fromTime(due),
    version: typeof v === 'number' ? v : 0,
  };
}
