import * as v from 'valibot';
import { unpublishedOf } from '../functions/adapters/queue/unpublished-queue.ts';
import type { StateChangePublisher } from '../functions/application/ports.ts';
import type {
  republishRecord,
  RepublishReport,
  republishStateChanges,
} from '../functions/application/republish-state-changes.ts';
import { readJson } from '../functions/contract/read-json.ts';
import { formatInstant, type Instant, parseInstant, plusMillis } from '../functions/domain/instant.ts';
import type { Unpublished } from '../functions/domain/unpublished.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, ShowResult } from './printer.ts';
import type { MessageQueue, QueuedMessage } from './queue.ts';

/** The queue of what was not published, and the ways to publish it. */
export interface UnpublishedOperations {
  readonly unpublished: MessageQueue;
  readonly publisher: StateChangePublisher;
  readonly republish: ReturnType<typeof republishStateChanges>;
  readonly republishRecord: ReturnType<typeof republishRecord>;
}

/** Adds `lapse unpublished`. */
export function addUnpublishedCommands(program: Program, open: Open): void {
  const unpublished = program.command('unpublished').description('writes whose events were not published');
  unpublished
    .command('list')
    .description('list them')
    .addHelpText('after', '\nExample:\n  lapse unpublished list --json')
    .action(async () => {
      const { operations, print } = open();
      await listUnpublished(await operations(), print);
    });
  unpublished
    .command('replay')
    .description('publish those events again, from the records')
    .addHelpText('after', '\nExample:\n  lapse unpublished replay --dry-run')
    .action(async () => {
      const { operations, isDryRun, print, fail } = open();
      if (!(await replayUnpublished(await operations(), isDryRun, print.result))) fail();
    });
}

/** The stream reports whole seconds of its own clock, the history times of ours. */
const margin = 60_000;

/** A discarded batch of the table's stream: where its records are, without the records. Lambda writes it. */
const batchSchema = v.object({
  requestContext: v.object({ condition: v.string() }),
  DDBStreamBatchInfo: v.object({
    approximateArrivalOfFirstRecord: v.string(),
    approximateArrivalOfLastRecord: v.string(),
    batchSize: v.number(),
  }),
});

interface UnpublishedBatch {
  readonly kind: 'batch';
  readonly first: Instant;
  readonly last: Instant;
  readonly size: number;
  readonly condition: string;
}

function batchOf(body: string): UnpublishedBatch | undefined {
  const parsed = v.safeParse(batchSchema, readJson(body));
  const { DDBStreamBatchInfo: info, requestContext } = parsed.success ? parsed.output : {};
  const first = parseInstant(info?.approximateArrivalOfFirstRecord ?? '');
  const last = parseInstant(info?.approximateArrivalOfLastRecord ?? '');
  if (!info || !requestContext || !first || !last) return undefined;
  return { kind: 'batch', first, last, size: info.batchSize, condition: requestContext.condition };
}

/** What a message holds; `undefined` if neither Lapse nor Lambda wrote it. */
const contentOf = ({ body }: QueuedMessage): Unpublished | UnpublishedBatch | undefined =>
  unpublishedOf(body) ?? batchOf(body);

function wordsOf(content: ReturnType<typeof contentOf>): string {
  switch (content?.kind) {
    case 'event': {
      const { type, detail } = content.event;
      return `${type} of ${detail.account}/${detail.payment_request_id}, recorded ${detail.recorded_at}, was refused (${content.reason})`;
    }
    case 'write': {
      const { key, writtenAt, sequenceNumber } = content;
      return `a write to ${key.account}/${key.paymentRequestId} at ${formatInstant(writtenAt)} cannot be read (sequence number ${sequenceNumber})`;
    }
    case 'batch': {
      const { first, last, size, condition } = content;
      return `${size} writes between ${formatInstant(first)} and ${formatInstant(last)} were not published (${condition})`;
    }
    case undefined:
      return 'neither an event, a write nor a batch of the stream. The message stays in the queue';
  }
}

/** Shows each event, write and batch of writes that was not published. */
export async function listUnpublished(
  { unpublished }: Pick<UnpublishedOperations, 'unpublished'>,
  print: Printer,
): Promise<void> {
  const rows = async function* () {
    for await (const message of unpublished.messages())
      yield { message: message.id, content: wordsOf(contentOf(message)) };
  };
  await print.table(rows(), 'All events are published.');
}

type Replay = Pick<UnpublishedOperations, 'publisher' | 'republish' | 'republishRecord'>;

/** The result of one message, and whether nothing of it is left to do. */
interface Replayed {
  readonly words: string;
  readonly isDone: boolean;
}

/** Publishes what each message holds, and deletes the message once the bus has all of it. Returns whether it has. */
export async function replayUnpublished(
  operations: Replay & Pick<UnpublishedOperations, 'unpublished'>,
  isDryRun: boolean,
  show: ShowResult,
): Promise<boolean> {
  let isAllPublished = true;
  for await (const message of operations.unpublished.messages()) {
    const content = contentOf(message);
    const { words, isDone } = await replay(operations, content, isDryRun);
    show(
      { message: message.id, content: wordsOf(content), result: words },
      `${message.id}: ${wordsOf(content)}${words === '' ? '' : `: ${words}`}`,
    );
    if (!isDryRun && isDone) await operations.unpublished.remove(message);
    isAllPublished &&= isDone;
  }
  return isAllPublished;
}

/** Sends an event as it is. Publishes a write or a batch from the records as they are now. */
async function replay(
  { publisher, republish, republishRecord }: Replay,
  content: ReturnType<typeof contentOf>,
  isDryRun: boolean,
): Promise<Replayed> {
  switch (content?.kind) {
    case 'event': {
      if (isDryRun) return { words: 'would be published', isDone: true };
      const { refused } = await publisher.publish([content.event]);
      const [refusal] = refused;
      return refusal
        ? { words: `refused again (${refusal.reason})`, isDone: false }
        : { words: 'published', isDone: true };
    }
    case 'write': {
      const { key, writtenAt } = content;
      const report = await republishRecord(key, { ...timeAround(writtenAt, writtenAt), isDryRun });
      return report ? replayed(report, isDryRun) : { words: 'the record was deleted', isDone: true };
    }
    case 'batch':
      return replayed(await republish({ ...timeAround(content.first, content.last), isDryRun }), isDryRun);
    case undefined:
      return { words: '', isDone: false };
  }
}

const timeAround = (first: Instant, last: Instant) => ({
  since: plusMillis(first, -margin),
  until: plusMillis(last, margin),
});

function replayed({ records, events, refused, unreadable }: RepublishReport, isDryRun: boolean): Replayed {
  const done = isDryRun ? 'would be published' : `published, ${refused} refused`;
  const left = unreadable > 0 ? `, ${unreadable} records cannot be read` : '';
  return {
    words: `${events} events of ${records} records ${done}${left}`,
    isDone: refused === 0 && unreadable === 0,
  };
}
