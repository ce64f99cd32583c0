import { Duration } from 'aws-cdk-lib';
import { type IMetric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricNames } from '../functions/contract/metric-names.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { functionMetric } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** From which table to which bus. */
export interface StateChangeEventsProps {
  readonly shared: SharedProps;
  readonly table: ITable;
  /** Your bus. Undefined: one is created. */
  readonly bus: IEventBus | undefined;
}

/** Why a record needs attention. */
export type AttentionCause = MetricNames['publish-state-changes'] extends infer Name
  ? Name extends `Attention:${infer Cause}`
    ? Cause
    : never
  : never;

/** Publishes every change of the table on the bus, from the table's stream: an event is published only for a stored change. */
export class StateChangeEvents extends Construct {
  readonly bus: IEventBus;
  /** Holds what could not be published. */
  readonly unpublished: Queue;
  readonly publish: LapseFunction;

  constructor(scope: Construct, id: string, { shared, table, bus }: StateChangeEventsProps) {
    super(scope, id);
    // See lapse-function.ts for the assertion.
    this.bus =
      bus ??
      (new EventBus(this, 'Bus', {
        ...(shared.encryptionKey && { kmsKey: shared.encryptionKey }),
      }) as IEventBus);
    this.unpublished = new DeadLetterQueue(this, 'Unpublished', {
      shared,
      description: 'Events could not be published, and wait in a queue for you.',
      section: 'dead-letters-events',
    }).queue;
    this.publish = this.#createFunction(shared, table);
    this.#watch(shared);
  }

  /** Records that need attention, by cause. */
  metricAttention(cause: AttentionCause, options?: MetricOptions): IMetric {
    return functionMetric('publish-state-changes', `Attention:${cause}`, options);
  }

  /** Events that were published. */
  metricPublished(options?: MetricOptions): IMetric {
    return functionMetric('publish-state-changes', 'EventsPublished', options);
  }

  #createFunction(shared: SharedProps, table: ITable): LapseFunction {
    const publish = new LapseFunction(this, 'Publish', {
      shared,
      functionName: 'publish-state-changes',
      environment: {
        EVENT_BUS_NAME: this.bus.eventBusName,
        UNPUBLISHED_QUEUE_URL: this.unpublished.queueUrl,
      },
      timeout: Duration.seconds(30),
    });
    publish.live.addEventSource(
      new DynamoEventSource(table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        // The function sets aside what cannot be published. Lambda sends a batch to the queue when the function itself fails on it
        // for 20 hours. The stream keeps it for 24.
        maxRecordAge: Duration.hours(20),
        // CDK's SqsDlq would also grant two actions that neither Lambda nor the function needs.
        onFailure: { bind: () => ({ destination: this.unpublished.queueArn }) },
      }),
    );
    publish.allow(['events:PutEvents'], [this.bus.eventBusArn]);
    publish.allow(['sqs:SendMessage'], [this.unpublished.queueArn]);
    return publish;
  }

  #watch({ alarmTopic: topic, settings: { thresholds } }: SharedProps): void {
    for (const [id, { cause, description }] of Object.entries(attentionAlarms)) {
      new LapseAlarm(this, id, {
        topic,
        description,
        section: cause.replaceAll('_', '-'),
        metric: this.metricAttention(cause),
        threshold: 1,
      });
    }
    new LapseAlarm(this, 'StreamAge', {
      topic,
      description: `State changes have been published ${thresholds.streamAgeSeconds} seconds late or later for three minutes.`,
      section: 'events-behind',
      metric: this.publish.live.metric('IteratorAge', {
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(1),
      }),
      threshold: thresholds.streamAgeSeconds * 1_000,
      periods: 3,
    });
    new LapseAlarm(this, 'EventsRefused', {
      topic,
      description: 'EventBridge has refused events for 15 minutes.',
      section: 'events-behind',
      metric: functionMetric('publish-state-changes', 'EventsRefused'),
      threshold: 1,
      periods: 3,
    });
  }
}

const attentionAlarms = {
  CanceledAfterCompleted: {
    cause: 'canceled_after_completed',
    description: 'A Payment Request was canceled that the customer had approved a moment before.',
  },
  Contradiction: {
    cause: 'contradiction',
    description: 'Klarna reported two states of a Payment Request that cannot both be true.',
  },
  NotFound: {
    cause: 'not_found',
    description: 'Klarna does not know a Payment Request that is open here.',
  },
  UnknownState: {
    cause: 'unknown_state',
    description: 'Klarna reported a state that this version of Lapse does not know.',
  },
} as const;
