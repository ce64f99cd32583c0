import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Observation } from '../domain/observation.ts';
import { asNextVersion, unknownPaymentRequest } from '../domain/payment-request.ts';
import { applyObservation, type Verdict } from '../domain/transition.ts';
import { changeRecord } from './change-record.ts';
import type { Clock, PaymentRequestStore } from './ports.ts';

/**
 * Applies a fact from Klarna to a record that was not read. One write where the fact is news. A second one where the request is
 * paid, or where the fact is stale, confirming or contradicting. None for a duplicate. Durable when it resolves.
 */
export const recordObservation =
  ({ store, clock }: { readonly store: PaymentRequestStore; readonly clock: Clock }) =>
  async (key: PaymentRequestKey, observation: Observation): Promise<Verdict> => {
    const first = await store.observe(key, observation);
    if (first.written) return 'superseding';
    const { outcome } = await changeRecord<Verdict>(store, key, first.stored, (stored) => {
      const now = clock.instant();
      const { verdict, record } = applyObservation(stored ?? unknownPaymentRequest(key, now), observation);
      return verdict === 'duplicate'
        ? { outcome: verdict }
        : { next: asNextVersion(record, now), outcome: verdict };
    });
    return outcome;
  };
