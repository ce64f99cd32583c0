import { paginateScan } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ChangedPaymentRequests } from '../../application/ports.ts';
import type { Instant } from '../../domain/instant.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { fromItem } from './payment-request-item.ts';

/** Reads the whole table, which no function may do. It costs half a read unit per 4 KiB, whatever it finds. */
export class ScannedPaymentRequests implements ChangedPaymentRequests {
  readonly #options: Pick<TableOptions, 'client' | 'tableName'>;

  constructor(options: Pick<TableOptions, 'client' | 'tableName'>) {
    this.#options = options;
  }

  async *changedSince(since: Instant): AsyncIterable<PaymentRequest> {
    const { client, tableName } = this.#options;
    const scan = {
      TableName: tableName,
      FilterExpression: 'attribute_exists(#id) AND #updated >= :since',
      ExpressionAttributeNames: { '#id': 'payment_request_id', '#updated': 'updated_at' },
      ExpressionAttributeValues: marshall({ ':since': since }),
    };
    for await (const { Items: items = [] } of paginateScan({ client }, scan)) {
      for (const item of items) yield fromItem(unmarshall(item));
    }
  }
}
