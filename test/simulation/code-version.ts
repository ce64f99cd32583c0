import { tableSchema } from '../../functions/contract/table-schema.ts';
import { type Codec, currentCodec } from './simulated-table.ts';

/** This version of the code, an older one and a newer one. */
export type VersionName = 'older' | 'current' | 'newer';

/** How a version of the code reads and writes items. */
export interface CodeVersion {
  readonly name: VersionName;
  readonly codec: Codec;
  /** Attributes of items that the version does not know. */
  readonly lacks: readonly string[];
  /** Fields of a session that the version does not know. */
  readonly lacksOfSession: readonly string[];
  /** Attention values that the version does not know. */
  readonly lacksOfAttention: readonly string[];
  /** Attributes of items that the version derives from others. */
  readonly derives: readonly string[];
}

/** What the newer version knows and this one does not. */
export const news = {
  attribute: 'touches',
  ofSession: 'channel',
  attention: 'review_wanted',
  kind: 'remark',
} as const;

export const indexKeys: readonly string[] = [
  tableSchema.sessionIndex.partitionKey,
  tableSchema.stateIndex.partitionKey,
  tableSchema.stateIndex.sortKey,
  tableSchema.dueIndex.partitionKey,
];

export const currentVersion: CodeVersion = {
  name: 'current',
  codec: currentCodec,
  lacks: [news.attribute],
  lacksOfSession: [news.ofSession],
  lacksOfAttention: [news.attention],
  derives: indexKeys,
};
