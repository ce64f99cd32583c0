import { Duration, Fn } from 'aws-cdk-lib';
import { Archive, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { eventSource, eventTypes } from '../functions/contract/event-types.ts';
import type { SharedProps } from './shared-props.ts';

/** Which bus, and for how long its events are kept. */
export interface EventArchivesProps {
  readonly shared: SharedProps;
  readonly bus: IEventBus;
  readonly days: number;
}

/**
 * Archives of the events on the bus: one for each type, because a replay of EventBridge takes a whole archive. An event is kept once, so
 * several archives cost no more than one.
 */
export class EventArchives extends Construct {
  /** The types with the ARNs of their archives, `<type>=<ARN>` each, separated by `;`. */
  readonly list: string;

  constructor(scope: Construct, id: string, { shared, bus, days }: EventArchivesProps) {
    super(scope, id);
    const archives = eventTypes.map((type) => {
      const archive = new Archive(this, type.replaceAll(' ', ''), {
        sourceEventBus: bus,
        eventPattern: { source: [eventSource], detailType: [type] },
        retention: Duration.days(days),
        description: `${type}, kept for ${days} days for lapse replay`,
        ...(shared.encryptionKey && { kmsKey: shared.encryptionKey }),
      });
      return `${type}=${archive.archiveArn}`;
    });
    this.list = Fn.join(';', archives);
  }
}
