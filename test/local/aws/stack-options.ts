import type { AwsServerOptions } from '../../../local/aws/server.ts';
import type { QueueDescription } from '../../../local/template/stack-description.ts';

const region = 'eu-north-1';
const accountId = '123456789012';

export const arnOfQueue = (name: string): string => `arn:aws:sqs:${region}:${accountId}:${name}`;

const queue = (name: string, settings: Partial<QueueDescription> = {}): QueueDescription => ({
  id: name,
  name,
  arn: arnOfQueue(name),
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 345_600,
  redrive: undefined,
  ...settings,
});

/** A stack with one of each resource, and queues with short timeouts. */
export const stackOptions: AwsServerOptions = {
  port: 0,
  dataDirectory: undefined,
  dynamodbUrl: 'http://127.0.0.1:9',
  region,
  accountId,
  scheduleGroups: ['sessions'],
  eventBuses: ['lapse'],
  queues: [
    queue('timers', { redrive: { deadLetterQueueName: 'dead-letters', maxReceiveCount: 2 } }),
    queue('dead-letters'),
    queue('short-visibility', {
      visibilityTimeoutSeconds: 0.02,
      redrive: { deadLetterQueueName: 'dead-letters', maxReceiveCount: 2 },
    }),
    queue('short-retention', { retentionSeconds: 0.02 }),
    queue('lost-batches'),
  ],
  deadLetterQueues: ['lost-batches'],
  secrets: {
    'lapse/accounts': { read: () => '{"demo":{}}' },
    'lapse/signing-keys-abcdef': { read: () => '{}' },
  },
};
