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
import { Construct } from 'constructs';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { LapseFunction } from './lapse-function.ts';
import type { SharedProps } from './shared-props.ts';

/** Which table holds the records. */
export interface PaymentRequestTableProps {
  readonly shared: SharedProps;
  /** Your table, with the keys and indexes of `tableSchema` and a stream of new and old images. Undefined: one is created. */
  readonly existing: ITable | undefined;
}

/** The one table, with its stream. It stays when the stack is deleted and has point-in-time recovery. */
export class PaymentRequestTable extends Construct {
  readonly table: ITable;
  readonly #retentionDays: number;

  constructor(scope: Construct, id: string, { shared, existing }: PaymentRequestTableProps) {
    super(scope, id);
    if (existing && existing.tableStreamArn === undefined) {
      throw new Error('table has no stream; allowed: a table with a stream of NEW_AND_OLD_IMAGES.');
    }
    this.#retentionDays = shared.settings.retentionDays;
    this.table = existing ?? this.#create(shared);
  }

  /** What a function reads to find the table. */
  get environment() {
    return { TABLE_NAME: this.table.tableName, RETENTION_DAYS: String(this.#retentionDays) };
  }

  /** Allows reading or writing single items. Scan and DeleteItem are not allowed to any function. */
  grantItems(grantee: LapseFunction, ...actions: readonly ('GetItem' | 'UpdateItem')[]): void {
    grantee.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
    );
  }

  /** Allows querying these indexes. */
  grantQuery(grantee: LapseFunction, ...indexes: readonly { readonly name: string }[]): void {
    grantee.allow(
      ['dynamodb:Query'],
      indexes.map(({ name }) => `${this.table.tableArn}/index/${name}`),
    );
  }

  #create({ settings, encryptionKey }: SharedProps): ITable {
    const { partitionKey, dueIndex, sessionIndex, stateIndex, timeToLive } = tableSchema;
    // See lapse-function.ts for the assertion.
    return new TableV2(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      globalSecondaryIndexes: [dueIndex, sessionIndex, stateIndex].map((index) => ({
        indexName: index.name,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: { name: index.sortKey, type: AttributeType.STRING },
        projectionType: ProjectionType.KEYS_ONLY,
      })),
      billing: Billing.onDemand({
        maxReadRequestUnits: settings.maxReadUnits,
        maxWriteRequestUnits: settings.maxWriteUnits,
      }),
      timeToLiveAttribute: timeToLive,
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      ...(encryptionKey && { encryption: TableEncryptionV2.customerManagedKey(encryptionKey) }),
    }) as ITable;
  }
}
