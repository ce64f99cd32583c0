import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { Observation } from '../domain/observation.ts';
import { asNextVersion, unknownPaymentRequest } from '../domain/payment-request.ts';
import { applyObservation, type Verdict } from '../domain/transition.ts';
import { changeRecord } from './change-record.ts';
import type { Clock, PaymentRequestStore } from './ports.ts';

/**
 * The one way in for a fact from Klarna that nobody has read the record for: one write when it is news, a second one when
 * it is the end of a paid request, or for the history entry of what is stale, confirming or contradicting; none for a
 * duplicate. Durable when it resolves.
 */
export const recordObservation =
  ({ store, clock }: { readonly store: PaymentRequestStore; readonly clock: Clock }) =>
  async (key: PaymentRequestKey, observation: Observation): Promise<Verdict> => {
    const first = await store.observe(key, observation);
    if (first.written) return 'superseding';
    const { outcome } = await changeRecord<Verdict>(store, key, first.stored, (stored) => {
      const now = instantFromMillis(clock.now());
      const { verdict, record } = applyObservation(stored ?? unknownPaymentRequest(key, now), observation);
      return verdict === 'duplicate'
        ? { outcome: verdict }
        : { next: asNextVersion(record, now), outcome: verdict };
    });
    return outcome;
  };
