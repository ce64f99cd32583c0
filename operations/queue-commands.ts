import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';
import { formatInstant, type Instant, parseInstant, plusMillis } from '../functions/domain/instant.ts';
import type { republishStateChanges } from '../functions/application/republish-state-changes.ts';
import type { MessageQueue, QueuedMessage } from './queue.ts';

/** The dead-letter queues, and the ways to process their messages again. */
export interface QueueOperations {
  readonly unpublished: MessageQueue;
  readonly republish: ReturnType<typeof republishStateChanges>;
  readonly deadTimers: MessageQueue;
  readonly timers: Pick<MessageQueue, 'send'>;
}

type Print = (line: string) => void;

/** A discarded batch of the table's stream: where its records are, without the records. */
const batchSchema = v.object({
  requestContext: v.object({ condition: v.string() }),
  DDBStreamBatchInfo: v.object({
    approximateArrivalOfFirstRecord: v.string(),
    approximateArrivalOfLastRecord: v.string(),
    batchSize: v.number(),
  }),
});

/** The stream reports whole seconds of its own clock, the history times of ours. */
const margin = 60_000;

interface UnpublishedBatch {
  readonly since: Instant;
  readonly until: Instant;
  readonly size: number;
  readonly condition: string;
}

function batchOf({ id, body }: QueuedMessage): UnpublishedBatch {
  const parsed = v.safeParse(batchSchema, readJson(body));
  const { DDBStreamBatchInfo: info, requestContext } = parsed.success ? parsed.output : {};
  const first = parseInstant(info?.approximateArrivalOfFirstRecord ?? '');
  const last = parseInstant(info?.approximateArrivalOfLastRecord ?? '');
  if (!info || !requestContext || !first || !last) {
    throw new Error(`The message ${id} does not describe a batch of the stream. It stays in the queue.`);
  }
  return {
    since: plusMillis(first, -margin),
    until: plusMillis(last, margin),
    size: info.batchSize,
    condition: requestContext.condition,
  };
}

const batchWords = (id: string, { since, until, size, condition }: UnpublishedBatch): string =>
  `${id}: ${size} writes between ${formatInstant(since)} and ${formatInstant(until)} were not published (${condition})`;

/** Prints a line for each batch of writes that was not published. */
export async function listUnpublished(
  { unpublished }: Pick<QueueOperations, 'unpublished'>,
  print: Print,
): Promise<void> {
  let lines = 0;
  for await (const message of unpublished.messages()) {
    print(batchWords(message.id, batchOf(message)));
    lines += 1;
  }
  if (lines === 0) print('All events are published.');
}

/** Publishes the events of each batch, and deletes its message once the bus has all of them. Returns whether it has. */
export async function replayUnpublished(
  { unpublished, republish }: Pick<QueueOperations, 'unpublished' | 'republish'>,
  isDryRun: boolean,
  print: Print,
): Promise<boolean> {
  let isAllPublished = true;
  for await (const message of unpublished.messages()) {
    const batch = batchOf(message);
    const { records, events, refused } = await republish(batch.since, batch.until, isDryRun);
    const done = isDryRun ? 'would be published' : `published, ${refused} refused`;
    print(`${batchWords(message.id, batch)}: ${events} events of ${records} records ${done}`);
    if (!isDryRun && refused === 0) await unpublished.remove(message);
    isAllPublished &&= refused === 0;
  }
  return isAllPublished;
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
