import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { PaymentRequestErasure } from '../../application/ports.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { type Attribute, toItem } from './stored-payment-request.ts';

/**
 * Replaces whole items. An update would leave attributes that this version does not know, so an erasure puts a new item in the place
 * of the old one.
 */
export class DynamoDbErasure implements PaymentRequestErasure {
  readonly #options: Pick<TableOptions, 'client' | 'tableName' | 'retentionDays'>;

  constructor(options: Pick<TableOptions, 'client' | 'tableName' | 'retentionDays'>) {
    this.#options = options;
  }

  async replace(current: PaymentRequest, tombstone: PaymentRequest): Promise<boolean> {
    const { client, tableName, retentionDays } = this.#options;
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(toItem(tombstone, retentionDays), { removeUndefinedValues: true }),
          ConditionExpression: '#version = :version',
          ExpressionAttributeNames: { '#version': 'v' satisfies Attribute },
          ExpressionAttributeValues: marshall({ ':version': current.version }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}
