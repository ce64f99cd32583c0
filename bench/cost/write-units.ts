import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as DynamoDB's wire protocol has it. */
export type Image = Readonly<Record<string, AttributeValue>>;

/** An index of the table, as far as it decides what a write costs. */
export interface Index {
  readonly name: string;
  /** The names of its partition key and its sort key. */
  readonly keys: readonly string[];
  /** The attributes that it holds besides keys; `all` for every attribute. */
  readonly projected: readonly string[] | 'all';
}

/** An item before and after a write, and the table's indexes. */
export interface ItemWrite {
  readonly before: Image | undefined;
  readonly after: Image | undefined;
  readonly tableKeys: readonly string[];
  readonly indexes: readonly Index[];
}

/** What DynamoDB charges for one write, in write units. */
export interface WriteUnits {
  /** For the item itself. */
  readonly base: number;
  /** For the entries of each index that the write touched, by the index's name. */
  readonly indexes: Readonly<Record<string, number>>;
}

/**
 * The item costs the started kilobytes of its larger version. An index costs nothing where its entry stays as it was, one entry where
 * it enters, leaves or changes, and two where its key changes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
export function writeUnits({ before, after, tableKeys, indexes }: ItemWrite): WriteUnits {
  const touched = indexes.flatMap((index) => {
    const [old, next] = [before, after].map((image) => entryOf(image, index, tableKeys));
    const units = entryUnits(old, next, index);
    return units === 0 ? [] : [[index.name, units] as const];
  });
  return {
    base: Math.max(1, kilobytesOf(before), kilobytesOf(after)),
    indexes: Object.fromEntries(touched),
  };
}

/** A write that its condition refuses costs by the size of the item that stands, and touches no index. */
export const refusedUnits = (standing: Image | undefined): WriteUnits => ({
  base: Math.max(1, kilobytesOf(standing)),
  indexes: {},
});

/** All units of a write together. */
export const unitsTogether = ({ base, indexes }: WriteUnits): number =>
  Object.values(indexes).reduce((sum, units) => sum + units, base);

function entryUnits(old: Image | undefined, next: Image | undefined, { keys }: Index): number {
  const [removed, added] = [old, next].map((entry) => Math.max(1, kilobytesOf(entry)));
  if (!old && !next) return 0;
  if (!old) return added ?? 0;
  if (!next) return removed ?? 0;
  if (textOf(old) === textOf(next)) return 0;
  const isMoved = keys.some((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]));
  return isMoved ? (removed ?? 0) + (added ?? 0) : Math.max(removed ?? 0, added ?? 0);
}

const textOf = (entry: Image): string =>
  JSON.stringify(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** What an index holds of an item: nothing where one of its keys is missing. */
function entryOf(
  image: Image | undefined,
  { keys, projected }: Index,
  tableKeys: readonly string[],
): Image | undefined {
  if (!image || keys.some((key) => image[key] === undefined)) return undefined;
  if (projected === 'all') return image;
  const held = new Set([...keys, ...tableKeys, ...projected]);
  return Object.fromEntries(Object.entries(image).filter(([name]) => held.has(name)));
}

/** The started kilobytes of an item, by DynamoDB's own rule for its size. */
export const kilobytesOf = (image: Image | undefined): number =>
  image === undefined ? 0 : Math.ceil(bytesOfItem(image) / 1_024);

/**
 * The bytes of an item.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const bytesOfItem = (item: Image): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + bytesOf(value), 0);

function bytesOf({ S, N, B, BOOL, NULL, L, M, SS, NS }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return bytesOfNumber(N);
  // On the wire, bytes are base64.
  if (B !== undefined) return Buffer.from(String(B), 'base64').length;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (L) return L.reduce((sum, value) => sum + 1 + bytesOf(value), 3);
  if (M) return 3 + Object.keys(M).length + bytesOfItem(M);
  if (SS) return SS.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (NS) return NS.reduce((sum, value) => sum + bytesOfNumber(value), 0);
  throw new Error('The table holds a kind of value that is not weighed here.');
}

/** About a byte for two significant digits, and one more. */
const bytesOfNumber = (text: string): number =>
  Math.ceil(
    text
      .replace(/^-?0*\.?0*/, '')
      .replace(/0+$/, '')
      .replace('.', '').length / 2,
  ) + 1;
