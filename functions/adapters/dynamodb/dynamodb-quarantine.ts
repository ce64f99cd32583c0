import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { QuarantinedDelivery, Quarantine } from '../../application/ports.ts';
import { millisOf } from '../../domain/instant.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { timeToLive } from './payment-request-item.ts';
import { tableSchema } from './table-schema.ts';
import { UpdateBuilder } from './update-expression.ts';

/** Deliveries that belong to no record, as items of their own in the same table. The first delivery of an event is kept. */
export class DynamoDbQuarantine implements Quarantine {
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async keep(delivery: QuarantinedDelivery): Promise<void> {
    const { client, tableName, retentionDays } = this.#options;
    const update = new UpdateBuilder()
      .putIfAbsent('reason', delivery.reason)
      .putIfAbsent('received_at', delivery.receivedAt)
      .putIfAbsent('body_sha256', delivery.bodySha256)
      .putIfAbsent('signing_key_id', delivery.signingKeyId)
      .putIfAbsent(tableSchema.timeToLive, timeToLive(millisOf(delivery.receivedAt), retentionDays));
    if (delivery.eventType) update.putIfAbsent('event_type', delivery.eventType);
    if (delivery.account) update.putIfAbsent('account', delivery.account);
    if (delivery.paymentRequestId) update.putIfAbsent('payment_request_id', delivery.paymentRequestId);
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { [tableSchema.partitionKey]: { S: `Q#${delivery.signingKeyId}#${delivery.deliveryId}` } },
        ...update.when(),
      }),
    );
  }
}
