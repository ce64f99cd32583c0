import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Clock, StateChangePublisher } from '../../application/ports.ts';
import type { StateChangeEvent } from '../../domain/state-change-event.ts';

export interface PublisherOptions {
  readonly client: EventBridgeClient;
  readonly busName: string;
  readonly clock: Clock;
}

/** PutEvents takes at most ten entries. */
const batchSize = 10;
const tries = 3;
const pauseMillis = 100;

/** Publishes to the stack's event bus with the source `lapse`. */
export class EventBridgePublisher implements StateChangePublisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async publish(events: readonly StateChangeEvent[]): Promise<readonly StateChangeEvent[]> {
    for (let start = 0; start < events.length; start += batchSize) {
      const refused = await this.#publishBatch(events.slice(start, start + batchSize));
      // The events of a request stay in order: none goes out after its first refused event.
      if (refused.length > 0) return [...refused, ...events.slice(start + batchSize)];
    }
    return [];
  }

  /** PutEvents may refuse some entries of a call. Only the refused ones are sent again. */
  async #publishBatch(events: readonly StateChangeEvent[]): Promise<readonly StateChangeEvent[]> {
    const { client, busName, clock } = this.#options;
    let waiting = events;
    for (let attempt = 1; attempt <= tries && waiting.length > 0; attempt += 1) {
      if (attempt > 1) await clock.wait(pauseMillis * attempt);
      const { Entries: results = [] } = await client.send(
        new PutEventsCommand({ Entries: waiting.map((event) => entryOf(event, busName)) }),
      );
      waiting = waiting.filter((_, index) => results[index]?.EventId === undefined);
    }
    return waiting;
  }
}

const entryOf = (event: StateChangeEvent, busName: string) => ({
  EventBusName: busName,
  Source: 'lapse',
  DetailType: event.type,
  Detail: JSON.stringify(event.detail),
  Time: new Date(event.detail.recorded_at),
  Resources: [event.detail.payment_request_id],
});
