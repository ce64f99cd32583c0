import type {
  DuePaymentRequests,
  PaymentRequestStore,
  Quarantine,
  QuarantinedDelivery,
  WriteResult,
} from '../../functions/application/ports.ts';
import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import {
  asNextVersion,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { isFinal, isOpen } from '../../functions/domain/payment-request-state.ts';
import { appliedEntry, judge, observedFields } from '../../functions/domain/transition.ts';

/** The store as its contract has it, in memory; `test/adapters/dynamodb` runs the same suite on it and on the real engine. */
export class InMemoryPaymentRequestStore implements PaymentRequestStore, DuePaymentRequests {
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
    const isEndOfPaid = record.state === 'COMPLETED' && isFinal(observation.state);
    if (judge(record, observation) !== 'superseding' || isEndOfPaid) {
      return Promise.resolve({ written: false, stored });
    }
    const due = isOpen(observation.state) ? { reconcileAfter: record.reconcileAfter ?? now } : {};
    // Written without reading: the entry is what it is, and finds its place by its time and id.
    const history = [...record.history, appliedEntry(observation)].toSorted((a, b) =>
      `${a.recordedAt} ${a.eventId}` < `${b.recordedAt} ${b.eventId}` ? -1 : 1,
    );
    const next = { ...record, ...observedFields(observation), ...due, history };
    this.keep(asNextVersion(next, now));
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

  async *due(now: Instant, limit: number): AsyncIterable<PaymentRequestKey> {
    const due = [...this.records.values()].filter(
      ({ reconcileAfter }) => reconcileAfter !== undefined && reconcileAfter <= now,
    );
    due.sort((a, b) => ((a.reconcileAfter ?? '') < (b.reconcileAfter ?? '') ? -1 : 1));
    for (const { account, paymentRequestId } of due.slice(0, limit)) {
      yield await Promise.resolve({ account, paymentRequestId });
    }
  }
}

/** What a record is kept under. */
export const nameOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `${account} ${paymentRequestId}`;

/** Keeps what it is given. */
export class InMemoryQuarantine implements Quarantine {
  readonly deliveries: QuarantinedDelivery[] = [];

  keep(delivery: QuarantinedDelivery): Promise<void> {
    this.deliveries.push(delivery);
    return Promise.resolve();
  }
}
