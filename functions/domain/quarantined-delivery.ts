import type { Instant } from './instant.ts';

/** Why a correctly signed delivery was quarantined. */
export type QuarantineReason =
  | 'unknown_type'
  | 'unknown_version'
  | 'unknown_state'
  | 'malformed'
  | 'other_account'
  | 'unknown_account'
  | 'other_recipient'
  | 'other_webhook'
  | 'other_environment';

/** A delivery that Klarna signed and that was not applied to a record. */
export interface QuarantinedDelivery {
  readonly signingKeyId: string;
  /** Klarna's event id, or the hash of the body where there is none. */
  readonly deliveryId: string;
  readonly reason: QuarantineReason;
  readonly receivedAt: Instant;
  readonly bodySha256: string;
  readonly facts: DeliveryFacts;
}

/**
 * The fields that are read from a delivery: ids, codes and times, each a short text without spaces, as Klarna wrote it. All
 * other fields, among them the customer's name and token, are never read.
 */
export interface DeliveryFacts {
  readonly eventId?: string | undefined;
  readonly eventType?: string | undefined;
  readonly eventVersion?: string | undefined;
  readonly occurredAt?: string | undefined;
  readonly subjectAccountId?: string | undefined;
  readonly recipientAccountId?: string | undefined;
  readonly webhookId?: string | undefined;
  readonly live?: boolean | undefined;
  readonly paymentRequestId?: string | undefined;
  /** The shop's own reference. It may have spaces. */
  readonly reference?: string | undefined;
  readonly state?: string | undefined;
  readonly previousState?: string | undefined;
  readonly stateReason?: string | undefined;
}

/** A delivery in quarantine, and the result of its last replay. */
export interface StoredDelivery extends QuarantinedDelivery {
  readonly replay?: DeliveryReplay | undefined;
}

/** When an operator replayed a delivery, and what the record made of it. */
export interface DeliveryReplay {
  readonly at: Instant;
  readonly verdict: string;
}
