import { ServiceError } from '../wire/service-error.ts';
import type { Queue } from './queue.ts';
import type { Queues } from './queues.ts';

/**
 * The attributes of a queue that were asked for, or every one for `All`. Throws InvalidAttributeName for an unknown
 * one.
 */
export function queueAttributes(queue: Queue, wanted: readonly string[], queues: Queues): object {
  const { arn, visibilityTimeoutSeconds, retentionSeconds, redrive } = queue.description;
  const { visible, in_flight, delayed } = queue.counts();
  const all: Readonly<Record<string, string>> = {
    QueueArn: arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(in_flight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    MessageRetentionPeriod: String(retentionSeconds),
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    MaximumMessageSize: '1048576',
    ...(redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: queues.get(redrive.deadLetterQueueName).description.arn,
        maxReceiveCount: redrive.maxReceiveCount,
      }),
    }),
  };
  const names = wanted.includes('All') ? Object.keys(all) : wanted;
  return Object.fromEntries(
    names.flatMap((name) => {
      if (name === 'RedrivePolicy' && !redrive) return [];
      const value = all[name];
      if (value === undefined) {
        throw new ServiceError('InvalidAttributeName', `${name} is not an attribute of a local queue.`);
      }
      return [[name, value]];
    }),
  );
}
