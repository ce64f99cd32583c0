import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { EventArchives } from './event-archives.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { PaymentRequestTable } from './payment-request-table.ts';
import type { SessionTimer } from './session-timer.ts';
import type { SharedProps } from './shared-props.ts';

/** From which table to which bus. */
export interface StateChangeEventsProps {
  readonly shared: SharedProps;
  readonly table: PaymentRequestTable;
  readonly timer: SessionTimer;
  /** Your bus. Undefined: one is created. */
  readonly bus: IEventBus | undefined;
}

/** Publishes every change of the table on the bus, from the table's stream: an event is published only for a stored change. */
export class StateChangeEvents extends Construct {
  readonly bus: IEventBus;
  /** Holds what could not be published. */
  readonly unpublished: Queue;
  readonly publish: LapseFunction;
  /** The archives of the events, where the settings want them. */
  readonly archives: EventArchives | undefined;

  constructor(scope: Construct, id: string, { shared, table, timer, bus }: StateChangeEventsProps) {
    super(scope, id);
    // See lapse-function.ts for the assertion.
    this.bus =
      bus ??
      (new EventBus(this, 'Bus', {
        // The CDK would name it after the construct, whatever the name of the stack.
        eventBusName: `${shared.name}-events`,
        ...(shared.encryptionKey && { kmsKey: shared.encryptionKey }),
      }) as IEventBus);
    const { archiveDays: days } = shared.settings;
    this.archives =
      days === undefined ? undefined : new EventArchives(this, 'Archives', { shared, bus: this.bus, days });
    this.unpublished = new DeadLetterQueue(this, 'Unpublished', {
      shared,
      shoppers: "The shop's other systems miss changes: events could not be published, and wait in a queue.",
      first: 'Run lapse unpublished list: it names the reason.',
      section: 'dead-letters-events',
    }).queue;
    this.publish = this.#createFunction(shared, table, timer);
    this.#watch(shared);
  }

  #createFunction(shared: SharedProps, table: PaymentRequestTable, timer: SessionTimer): LapseFunction {
    const publish = new LapseFunction(this, 'Publish', {
      shared,
      functionName: 'publish-state-changes',
      environment: {
        ...table.environment,
        TIMER_QUEUE_URL: timer.queue.queueUrl,
        EVENT_BUS_NAME: this.bus.eventBusName,
        UNPUBLISHED_QUEUE_URL: this.unpublished.queueUrl,
      },
      timeout: Duration.seconds(30),
    });
    publish.live.addEventSource(
      new DynamoEventSource(table.table, {
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
    // It looks for what belongs together, and hands it over. It writes no record, and has no account's secret.
    table.grantItems(publish, 'GetItem', 'BatchGetItem');
    table.grantQuery(publish, tableSchema.sessionIndex, tableSchema.referenceIndex);
    publish.allow(['sqs:SendMessage'], [timer.queue.queueArn]);
    return publish;
  }

  #watch({ alarmTopic: topic, name, settings: { thresholds } }: SharedProps): void {
    new LapseAlarm(this, 'CanceledAfterCompleted', {
      topic,
      shoppers:
        'A customer believes that an order is paid, but our cancel reached Klarna a moment after the approval.',
      first: 'Run lapse attention list, tell the customer, and offer to pay again.',
      section: 'canceled-after-completed',
      metric: lapseMetric(name, 'CanceledAfterCompleted'),
      threshold: 1,
    });
    new LapseAlarm(this, 'PaidTwice', {
      topic,
      shoppers:
        'A customer has approved two payments for one order, for example in two tabs, and may pay both.',
      first: 'Run lapse attention list, and authorize only one of the two payments.',
      section: 'paid-twice',
      metric: lapseMetric(name, 'PaidTwice'),
      threshold: 1,
    });
    new LapseAlarm(this, 'NotAuthorized', {
      topic,
      shoppers:
        'A customer has approved a payment that no report says to be authorized: an hour after the approval it is void.',
      first: 'Run lapse attention list, and authorize the payment at Klarna before confirm_by.',
      section: 'not-authorized',
      metric: lapseMetric(name, 'NotAuthorized'),
      threshold: 1,
    });
    new LapseAlarm(this, 'Attention', {
      topic,
      shoppers:
        'A payment may exist for an order that is not shipped, or the other way round: a record needs a person.',
      first: 'Run lapse attention list, and look up the cause that it shows.',
      section: 'attention',
      metric: lapseMetric(name, 'Attention'),
      threshold: 1,
    });
    new LapseAlarm(this, 'EventsBehind', {
      topic,
      shoppers: `Order pages and mails are late: state changes have been published ${thresholds.streamAgeSeconds} seconds late or later for three minutes.`,
      first: 'Search the log for events.refused and events.fault.',
      section: 'events-behind',
      metric: this.publish.live.metric('IteratorAge', {
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(1),
      }),
      threshold: thresholds.streamAgeSeconds * 1_000,
      periods: 3,
    });
  }
}
