import type { Account, CredentialName, EventId, PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { Observation } from '../domain/observation.ts';
import type { QuarantinedDelivery } from '../domain/quarantined-delivery.ts';
import type { Verdict } from '../domain/transition.ts';
import type { ChangeDependencies } from './change-record.ts';
import type { Quarantine, StoredAccounts } from './ports.ts';
import { recordObservation } from './record-observation.ts';

/**
 * Why a delivery is not used: it is about something else than the state of a Payment Request. `other_family`: it is about a transaction, a
 * dispute, a partner or the like. `no_state`: it tells that a request was updated, and not its state.
 */
export type UnusedReason = 'other_family' | 'no_state';

/** A delivery whose signature is valid: a fact about a Payment Request, a new account, one that is not used, or one for the quarantine. */
export type VerifiedDelivery =
  | {
      readonly kind: 'observation';
      readonly key: PaymentRequestKey;
      readonly observation: Observation;
      /** The delivery as it is quarantined if nothing is stored about its account. */
      readonly ifUnknown?: QuarantinedDelivery;
    }
  | {
      readonly kind: 'onboarding';
      readonly account: Account;
      readonly credential: CredentialName;
      readonly eventId: EventId;
      readonly at: Instant;
    }
  | {
      readonly kind: 'unused';
      readonly why: UnusedReason;
      readonly eventType: string;
      readonly eventId: EventId | undefined;
    }
  | { readonly kind: 'quarantine'; readonly delivery: QuarantinedDelivery };

/** What receiving a webhook needs. */
export interface WebhookDependencies extends ChangeDependencies {
  readonly quarantine: Quarantine;
  readonly stored: Pick<StoredAccounts, 'read' | 'onboard'>;
}

/** What a delivery did. */
export type DeliveryVerdict = Verdict | 'onboarded' | 'quarantined' | UnusedReason;

/** Makes a delivery durable. When it resolves, the response to Klarna may be 200. Faults of the store are thrown. */
export const receiveWebhook =
  (dependencies: WebhookDependencies) =>
  async (delivery: VerifiedDelivery): Promise<DeliveryVerdict> => {
    const { quarantine, stored } = dependencies;
    switch (delivery.kind) {
      case 'observation': {
        const { key, observation, ifUnknown } = delivery;
        if (!ifUnknown || (await stored.read(key.account))) {
          return recordObservation(dependencies)(key, observation);
        }
        await quarantine.keep(ifUnknown);
        return 'quarantined';
      }
      case 'onboarding':
        await stored.onboard(delivery.account, { credential: delivery.credential, at: delivery.at });
        return 'onboarded';
      case 'unused':
        return delivery.why;
      case 'quarantine':
        await quarantine.keep(delivery.delivery);
        return 'quarantined';
    }
  };
