import { ConditionalCheckFailedException, DeleteItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ErasableAuthorizations, ErasableReferences } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { AwaitedReference, AwaitedSession } from '../../domain/awaited-reference.ts';
import type { Account, Reference, SessionId } from '../../domain/identifiers.ts';
import type { KeptAuthorization } from '../../domain/kept-authorization.ts';
import { DynamoDbAwaitedReferences } from './dynamodb-awaited-references.ts';
import { DynamoDbKeptAuthorizations } from './dynamodb-kept-authorizations.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { partitionKeyOfReference, partitionKeyOfReports, referenceOfPartition } from './record-keys.ts';
import type { TableAccess } from './table-items.ts';

/** What waited for references, with leave to delete it. No function has that leave. */
export class ErasableAwaitedReferences extends DynamoDbAwaitedReferences implements ErasableReferences {
  readonly #table: TableAccess;

  constructor(table: TableOptions) {
    super(table);
    this.#table = table;
  }

  /** It costs half a read unit per 4 KiB of the table, as every scan. */
  async *ofSession(account: Account, sessionId: SessionId): AsyncIterable<Reference> {
    const { client, tableName } = this.#table;
    const scan = {
      TableName: tableName,
      ProjectionExpression: '#key',
      FilterExpression: 'begins_with(#key, :references) AND #awaited.#session.#id = :session',
      ExpressionAttributeNames: {
        '#key': tableSchema.partitionKey,
        '#awaited': 'awaited',
        '#session': 'session' satisfies keyof AwaitedReference,
        '#id': 'sessionId' satisfies keyof AwaitedSession,
      },
      ExpressionAttributeValues: marshall({ ':references': `A#${account}#R#`, ':session': sessionId }),
    };
    for await (const { Items: items = [] } of paginateScan({ client }, scan)) {
      for (const item of items) {
        const key = referenceOfPartition(item[tableSchema.partitionKey]?.S ?? '');
        if (key) yield key.reference;
      }
    }
  }

  remove(current: AwaitedReference): Promise<boolean> {
    return deleteVersion(this.#table, partitionKeyOfReference(current), ['version', current.version]);
  }
}

/** Reports of authorizations by reference, with leave to delete them. No function has that leave. */
export class ErasableKeptAuthorizations extends DynamoDbKeptAuthorizations implements ErasableAuthorizations {
  readonly #table: TableAccess;

  constructor(table: TableOptions) {
    super(table);
    this.#table = table;
  }

  async remove({ account, reference, version }: KeptAuthorization): Promise<void> {
    await deleteVersion(this.#table, partitionKeyOfReports(account, reference), ['v', version]);
  }
}

/** Deletes an item of this version. Returns whether it is gone. */
async function deleteVersion(
  { client, tableName }: TableAccess,
  partitionKey: string,
  [attribute, version]: readonly [string, number],
): Promise<boolean> {
  try {
    await client.send(
      new DeleteItemCommand({
        TableName: tableName,
        Key: { [tableSchema.partitionKey]: { S: partitionKey } },
        ConditionExpression: 'attribute_not_exists(#version) OR #version = :version',
        ExpressionAttributeNames: { '#version': attribute },
        ExpressionAttributeValues: marshall({ ':version': version }),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
