import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Observation } from '../domain/observation.ts';
import type { QuarantinedDelivery } from '../domain/quarantined-delivery.ts';
import type { Verdict } from '../domain/transition.ts';
import type { ChangeDependencies } from './change-record.ts';
import type { Quarantine } from './ports.ts';
import { recordObservation } from './record-observation.ts';

/** A delivery whose signature is valid: a fact about a Payment Request, or a delivery for the quarantine. */
export type VerifiedDelivery =
  | { readonly kind: 'observation'; readonly key: PaymentRequestKey; readonly observation: Observation }
  | { readonly kind: 'quarantine'; readonly delivery: QuarantinedDelivery };

/** What receiving a webhook needs. */
export interface WebhookDependencies extends ChangeDependencies {
  readonly quarantine: Quarantine;
}

/** Makes a delivery durable. When it resolves, the response to Klarna may be 200. Faults of the store are thrown. */
export const receiveWebhook =
  (dependencies: WebhookDependencies) =>
  async (delivery: VerifiedDelivery): Promise<Verdict | 'quarantined'> => {
    if (delivery.kind === 'observation') {
      return recordObservation(dependencies)(delivery.key, delivery.observation);
    }
    await dependencies.quarantine.keep(delivery.delivery);
    return 'quarantined';
  };
