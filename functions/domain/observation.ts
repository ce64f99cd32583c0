import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import { type PaymentRequestState, ranks } from './payment-request-state.ts';

/** Where a fact about Klarna's state came from: a signed webhook, a read, the answer to a cancel, or a 404 after Klarna's expiry. */
export type EvidenceSource = 'webhook' | 'read' | 'cancel' | 'not_found';

/** Klarna's word that a Payment Request was in a state at a time. The only thing a record's state is ever made from. */
export interface Observation {
  readonly state: PaymentRequestState;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  /** When Klarna says it happened; of an answer without a time, the moment before it was asked for. */
  readonly occurredAt: Instant;
  /** Klarna's own expiry of the request, where the fact tells it. */
  readonly klarnaExpiresAt?: Instant | undefined;
  readonly eventId: EventId;
  readonly source: EvidenceSource;
  /** When we learnt of it. */
  readonly observedAt: Instant;
  /** What ties it to Klarna's and our logs: correlation id, HTTP status, signing key id, SHA-256 of the body. Never a body. */
  readonly proof: Readonly<Record<string, string>>;
}

declare const brand: unique symbol;

/** The place of an observation in the order that decides: `<rank>|<occurred_at>|<event_id>`, compared as text. */
export type Position = string & { readonly [brand]: 'Position' };

export const positionOf = ({
  state,
  occurredAt,
  eventId,
}: Pick<Observation, 'state' | 'occurredAt' | 'eventId'>): Position =>
  `${ranks[state]}|${occurredAt}|${eventId}` as Position;

/** Every position of this rank and time is above this one, and every one of an earlier time below. */
export const earliestPositionAt = ({ state, occurredAt }: Observation): Position =>
  `${ranks[state]}|${occurredAt}|` as Position;

/** Every position at or above this one belongs to a request that the customer has approved, or to an end. */
export const completedPosition = '1' as Position;

/** Every position at or above this one belongs to a final state. */
export const finalPosition = '2' as Position;
