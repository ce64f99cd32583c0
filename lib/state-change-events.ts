import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';
import { deadLetterQueue } from './lapse-queue.ts';

export interface StateChangeEventsProps {
  /** A bus of one's own. */
  readonly bus: IEventBus | undefined;
  readonly encryptionKey: IKey | undefined;
}

/** The bus for the rest of the shop, fed from the table's stream: nothing is published that was not written. */
export class StateChangeEvents extends Construct {
  readonly bus: IEventBus;
  /** What could not be published. */
  readonly unpublished: Queue;

  constructor(scope: Construct, id: string, { bus, encryptionKey }: StateChangeEventsProps) {
    super(scope, id);
    // See lapse-function.ts for the assertion.
    this.bus = bus ?? (new EventBus(this, 'Bus') as IEventBus);
    this.unpublished = deadLetterQueue(this, 'Unpublished', encryptionKey);
  }

  /** Has the function called for every change of the table. What it gives up on ends in a queue. */
  publishFrom(table: ITable, publish: LapseFunction): void {
    publish.live.addEventSource(
      new DynamoEventSource(table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        // An outage of EventBridge is waited out: only what the stream would lose after 24 hours is given up, into the queue.
        maxRecordAge: Duration.hours(20),
        onFailure: new SqsDlq(this.unpublished),
      }),
    );
    publish.allow(['events:PutEvents'], [this.bus.eventBusArn]);
  }
}
