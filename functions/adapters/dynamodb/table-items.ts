import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { tableSchema } from '../../contract/table-schema.ts';
import type { Item } from './stored-payment-request.ts';
import type { Expressions } from './update-expression.ts';

/** The table, and the client that reaches it. */
export interface TableAccess {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

const keyOf = (partitionKey: string) => ({ [tableSchema.partitionKey]: { S: partitionKey } });

/** An item as plain values. A number that JavaScript cannot hold is read as the nearest one, so that no item throws. */
export const plainItem = (item: Record<string, AttributeValue>): Item =>
  unmarshall(item, { wrapNumbers: Number });

/** Reads one item; `undefined` where there is none. An eventually consistent read costs half. */
export async function getItem(
  { client, tableName }: TableAccess,
  partitionKey: string,
  consistency: 'strong' | 'eventual' = 'strong',
): Promise<Item | undefined> {
  const { Item: item } = await client.send(
    new GetItemCommand({
      TableName: tableName,
      Key: keyOf(partitionKey),
      ConsistentRead: consistency === 'strong',
    }),
  );
  return item && plainItem(item);
}

/** Whether an update was done. `stored`: the item after it, where that was asked for. If its condition did not hold: the one that stands. */
export interface UpdateResult {
  readonly written: boolean;
  readonly stored: Item | undefined;
}

/** Writes one item in one conditional update. Faults of DynamoDB are thrown. */
export async function updateItem(
  { client, tableName }: TableAccess,
  partitionKey: string,
  expressions: Expressions,
  returned: 'NONE' | 'ALL_NEW' = 'NONE',
): Promise<UpdateResult> {
  try {
    const { Attributes: item } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(partitionKey),
        ReturnValues: returned,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...expressions,
      }),
    );
    return { written: true, stored: item && plainItem(item) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { written: false, stored: error.Item && plainItem(error.Item) };
  }
}
