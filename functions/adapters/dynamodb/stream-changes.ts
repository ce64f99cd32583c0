import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { StreamEntry } from '../../application/ports.ts';
import { fromItem, keyOfPartition } from './payment-request-item.ts';
import { tableSchema } from '../../contract/table-schema.ts';

/** The part of a DynamoDB stream record that the publisher needs. */
export interface StreamImage {
  readonly NewImage?: Record<string, AttributeValue> | undefined;
  readonly OldImage?: Record<string, AttributeValue> | undefined;
}

/**
 * The key of a written Payment Request, and what reads the record before and after the write. Returns `undefined` for a
 * deletion by retention and for an item that is not a Payment Request.
 */
export function writeOf({ NewImage, OldImage }: StreamImage): Pick<StreamEntry, 'key' | 'read'> | undefined {
  const key = keyOfPartition(NewImage?.[tableSchema.partitionKey]?.S ?? '');
  if (!NewImage || !key) return undefined;
  return {
    key,
    read: () => ({
      before: OldImage && fromItem(unmarshall(OldImage)),
      after: fromItem(unmarshall(NewImage)),
    }),
  };
}
