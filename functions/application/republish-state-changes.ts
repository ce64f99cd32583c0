import type { Instant } from '../domain/instant.ts';
import { eventsAgain } from '../domain/state-change-event.ts';
import type { ChangedPaymentRequests, StateChangePublisher } from './ports.ts';

/** What publishing again needs. */
export interface RepublishDependencies {
  readonly records: ChangedPaymentRequests;
  readonly publisher: StateChangePublisher;
}

/** How many records had events, how many events there were, and how many the bus refused. */
export interface RepublishReport {
  readonly records: number;
  readonly events: number;
  readonly refused: number;
}

/**
 * Publishes again what was recorded from `since` to `until`, both included, from the records themselves: the stream keeps its
 * entries for a day only. Consumers recognize events that they have received by `event_key`. A dry run publishes nothing.
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
