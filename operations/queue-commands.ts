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
import type { MessageQueue, QueuedMessage } from './queue.ts';

/** The dead-letter queues, and the ways to process their messages again. */
export interface QueueOperations {
  readonly unpublished: MessageQueue;
  readonly publisher: StateChangePublisher;
  readonly republish: ReturnType<typeof republishStateChanges>;
  readonly republishRecord: ReturnType<typeof republishRecord>;
  readonly deadTimers: MessageQueue;
  readonly timers: Pick<MessageQueue, 'send'>;
}

type Print = (line: string) => void;

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

/** Prints a line for each event, write and batch of writes that was not published. */
export async function listUnpublished(
  { unpublished }: Pick<QueueOperations, 'unpublished'>,
  print: Print,
): Promise<void> {
  let lines = 0;
  for await (const message of unpublished.messages()) {
    print(`${message.id}: ${wordsOf(contentOf(message))}`);
    lines += 1;
  }
  if (lines === 0) print('All events are published.');
}

type Replay = Pick<QueueOperations, 'publisher' | 'republish' | 'republishRecord'>;

/** The result of one message, and whether nothing of it is left to do. */
interface Replayed {
  readonly words: string;
  readonly isDone: boolean;
}

/** Publishes what each message holds, and deletes the message once the bus has all of it. Returns whether it has. */
export async function replayUnpublished(
  operations: Replay & Pick<QueueOperations, 'unpublished'>,
  isDryRun: boolean,
  print: Print,
): Promise<boolean> {
  let isAllPublished = true;
  for await (const message of operations.unpublished.messages()) {
    const content = contentOf(message);
    const { words, isDone } = await replay(operations, content, isDryRun);
    print(`${message.id}: ${wordsOf(content)}${words}`);
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
      if (isDryRun) return { words: ': would be published', isDone: true };
      const { refused } = await publisher.publish([content.event]);
      const [refusal] = refused;
      return refusal
        ? { words: `: refused again (${refusal.reason})`, isDone: false }
        : { words: ': published', isDone: true };
    }
    case 'write': {
      const { key, writtenAt } = content;
      const report = await republishRecord(key, { ...timeAround(writtenAt, writtenAt), isDryRun });
      return report ? replayed(report, isDryRun) : { words: ': the record was deleted', isDone: true };
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
    words: `: ${events} events of ${records} records ${done}${left}`,
    isDone: refused === 0 && unreadable === 0,
  };
}

const timerSchema = v.object({
  account: v.string(),
  payment_request_id: v.string(),
  deadline_at: v.string(),
});

function timerWords({ id, body }: QueuedMessage): string {
  const parsed = v.safeParse(timerSchema, readJson(body));
  if (!parsed.success) return `${id}: does not name a session`;
  const { account, payment_request_id, deadline_at } = parsed.output;
  return `${id}: ${account}/${payment_request_id}, due ${deadline_at}`;
}

/** Prints a line for each timer that failed after twelve attempts. */
export async function listDeadTimers(
  { deadTimers }: Pick<QueueOperations, 'deadTimers'>,
  print: Print,
): Promise<void> {
  let lines = 0;
  for await (const message of deadTimers.messages()) {
    print(timerWords(message));
    lines += 1;
  }
  if (lines === 0) print('No timer has failed.');
}

/** Fires every failed timer again. The record decides again what happens. */
export async function redriveTimers(
  { deadTimers, timers }: Pick<QueueOperations, 'deadTimers' | 'timers'>,
  isDryRun: boolean,
  print: Print,
): Promise<void> {
  for await (const message of deadTimers.messages()) {
    if (!isDryRun) {
      await timers.send(message.body);
      await deadTimers.remove(message);
    }
    print(`${timerWords(message)}: ${isDryRun ? 'would fire again' : 'fires again'}`);
  }
}
