import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import { fromItem, keyOfPartition } from './payment-request-item.ts';
import { tableSchema } from '../../contract/table-schema.ts';

/** The part of a DynamoDB stream record that the publisher needs. */
export interface StreamImage {
  readonly NewImage?: Record<string, AttributeValue> | undefined;
  readonly OldImage?: Record<string, AttributeValue> | undefined;
}

/**
 * The record before and after a write. Returns `undefined` for a deletion by retention and for an item that is not a
 * Payment Request.
 */
export function changeOf({
  NewImage,
  OldImage,
}: StreamImage): { readonly before: PaymentRequest | undefined; readonly after: PaymentRequest } | undefined {
  if (!NewImage || !keyOfPartition(NewImage[tableSchema.partitionKey]?.S ?? '')) return undefined;
  return { before: OldImage && fromItem(unmarshall(OldImage)), after: fromItem(unmarshall(NewImage)) };
}
