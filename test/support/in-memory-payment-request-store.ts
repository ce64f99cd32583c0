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
import { applyObservation } from '../../functions/domain/transition.ts';

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
    const { verdict, record } = applyObservation(stored ?? unknownPaymentRequest(key, now), observation);
    if (verdict !== 'superseding') return Promise.resolve({ written: false, stored });
    const looked =
      observation.state === 'SUBMITTED'
        ? { ...record, reconcileAfter: record.reconcileAfter ?? now }
        : record;
    // Without reading first, only Klarna's own word for the previous state is known.
    const blind = { ...looked, previousState: observation.previousState, attention: stored?.attention };
    this.records.set(nameOf(key), asNextVersion(blind, now));
    return Promise.resolve({ written: true });
  }

  save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(next));
    if ((stored?.version ?? 0) !== (current?.version ?? 0))
      return Promise.resolve({ written: false, stored });
    this.records.set(nameOf(next), structuredClone(next));
    return Promise.resolve({ written: true });
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

const nameOf = ({ account, paymentRequestId }: PaymentRequestKey): string => `${account} ${paymentRequestId}`;

/** Keeps what it is given. */
export class InMemoryQuarantine implements Quarantine {
  readonly deliveries: QuarantinedDelivery[] = [];

  keep(delivery: QuarantinedDelivery): Promise<void> {
    this.deliveries.push(delivery);
    return Promise.resolve();
  }
}
