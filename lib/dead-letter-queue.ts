import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { lapseQueue } from './lapse-queue.ts';
import type { SharedProps } from './shared-props.ts';

/** What a dead-letter queue holds, for its alarm. */
export interface DeadLetterQueueProps {
  readonly shared: SharedProps;
  /** One sentence for the alarm: what it means for shoppers that a message is here. */
  readonly shoppers: string;
  /** One sentence for the alarm: what the operator does first. */
  readonly first: string;
  /** The section of the runbook for the alarm. */
  readonly section: string;
}

/** A dead-letter queue with its alarm. Messages stay for 14 days, the longest that SQS keeps them. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, { shared, shoppers, first, section }: DeadLetterQueueProps) {
    super(scope, id);
    this.queue = lapseQueue(this, 'Queue', shared.encryptionKey, { retentionPeriod: Duration.days(14) });
    const reason = 'This is a dead-letter queue. A message in it raises an alarm and waits for the operator.';
    for (const rule of ['AwsSolutions::AwsSolutions-SQS3', 'Serverless::Serverless-SQSRedrivePolicy']) {
      acknowledge(this.queue, { id: rule, reason });
    }
    new LapseAlarm(this, 'Messages', {
      topic: shared.alarmTopic,
      shoppers,
      first,
      section,
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(1),
      }),
      threshold: 1,
    });
  }
}
