import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type ITable,
  ProjectionType,
  StreamViewType,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tableSchema } from '../functions/adapters/dynamodb/table-schema.ts';
import type { LapseFunction } from './lapse-function.ts';

/** The one table, with its stream: kept when the stack goes, and restorable to any second of the last 35 days. */
export class PaymentRequestTable extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { partitionKey, dueIndex, sessionIndex, stateIndex, timeToLive } = tableSchema;
    // See lapse-function.ts for the assertion.
    this.table = new TableV2(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      globalSecondaryIndexes: [dueIndex, sessionIndex, stateIndex].map((index) => ({
        indexName: index.name,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: { name: index.sortKey, type: AttributeType.STRING },
        projectionType: ProjectionType.KEYS_ONLY,
      })),
      billing: Billing.onDemand(),
      timeToLiveAttribute: timeToLive,
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    }) as ITable;
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
