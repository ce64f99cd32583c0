import type {
  DuePaymentRequests,
  PaymentRequestList,
  PaymentRequestStore,
  Quarantine,
  QuarantinedDeliveries,
  SessionPaymentRequests,
  WriteResult,
} from '../../functions/application/ports.ts';
import type { ListedPaymentRequest } from '../../functions/domain/list-cursor.ts';
import type {
  DeliveryReplay,
  QuarantinedDelivery,
  StoredDelivery,
} from '../../functions/domain/quarantined-delivery.ts';
import type { Account, PaymentRequestKey, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import { type ListCursor, listCursorOf } from '../../functions/domain/list-cursor.ts';
import type { Observation, Position } from '../../functions/domain/observation.ts';
import {
  asNextVersion,
  type HistoryEntry,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { isOpen, type PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import {
  appliedEntry,
  isStaleForGood,
  judge,
  observedFields,
  staleEntry,
  unreadLimit,
} from '../../functions/domain/transition.ts';

/** The store as its contract has it, in memory; `test/adapters/dynamodb` runs the same suite on it and on the real engine. */
export class InMemoryPaymentRequestStore
  implements PaymentRequestStore, DuePaymentRequests, SessionPaymentRequests, PaymentRequestList
{
  readonly records = new Map<string, PaymentRequest>();
  /** How many writes were tried, refused ones included. */
  writes = 0;

  read(key: PaymentRequestKey): Promise<PaymentRequest | undefined> {
    return Promise.resolve(this.records.get(nameOf(key)));
  }

  observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(key));
    const now = observation.observedAt;
    const record = stored ?? unknownPaymentRequest(key, now);
    const needsReading = record.position !== undefined && record.position >= unreadLimit(observation);
    if (judge(record, observation) !== 'superseding' || needsReading) {
      return Promise.resolve({ written: false, stored });
    }
    const due = isOpen(observation.state) ? { reconcileAfter: record.reconcileAfter ?? now } : {};
    const history = inOrder([...record.history, appliedEntry(observation)]);
    const next = { ...record, ...observedFields(observation), ...due, history };
    this.keep(asNextVersion(next, now));
    return Promise.resolve({ written: true });
  }

  noteStale(
    key: PaymentRequestKey,
    observation: Observation,
    { against, at }: { readonly against: Position | undefined; readonly at: Instant },
  ): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(key));
    if (!stored || !isStaleForGood(stored, observation)) return Promise.resolve({ written: false, stored });
    const history = inOrder([...stored.history, staleEntry(observation, against)]);
    this.keep(asNextVersion({ ...stored, history }, at));
    return Promise.resolve({ written: true });
  }

  save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(next));
    if ((stored?.version ?? 0) !== (current?.version ?? 0))
      return Promise.resolve({ written: false, stored });
    this.keep(next);
    return Promise.resolve({ written: true });
  }

  /** Stores the record as it will be read again. */
  protected keep(record: PaymentRequest): void {
    this.records.set(nameOf(record), structuredClone(record));
  }

  async *due(now: Instant): AsyncIterable<PaymentRequestKey> {
    const due = [...this.records.values()].filter(
      ({ reconcileAfter }) => reconcileAfter !== undefined && reconcileAfter <= now,
    );
    due.sort((a, b) => ((a.reconcileAfter ?? '') < (b.reconcileAfter ?? '') ? -1 : 1));
    for (const { account, paymentRequestId } of due) {
      yield await Promise.resolve({ account, paymentRequestId });
    }
  }

  async *ofSession(account: Account, sessionId: SessionId): AsyncIterable<PaymentRequestKey> {
    const members = [...this.records.values()].filter(
      (record) => record.account === account && record.sessionId === sessionId,
    );
    for (const { paymentRequestId } of members.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))) {
      yield await Promise.resolve({ account, paymentRequestId });
    }
  }

  listed(
    account: Account,
    states: readonly (PaymentRequestState | undefined)[],
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const listed = [...this.records.values()]
      .filter((record) => record.account === account && states.includes(record.state))
      .map((record) => ({
        account,
        paymentRequestId: record.paymentRequestId,
        position: listCursorOf(record),
      }))
      .filter(({ position }) => before === undefined || position < before)
      .toSorted((a, b) => (a.position > b.position ? -1 : 1));
    return Promise.resolve(listed.slice(0, limit));
  }
}

/** An entry that was written without a read finds its place by its time and id. */
const inOrder = (history: readonly HistoryEntry[]): readonly HistoryEntry[] =>
  history.toSorted((a, b) =>
    a.recordedAt < b.recordedAt || (a.recordedAt === b.recordedAt && a.eventId < b.eventId) ? -1 : 1,
  );

/** What a record is kept under. */
export const nameOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `${account} ${paymentRequestId}`;

/** Keeps the first delivery of each event that it is given. */
export class InMemoryQuarantine implements Quarantine, QuarantinedDeliveries {
  readonly deliveries: StoredDelivery[] = [];

  keep(delivery: QuarantinedDelivery): Promise<void> {
    if (this.#placeOf(delivery) < 0) this.deliveries.push(delivery);
    return Promise.resolve();
  }

  async *all(): AsyncGenerator<StoredDelivery, void> {
    for (const delivery of this.deliveries.toReversed()) yield await Promise.resolve(delivery);
  }

  read(id: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): Promise<StoredDelivery | undefined> {
    return Promise.resolve(this.deliveries[this.#placeOf(id)]);
  }

  noteReplay(delivery: QuarantinedDelivery, replay: DeliveryReplay): Promise<void> {
    this.deliveries[this.#placeOf(delivery)] = { ...delivery, replay };
    return Promise.resolve();
  }

  #placeOf({ signingKeyId, deliveryId }: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): number {
    return this.deliveries.findIndex(
      (each) => each.signingKeyId === signingKeyId && each.deliveryId === deliveryId,
    );
  }
}
