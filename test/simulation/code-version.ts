import { tableSchema } from '../../functions/contract/table-schema.ts';
import { type Codec, currentCodec } from './simulated-table.ts';

/** This version of the code, one from before it, one from after it. */
export type VersionName = 'older' | 'current' | 'newer';

/** What a version of the code makes of items. */
export interface CodeVersion {
  readonly name: VersionName;
  readonly codec: Codec;
  /** Attributes of items that it does not know. */
  readonly lacks: readonly string[];
  /** Fields of a session that it does not know. */
  readonly lacksOfSession: readonly string[];
  /** Alarms that it does not know. */
  readonly lacksOfAttention: readonly string[];
  /** Attributes of items that are made of others, and that it makes. */
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
