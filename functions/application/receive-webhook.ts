import type { AuthorizationReport } from '../domain/confirmation.ts';
import type {
  Account,
  CredentialName,
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
  Reference,
} from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { Observation } from '../domain/observation.ts';
import type { QuarantinedDelivery } from '../domain/quarantined-delivery.ts';
import type { Verdict } from '../domain/transition.ts';
import type { ChangeDependencies } from './change-record.ts';
import type { KeptAuthorizations, Quarantine, StoredAccounts } from './ports.ts';
import { recordAuthorization } from './record-authorization.ts';
import { recordObservation } from './record-observation.ts';

/**
 * Why a delivery is not used: it is about something else than the state of a Payment Request. `other_family`: it is about a transaction, a
 * dispute, a partner or the like. `no_state`: it tells that a request was updated, and not its state.
 */
export type UnusedReason = 'other_family' | 'no_state';

/** The payment that a report of an authorization names: by Klarna's id, by the shop's reference, or not at all. */
export type AuthorizationLink =
  | { readonly by: 'payment_request_id'; readonly paymentRequestId: PaymentRequestId }
  | { readonly by: 'reference'; readonly reference: Reference }
  | { readonly by: 'nothing' };

/**
 * A delivery whose signature is valid. It is a fact about a Payment Request, an authorization, a new account, one that is not used, or one
 * for the quarantine.
 */
export type VerifiedDelivery =
  | {
      readonly kind: 'observation';
      readonly key: PaymentRequestKey;
      readonly observation: Observation;
      /** The delivery as it is quarantined if nothing is stored about its account. */
      readonly ifUnknown?: QuarantinedDelivery;
    }
  | {
      readonly kind: 'authorization';
      readonly account: Account;
      readonly link: AuthorizationLink;
      readonly report: AuthorizationReport;
      /** Set where the report is used only if something is stored about its account. */
      readonly onlyIfKnown?: true;
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
  readonly authorizations: Pick<KeptAuthorizations, 'keep'>;
  readonly stored: Pick<StoredAccounts, 'read' | 'onboard'>;
}

/**
 * What a delivery did. `authorized`: the record has the report. `kept`: the report waits for the record with its reference.
 * `unlinked`: the report names no payment.
 */
export type DeliveryVerdict =
  Verdict | 'authorized' | 'kept' | 'unlinked' | 'onboarded' | 'quarantined' | UnusedReason;

/** Makes a delivery durable. When it resolves, the response to Klarna may be 200. Faults of the store are thrown. */
export const receiveWebhook =
  (dependencies: WebhookDependencies) =>
  async (delivery: VerifiedDelivery): Promise<DeliveryVerdict> => {
    const { quarantine, stored } = dependencies;
    switch (delivery.kind) {
      case 'authorization': {
        const { account, onlyIfKnown } = delivery;
        if (onlyIfKnown && !(await stored.read(account))) return 'other_family';
        return receiveAuthorization(dependencies, delivery);
      }
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

/** Makes a report of an authorization durable: on its record, or until the record with its reference is known. */
export async function receiveAuthorization(
  dependencies: ChangeDependencies & Pick<WebhookDependencies, 'authorizations'>,
  { account, link, report }: Extract<VerifiedDelivery, { kind: 'authorization' }>,
): Promise<DeliveryVerdict> {
  switch (link.by) {
    case 'payment_request_id':
      return recordAuthorization(dependencies)({ account, paymentRequestId: link.paymentRequestId }, report);
    case 'reference': {
      const kept = await dependencies.authorizations.keep(account, link.reference, report);
      return kept === 'known' ? 'duplicate' : kept === 'full' ? 'unlinked' : 'kept';
    }
    case 'nothing':
      return 'unlinked';
  }
}
