import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type ITable,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { LapseFunction } from './lapse-function.ts';

export interface PaymentRequestTableProps {
  /** A table of one's own: with the keys and indexes of `tableSchema`, and a stream of new and old images. */
  readonly existing: ITable | undefined;
  readonly encryptionKey: IKey | undefined;
  /** Units a second that an on-demand table will not go beyond. */
  readonly maxReadUnits: number;
  readonly maxWriteUnits: number;
}

/** The one table, with its stream: kept when the stack goes, and restorable to any second of the last 35 days. */
export class PaymentRequestTable extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string, props: PaymentRequestTableProps) {
    super(scope, id);
    const { existing, encryptionKey, maxReadUnits, maxWriteUnits } = props;
    if (existing && existing.tableStreamArn === undefined) {
      throw new Error('table has no stream; allowed: a table with a stream of NEW_AND_OLD_IMAGES.');
    }
    const { partitionKey, dueIndex, sessionIndex, stateIndex, timeToLive } = tableSchema;
    const ceiling = { maxReadRequestUnits: maxReadUnits, maxWriteRequestUnits: maxWriteUnits };
    this.table =
      existing ??
      // See lapse-function.ts for the assertion.
      (new TableV2(this, 'Table', {
        partitionKey: { name: partitionKey, type: AttributeType.STRING },
        globalSecondaryIndexes: [dueIndex, sessionIndex, stateIndex].map((index) => ({
          indexName: index.name,
          partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
          sortKey: { name: index.sortKey, type: AttributeType.STRING },
          projectionType: ProjectionType.KEYS_ONLY,
        })),
        billing: Billing.onDemand(ceiling),
        timeToLiveAttribute: timeToLive,
        dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: true,
        removalPolicy: RemovalPolicy.RETAIN,
        ...(encryptionKey && { encryption: TableEncryptionV2.customerManagedKey(encryptionKey) }),
      }) as ITable);
  }

  /** Allows reading and writing single items: no Scan, no Delete. */
  grantItems(grantee: LapseFunction, ...actions: readonly ('GetItem' | 'UpdateItem')[]): void {
    grantee.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
    );
  }

  /** Allows looking through these indexes. */
  grantQuery(grantee: LapseFunction, ...indexes: readonly { readonly name: string }[]): void {
    grantee.allow(
      ['dynamodb:Query'],
      indexes.map(({ name }) => `${this.table.tableArn}/index/${name}`),
    );
  }
}
