import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type CfnGlobalTable,
  type ITable,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { tableIndexes, tableSchema } from '../functions/contract/table-schema.ts';
import { acknowledge } from './acknowledge.ts';
import { tableProblems } from './existing-table.ts';
import type { LapseFunction } from './lapse-function.ts';
import type { SharedProps } from './shared-props.ts';

/** Which table holds the records. */
export interface PaymentRequestTableProps {
  readonly shared: SharedProps;
  /** Your table, with the keys and indexes of `tableSchema` and a stream of new images. Undefined: one is created. */
  readonly existing: ITable | undefined;
}

/** The one table, with its stream. Unless it may be destroyed, it has deletion protection and backups. */
export class PaymentRequestTable extends Construct {
  readonly table: ITable;
  readonly #retention: SharedProps['settings']['retention'];

  constructor(scope: Construct, id: string, { shared, existing }: PaymentRequestTableProps) {
    super(scope, id);
    if (existing) this.#check(existing);
    this.#retention = shared.settings.retention;
    this.table = existing ?? this.#create(shared);
  }

  /** What a function reads to find the table. */
  get environment() {
    return { TABLE_NAME: this.table.tableName, RETENTION_DAYS: String(this.#retention.records) };
  }

  /** What a function that writes cancel jobs reads, besides. */
  get jobsEnvironment() {
    return { JOB_RETENTION_DAYS: String(this.#retention.jobs) };
  }

  /** What a function that quarantines deliveries reads, besides. */
  get quarantineEnvironment() {
    return { QUARANTINE_RETENTION_DAYS: String(this.#retention.quarantine) };
  }

  /** Allows reading or writing single items. Scan and DeleteItem are not allowed to any function. */
  grantItems(
    grantee: LapseFunction,
    ...actions: readonly ('GetItem' | 'BatchGetItem' | 'UpdateItem')[]
  ): void {
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

  /** Throws where nothing can be built on the table. Its keys and indexes may be complete only when the app is synthesized. */
  #check(table: ITable): void {
    if (table.tableStreamArn === undefined) throw new Error(tableProblems(table).join(' '));
    this.node.addValidation({ validate: () => [...tableProblems(table)] });
  }

  #create({ settings, encryptionKey }: SharedProps): ITable {
    const { partitionKey, timeToLive } = tableSchema;
    const isKept = settings.removalPolicy === RemovalPolicy.RETAIN;
    // With the CDK's own way, `grantReadData` and the like also allow the key. It needs a Region that is known at synth.
    const isRegionKnown = !Token.isUnresolved(Stack.of(this).region);
    const table = new TableV2(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      globalSecondaryIndexes: tableIndexes.map((index) => ({
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
      dynamoStream: StreamViewType.NEW_IMAGE,
      // DynamoDB keeps a last backup of a deleted table for 35 days where this is on.
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: isKept },
      deletionProtection: isKept,
      removalPolicy: settings.removalPolicy,
      ...(encryptionKey &&
        isRegionKnown && { encryption: TableEncryptionV2.customerManagedKey(encryptionKey) }),
    });
    if (encryptionKey && !isRegionKnown) encrypt(table, encryptionKey);
    if (!isKept) {
      acknowledge(table, {
        id: 'AwsSolutions::AwsSolutions-DDB3',
        reason: 'The settings say that the table is destroyed with its stack.',
      });
    }
    // See lapse-function.ts for the assertion.
    return table as ITable;
  }
}

/** Encrypts the table where the Region is not known. A grant of yours on the table must then allow the key too. */
function encrypt(table: TableV2, { keyArn }: IKey): void {
  const resource = table.node.defaultChild as CfnGlobalTable;
  resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS' });
  resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: keyArn });
}
