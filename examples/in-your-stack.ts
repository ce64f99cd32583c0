/** Lapse as a part of your own stack, with your table, bus, key and topic, for callers with tokens of your issuer. */
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AttributeType,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Lapse, type LapseProps } from 'lapse';
import { tableIndexes, tableSchema } from 'lapse/table-schema';

const app = new App();
// A table with your own key needs a Region that is known at synth.
const stack = new Stack(app, 'Checkout', { env: { region: 'eu-north-1' } });

const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true });
const table = new TableV2(stack, 'Payments', {
  partitionKey: { name: tableSchema.partitionKey, type: AttributeType.STRING },
  globalSecondaryIndexes: tableIndexes.map((index) => ({
    indexName: index.name,
    partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
    sortKey: { name: index.sortKey, type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  })),
  timeToLiveAttribute: tableSchema.timeToLive,
  dynamoStream: StreamViewType.NEW_IMAGE,
  encryption: TableEncryptionV2.customerManagedKey(encryptionKey),
  removalPolicy: RemovalPolicy.RETAIN,
});
const bus = new EventBus(stack, 'Orders');
const alarmTopic = new Topic(stack, 'OnCall');

const lapse = new Lapse(stack, 'Lapse', {
  // The CDK's classes are not assignable to its own interfaces under exactOptionalPropertyTypes. Without that option leave the assertion out.
  ...({ table, bus, encryptionKey, alarmTopic } as Pick<
    LapseProps,
    'table' | 'bus' | 'encryptionKey' | 'alarmTopic'
  >),
  jwtIssuer: 'https://login.shop.example',
  jwtAudience: ['checkout'],
  jwtScopes: ['payments/cancel'],
  webhookIngress: 'http-api',
});

// Route the events of Lapse with rules: here, what needs attention.
lapse.onEvent('Attention', {
  types: ['Payment Request Needs Attention'],
  target: new SqsQueue(new Queue(stack, 'Inbox', { enforceSSL: true })),
});
app.synth();
