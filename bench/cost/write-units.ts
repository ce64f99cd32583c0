import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { connectToEngine } from '../../local/dynamodb/engine-connection.ts';
import { openStream } from '../../local/triggers/stream-client.ts';

type Image = Readonly<Record<string, AttributeValue>>;

/** An item before and after a write. */
export interface Write {
  readonly OldImage?: Image | undefined;
  readonly NewImage?: Image | undefined;
}

/**
 * What DynamoDB charges for a write: the started kilobytes of the larger of the two items. Each entry that leaves or enters an
 * index costs a unit. The indexes have keys only, so an entry is never larger than a kilobyte.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
export function writeUnits({ OldImage, NewImage }: Write): number {
  const kilobytes = Math.max(kilobytesOf(OldImage), kilobytesOf(NewImage));
  const { dueIndex, sessionIndex, stateIndex } = tableSchema;
  const moved = [dueIndex, sessionIndex, stateIndex].map(({ partitionKey, sortKey }) => {
    const entryOf = (image: Image | undefined) => {
      const [partition, sort] = [image?.[partitionKey]?.S, image?.[sortKey]?.S];
      return partition === undefined || sort === undefined ? undefined : `${partition} ${sort}`;
    };
    const [before, after] = [entryOf(OldImage), entryOf(NewImage)];
    if (before === after) return 0;
    return (before === undefined ? 0 : 1) + (after === undefined ? 0 : 1);
  });
  return moved.reduce((sum, units) => sum + units, kilobytes);
}

/** The started kilobytes of an item, by DynamoDB's own rule for its size. */
export const kilobytesOf = (image: Image | undefined): number =>
  image === undefined ? 0 : Math.ceil(bytesOfMap(image) / 1_024);

const bytesOfMap = (map: Image): number =>
  Object.entries(map).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + bytesOf(value), 0);

function bytesOf({ S, N, BOOL, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.length / 2) + 1;
  if (BOOL !== undefined) return 1;
  if (L) return L.reduce((sum, value) => sum + 1 + bytesOf(value), 3);
  if (M) return 3 + Object.keys(M).length + bytesOfMap(M);
  throw new Error('The table holds a kind of value that is not weighed here.');
}

/** Every write of these requests in the table's stream, oldest first. */
export async function writesOf(
  endpoint: string,
  tableName: string,
  ids: readonly string[],
): Promise<readonly Write[]> {
  const { signal } = new AbortController();
  const connection = connectToEngine(endpoint);
  const stream = await openStream(connection, tableName);
  const writes: Write[] = [];
  for (const { id } of await stream.listShards(signal)) {
    let iterator: string | undefined = await stream.iteratorAfter(id, undefined, signal);
    while (iterator !== undefined) {
      const { records, next } = await stream.read(iterator, 1_000, signal);
      if (records.length === 0) break;
      for (const { dynamodb } of records) {
        const write = dynamodb as Write;
        const key = write.NewImage?.[tableSchema.partitionKey]?.S ?? '';
        if (ids.some((each) => key.endsWith(`#P#${each}`))) writes.push(write);
      }
      iterator = next;
    }
  }
  connection.close();
  return writes;
}
