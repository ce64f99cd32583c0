import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { eventsAgain } from '../domain/state-change-event.ts';
import { UnreadableRecordError } from '../domain/unreadable-record-error.ts';
import type { ChangedPaymentRequests, PaymentRequestStore, StateChangePublisher } from './ports.ts';

/** What publishing again needs. */
export interface RepublishDependencies {
  readonly records: ChangedPaymentRequests;
  readonly store: Pick<PaymentRequestStore, 'read'>;
  readonly publisher: StateChangePublisher;
}

/** How many records had events, how many events there were, how many the bus refused, and how many records are unreadable. */
export interface RepublishReport {
  readonly records: number;
  readonly events: number;
  readonly refused: number;
  readonly unreadable: number;
}

/** The time of the facts that are published again, both ends included. A dry run publishes nothing. */
export interface Republication {
  readonly since: Instant;
  readonly until: Instant;
  readonly isDryRun: boolean;
  /** Only events of this type. */
  readonly type?: string | undefined;
}

/**
 * Publishes again what was recorded in a time, from the records themselves: the stream keeps its entries for a day only. Consumers
 * recognize events that they have received by `event_key`.
 */
export const republishStateChanges =
  ({ records, publisher }: Pick<RepublishDependencies, 'records' | 'publisher'>) =>
  async (republication: Republication): Promise<RepublishReport> => {
    let report = nothing;
    for await (const record of records.changedSince(republication.since)) {
      const more = record ? await republish(publisher, record, republication) : oneUnreadable;
      report = sumOf(report, more);
    }
    return report;
  };

/** The same for one record. `undefined` where there is none any more. */
export const republishRecord =
  ({ store, publisher }: Pick<RepublishDependencies, 'store' | 'publisher'>) =>
  async (key: PaymentRequestKey, republication: Republication): Promise<RepublishReport | undefined> => {
    try {
      const record = await store.read(key);
      return record && (await republish(publisher, record, republication));
    } catch (error) {
      if (error instanceof UnreadableRecordError) return oneUnreadable;
      throw error;
    }
  };

const nothing: RepublishReport = { records: 0, events: 0, refused: 0, unreadable: 0 };
const oneUnreadable: RepublishReport = { ...nothing, unreadable: 1 };

const sumOf = (one: RepublishReport, other: RepublishReport): RepublishReport => ({
  records: one.records + other.records,
  events: one.events + other.events,
  refused: one.refused + other.refused,
  unreadable: one.unreadable + other.unreadable,
});

async function republish(
  publisher: StateChangePublisher,
  record: PaymentRequest,
  { since, until, isDryRun, type }: Republication,
): Promise<RepublishReport> {
  const events = eventsAgain(record, since, until).filter(
    (event) => type === undefined || event.type === type,
  );
  if (events.length === 0) return nothing;
  const report = { ...nothing, records: 1, events: events.length };
  if (isDryRun) return report;
  const { refused, unsent } = await publisher.publish(events);
  return { ...report, refused: refused.length + unsent.length };
}
