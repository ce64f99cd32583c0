import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';

/**
 * How far each shard of a stream has been handled. A change is on disk when its promise resolves. A change that cannot
 * be written is logged, and costs at most a repeated delivery after a restart.
 */
export interface StreamCheckpoint {
  /** True when there was no checkpoint of this stream: neither a file nor one of an earlier stream of the table. */
  readonly isNew: boolean;
  /** Sequence number of the last handled record; `undefined` means none: begin with the oldest. */
  positionOf(shardId: string): string | undefined;
  /** Marks a shard as closed and completely handled. */
  isFinished(shardId: string): boolean;
  advance(shardId: string, sequenceNumber: string): Promise<void>;
  finish(shardId: string): Promise<void>;
}

const content = v.object({
  streamArn: v.string(),
  shards: recordOf(
    v.string(),
    v.object({ after: v.optional(v.string()), finished: v.optional(v.boolean()) }),
  ),
});
type Content = v.InferOutput<typeof content>;

/**
 * Opens the checkpoint of one event source, a JSON file that is replaced as a whole. After a kill it is the old or the
 * new file, so records may be delivered again and are never skipped. A file that cannot be read, or that belongs to
 * another stream because the table was created again, starts with the oldest record. Without a file name the checkpoint
 * is in memory.
 */
export async function openCheckpoint(
  file: string | undefined,
  streamArn: string,
  onLog: (line: string) => void,
): Promise<StreamCheckpoint> {
  const stored = file === undefined ? undefined : await load(file, onLog);
  const current: Content = stored?.streamArn === streamArn ? stored : { streamArn, shards: {} };
  let writes: Promise<void> = Promise.resolve();

  function change(shardId: string, entry: Content['shards'][string]): Promise<void> {
    current.shards[shardId] = { ...current.shards[shardId], ...entry };
    if (file === undefined) return Promise.resolve();
    const text = JSON.stringify(current, undefined, 2);
    writes = writes
      .then(() => replace(file, text))
      .catch((error: unknown) => {
        onLog(`the checkpoint ${file} was not written: ${String(error)}`);
      });
    return writes;
  }

  return {
    isNew: stored === undefined,
    positionOf: (shardId) => current.shards[shardId]?.after,
    isFinished: (shardId) => current.shards[shardId]?.finished === true,
    advance: (shardId, sequenceNumber) => change(shardId, { after: sequenceNumber }),
    finish: (shardId) => change(shardId, { finished: true }),
  };
}

/** `undefined` where there is no file. A damaged file counts as that of no stream. */
async function load(file: string, onLog: (line: string) => void): Promise<Content | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return v.parse(content, JSON.parse(text));
  } catch (error) {
    onLog(`${file} is damaged, the stream is delivered from its oldest record: ${String(error)}`);
    return { streamArn: '', shards: {} };
  }
}

async function replace(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text, { flush: true });
  await rename(`${file}.new`, file);
}
