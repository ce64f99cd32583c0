import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Observation } from '../domain/observation.ts';
import type { Verdict } from '../domain/transition.ts';
import type { Clock, PaymentRequestStore, QuarantinedDelivery, Quarantine } from './ports.ts';
import { recordObservation } from './record-observation.ts';

/** A delivery whose signature holds: a fact about a Payment Request of ours, or something to keep and look at. */
export type VerifiedDelivery =
  | { readonly kind: 'observation'; readonly key: PaymentRequestKey; readonly observation: Observation }
  | { readonly kind: 'quarantine'; readonly delivery: QuarantinedDelivery };

export interface WebhookDependencies {
  readonly store: PaymentRequestStore;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
}

/** Makes a delivery durable: when it resolves, Klarna may be told that it was received. */
export const receiveWebhook =
  (dependencies: WebhookDependencies) =>
  async (delivery: VerifiedDelivery): Promise<Verdict | 'quarantined'> => {
    if (delivery.kind === 'observation') {
      return recordObservation(dependencies)(delivery.key, delivery.observation);
    }
    await dependencies.quarantine.keep(delivery.delivery);
    return 'quarantined';
  };
