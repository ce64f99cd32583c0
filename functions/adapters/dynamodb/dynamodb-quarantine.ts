import { DeleteItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ErasableDeliveries, Quarantine, QuarantinedDeliveries } from '../../application/ports.ts';
import type {
  DeliveryReplay,
  QuarantinedDelivery,
  StoredDelivery,
} from '../../domain/quarantined-delivery.ts';
import { millisOf } from '../../domain/instant.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { timeToLive } from './record-keys.ts';
import type { Item } from './stored-payment-request.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import { getItem, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** The partition of the open index that holds the quarantine. No account's partition has this name. */
const partition = 'QUARANTINE';

type DeliveryId = Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>;

const partitionKeyOf = ({ signingKeyId, deliveryId }: DeliveryId): string =>
  `Q#${signingKeyId}#${deliveryId}`;

/**
 * Deliveries that belong to no record, as separate items of the same table. Of each event, only the first delivery is
 * stored.
 */
export class DynamoDbQuarantine implements Quarantine, QuarantinedDeliveries, ErasableDeliveries {
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async keep(delivery: QuarantinedDelivery): Promise<void> {
    const update = new UpdateBuilder()
      .putIfAbsent('delivery', delivery)
      .putIfAbsent(tableSchema.openIndex.partitionKey, partition)
      .putIfAbsent(tableSchema.openIndex.sortKey, `${delivery.receivedAt}#${delivery.deliveryId}`)
      .putIfAbsent(
        tableSchema.timeToLive,
        timeToLive(millisOf(delivery.receivedAt), this.#options.retentionDays),
      );
    await this.#update(delivery, update);
  }

  async *all(): AsyncIterable<StoredDelivery> {
    const { client, tableName } = this.#options;
    const { name, partitionKey } = tableSchema.openIndex;
    const query = {
      TableName: tableName,
      IndexName: name,
      KeyConditionExpression: '#partition = :partition',
      ExpressionAttributeNames: { '#partition': partitionKey },
      ExpressionAttributeValues: marshall({ ':partition': partition }),
      ScanIndexForward: false,
    };
    for await (const { Items: items = [] } of paginateQuery({ client, pageSize: 100 }, query)) {
      for (const item of items) {
        const delivery = await this.#read(item[tableSchema.partitionKey]?.S ?? '');
        if (delivery) yield delivery;
      }
    }
  }

  read(id: DeliveryId): Promise<StoredDelivery | undefined> {
    return this.#read(partitionKeyOf(id));
  }

  async noteReplay(delivery: QuarantinedDelivery, replay: DeliveryReplay): Promise<void> {
    await this.#update(delivery, new UpdateBuilder().put('replay', replay));
  }

  async remove(id: DeliveryId): Promise<void> {
    const { client, tableName } = this.#options;
    const Key = { [tableSchema.partitionKey]: { S: partitionKeyOf(id) } };
    await client.send(new DeleteItemCommand({ TableName: tableName, Key }));
  }

  async #read(partitionKey: string): Promise<StoredDelivery | undefined> {
    const item = await getItem(this.#options, partitionKey);
    return item && fromItem(item);
  }

  async #update(id: DeliveryId, update: UpdateBuilder): Promise<void> {
    await updateItem(this.#options, partitionKeyOf(id), update.when());
  }
}

function fromItem(item: Item): StoredDelivery {
  const { facts, ...delivery } = item['delivery'] as QuarantinedDelivery;
  // Code that did not look at the version read every one as v2.
  return { ...delivery, facts: { eventVersion: 'v2', ...facts }, replay: item['replay'] as DeliveryReplay };
}
