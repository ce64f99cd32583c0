import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ReferenceStreamEntry, StreamEntry } from '../../application/ports.ts';
import { UnreadableRecordError } from '../../domain/unreadable-record-error.ts';
import { awaitedOf } from './dynamodb-awaited-references.ts';
import { keyOfPartition, referenceOfPartition } from './record-keys.ts';
import { type Attribute, decode } from './stored-payment-request.ts';
import { plainItem } from './table-items.ts';
import { tableSchema } from '../../contract/table-schema.ts';

/** The part of a DynamoDB stream record that the publisher needs. */
export interface StreamImage {
  readonly NewImage?: Record<string, AttributeValue> | undefined;
}

/** The attributes that an event is made of. */
const published: ReadonlySet<string> = new Set(['c', 'cp', 'sq'] satisfies Attribute[]);

/**
 * The key of a written Payment Request, and what reads the record after the write. The new image alone says what to publish. Returns
 * `undefined` for a deletion by retention and for an item that is not a Payment Request.
 */
export function writeOf({ NewImage }: StreamImage): Pick<StreamEntry, 'key' | 'read'> | undefined {
  const key = keyOfPartition(NewImage?.[tableSchema.partitionKey]?.S ?? '');
  if (!NewImage || !key) return undefined;
  return {
    key,
    read: () => {
      const { record, unreadable } = decode(plainItem(NewImage));
      const lost = unreadable.filter((name) => published.has(name));
      if (lost.length > 0) throw new UnreadableRecordError(key, lost);
      return record;
    },
  };
}

/** The key of a written reference, and what reads it. `undefined` for a deletion by retention and for any other item. */
export function referenceWriteOf({
  NewImage,
}: StreamImage): Pick<ReferenceStreamEntry, 'key' | 'readReference'> | undefined {
  const key = referenceOfPartition(NewImage?.[tableSchema.partitionKey]?.S ?? '');
  if (!NewImage || !key) return undefined;
  return { key, readReference: () => awaitedOf(key, plainItem(NewImage)) };
}
