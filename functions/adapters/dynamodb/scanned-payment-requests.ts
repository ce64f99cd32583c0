import { type AttributeValue, paginateScan } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ChangedPaymentRequests } from '../../application/ports.ts';
import { type Instant, millisOf } from '../../domain/instant.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import { UnreadableRecordError } from '../../domain/unreadable-record-error.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { type Attribute, decode } from './stored-payment-request.ts';
import { plainItem } from './table-items.ts';

/** Reads the whole table, which no function may do. It costs half a read unit per 4 KiB, whatever it finds. */
export class ScannedPaymentRequests implements ChangedPaymentRequests {
  readonly #options: Pick<TableOptions, 'client' | 'tableName'>;

  constructor(options: Pick<TableOptions, 'client' | 'tableName'>) {
    this.#options = options;
  }

  async *changedSince(since: Instant): AsyncIterable<PaymentRequest | undefined> {
    const { client, tableName } = this.#options;
    const scan = {
      TableName: tableName,
      // Only a record has a sequence.
      FilterExpression: 'attribute_exists(#sequence) AND #updated >= :since',
      ExpressionAttributeNames: { '#sequence': 'sq', '#updated': 'ut' } satisfies Record<string, Attribute>,
      ExpressionAttributeValues: marshall({ ':since': millisOf(since) }),
    };
    for await (const { Items: items = [] } of paginateScan({ client }, scan)) {
      for (const item of items) yield readable(item);
    }
  }
}

function readable(item: Record<string, AttributeValue>): PaymentRequest | undefined {
  try {
    return decode(plainItem(item)).record;
  } catch (error) {
    if (error instanceof UnreadableRecordError) return undefined;
    throw error;
  }
}
