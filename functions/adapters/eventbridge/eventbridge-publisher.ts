import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Clock, PublishResponse, RefusedEvent, StateChangePublisher } from '../../application/ports.ts';
import { eventSource } from '../../contract/event-types.ts';
import type { StateChangeEvent } from '../../domain/state-change-event.ts';

/** The bus, and what publishing to it needs. */
export interface PublisherOptions {
  readonly client: EventBridgeClient;
  readonly busName: string;
  readonly clock: Clock;
  /** Called with the error of a call that failed as a whole. Its events count as refused for now, unless this throws. */
  readonly onFault: (error: unknown) => void;
}

/** PutEvents takes at most ten entries. */
const batchSize = 10;
const tries = 3;
const pauseMillis = 100;

/**
 * The codes of an entry that stays refused, however often it is sent
 * (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html). Any other code counts as one that passes.
 */
const permanentCodes: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'InvalidAccountIdException',
  'InvalidArgument',
  'MalformedDetail',
  'NotAuthorizedForDetailTypeException',
  'NotAuthorizedForSourceException',
  'RedactionFailure',
]);

/** Publishes to the stack's bus, with source `lapse`. */
export class EventBridgePublisher implements StateChangePublisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async publish(events: readonly StateChangeEvent[]): Promise<PublishResponse> {
    const refused: RefusedEvent[] = [];
    for (let start = 0; start < events.length; start += batchSize) {
      const found = await this.#publishBatch(events.slice(start, start + batchSize));
      refused.push(...found);
      // Order is kept: nothing is sent after events that will be sent again.
      if (!found.every(isPermanent)) return { refused, unsent: events.slice(start + batchSize) };
    }
    return { refused, unsent: [] };
  }

  /** PutEvents takes some entries and refuses others. Only those that it refuses for now are sent again. */
  async #publishBatch(events: readonly StateChangeEvent[]): Promise<readonly RefusedEvent[]> {
    const refused = new Map<StateChangeEvent, RefusedEvent>();
    let waiting = events;
    for (let attempt = 1; attempt <= tries && waiting.length > 0; attempt += 1) {
      if (attempt > 1) await this.#options.clock.wait(pauseMillis * attempt);
      const { found, isCallFailed } = await this.#send(waiting);
      for (const event of waiting) refused.delete(event);
      for (const each of found) refused.set(each.event, each);
      // The SDK has repeated a call that failed as a whole.
      if (isCallFailed) break;
      waiting = found.filter((each) => !isPermanent(each)).map(({ event }) => event);
    }
    return events.flatMap((event) => refused.get(event) ?? []);
  }

  async #send(events: readonly StateChangeEvent[]): Promise<Response> {
    const { client, busName, onFault } = this.#options;
    try {
      const { Entries: results = [] } = await client.send(
        new PutEventsCommand({ Entries: events.map((event) => entryOf(event, busName)) }),
      );
      const found = events.flatMap((event, index) => {
        const { EventId: id, ErrorCode: code = 'NoResult' } = results[index] ?? {};
        return id === undefined ? [{ event, reason: code, isPermanent: permanentCodes.has(code) }] : [];
      });
      return { found, isCallFailed: false };
    } catch (error) {
      if (isInvalid(error)) return this.#sendEach(events, error.name);
      onFault(error);
      const reason = error instanceof Error ? error.name : 'unknown';
      return { found: events.map((event) => ({ event, reason, isPermanent: false })), isCallFailed: true };
    }
  }

  /** One entry makes the whole call invalid, for example if it is too large. Alone, each shows whether it is the one. */
  async #sendEach(events: readonly StateChangeEvent[], reason: string): Promise<Response> {
    const [first, ...others] = events;
    if (first && others.length === 0) {
      return { found: [{ event: first, reason, isPermanent: true }], isCallFailed: false };
    }
    const found: RefusedEvent[] = [];
    for (const [index, event] of events.entries()) {
      const response = await this.#send([event]);
      found.push(...response.found);
      if (!response.isCallFailed) continue;
      const why = response.found[0]?.reason ?? reason;
      const unsent = events.slice(index + 1);
      const refusals = unsent.map((each) => ({ event: each, reason: why, isPermanent: false }));
      return { found: [...found, ...refusals], isCallFailed: true };
    }
    return { found, isCallFailed: false };
  }
}

interface Response {
  readonly found: readonly RefusedEvent[];
  /** Whether the call failed as a whole, and not for what was in it. */
  readonly isCallFailed: boolean;
}

const isPermanent = (refused: RefusedEvent): boolean => refused.isPermanent;

const isInvalid = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ValidationException';

const entryOf = (event: StateChangeEvent, busName: string) => ({
  EventBusName: busName,
  Source: eventSource,
  DetailType: event.type,
  Detail: JSON.stringify(event.detail),
  Time: new Date(event.detail.recorded_at),
  Resources: [event.detail.payment_request_id ?? []].flat(),
});
