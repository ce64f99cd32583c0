import type { Instant } from '../domain/instant.ts';
import { eventsAgain } from '../domain/state-change-event.ts';
import type { ChangedPaymentRequests, StateChangePublisher } from './ports.ts';

export interface RepublishDependencies {
  readonly records: ChangedPaymentRequests;
  readonly publisher: StateChangePublisher;
}

/** How many records had something to publish, how many events that were, and how many the bus refused. */
export interface RepublishReport {
  readonly records: number;
  readonly events: number;
  readonly refused: number;
}

/**
 * Publishes once more what was recorded from `since` to `until`, both included, from the records themselves: what the stream
 * could not publish is not in it any more. Consumers know by `event_key` what they have had.
 */
export const republishStateChanges =
  ({ records, publisher }: RepublishDependencies) =>
  async (since: Instant, until: Instant, isDryRun: boolean): Promise<RepublishReport> => {
    const report = { records: 0, events: 0, refused: 0 };
    for await (const record of records.changedSince(since)) {
      const events = eventsAgain(record, since, until);
      if (events.length === 0) continue;
      report.records += 1;
      report.events += events.length;
      if (!isDryRun) report.refused += (await publisher.publish(events)).length;
    }
    return report;
  };
