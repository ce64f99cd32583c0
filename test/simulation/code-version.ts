import { tableIndexes } from '../../functions/contract/table-schema.ts';
import { type Codec, currentCodec } from './simulated-table.ts';

/** This version of the code, an older one and a newer one. */
export type VersionName = 'older' | 'current' | 'newer';

/** How a version of the code reads and writes items. */
export interface CodeVersion {
  readonly name: VersionName;
  readonly codec: Codec;
  /** Attributes of items that the version does not know. */
  readonly lacks: readonly string[];
  /** Attention values that the version does not know. */
  readonly lacksOfAttention: readonly string[];
  /** Attributes of items that the version derives from others. */
  readonly derives: readonly string[];
}

/** What the newer version knows and this one does not. */
export const news = {
  attribute: 'touches',
  attention: 'review_wanted',
  kind: 'remark',
} as const;

export const indexKeys: readonly string[] = [
  ...new Set(tableIndexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey])),
];

export const currentVersion: CodeVersion = {
  name: 'current',
  codec: currentCodec,
  lacks: [news.attribute],
  lacksOfAttention: [news.attention],
  derives: indexKeys,
};
