import type { EventId, Reference } from './identifiers.ts';
import { type Instant, plusMillis, unknownTime } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import { isOpen, type PaymentRequestState, ranks } from './payment-request-state.ts';

/**
 * Where a fact about Klarna's state came from: a signed webhook, a read, the response to a cancel, or a 404 after Klarna's
 * expiry.
 */
export type EvidenceSource = 'webhook' | 'read' | 'cancel' | 'not_found';

/** Klarna's statement that a Payment Request was in a state at a time. A record's state is made from nothing else. */
export interface Observation {
  readonly state: PaymentRequestState;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  /**
   * When Klarna says it happened, as far as that can be true: see {@link believedTime}. Where a response has no time: the moment before
   * the call.
   */
  readonly occurredAt: Instant;
  /** Klarna's expiry of the request, where the fact has it. */
  readonly klarnaExpiresAt?: Instant | undefined;
  /** The shop's own reference, where the fact has it. */
  readonly reference?: Reference | undefined;
  readonly eventId: EventId;
  readonly source: EvidenceSource;
  /** When we received it. */
  readonly observedAt: Instant;
  /** Correlation id, HTTP status, signing key id, SHA-256 of the body. They tie the fact to Klarna's logs and to ours. */
  readonly proof: Proof;
}

/** Milliseconds by which Klarna's clock may be ahead of ours. A time after that cannot be true. */
export const clockTolerance = 5 * 60_000;

/** Whether a fact that was received at this moment can have happened then. */
export const isBelievable = (said: Instant, receivedAt: Instant): boolean =>
  said <= plusMillis(receivedAt, clockTolerance);

/**
 * The time by which a webhook takes its place. A time in the far future would keep every later fact out. So an open state with such a
 * time has none: it comes before all others, and a read decides. Any other state counts by its rank, and happened when we received it at
 * the latest.
 */
export function believedTime(state: PaymentRequestState, said: Instant, receivedAt: Instant): Instant {
  if (isBelievable(said, receivedAt)) return said;
  return isOpen(state) ? unknownTime : receivedAt;
}

declare const brand: unique symbol;

/** The order of observations: `<rank>|<occurred_at>|<event_id>`, compared as text. The highest one gives the state. */
export type Position = string & { readonly [brand]: 'Position' };

/** The position of an observation. */
export const positionOf = ({
  state,
  occurredAt,
  eventId,
}: Pick<Observation, 'state' | 'occurredAt' | 'eventId'>): Position =>
  `${ranks[state]}|${occurredAt}|${eventId}` as Position;

/** A position below every position of the same rank and time, and above every earlier one. */
export const earliestPositionAt = ({ state, occurredAt }: Observation): Position =>
  `${ranks[state]}|${occurredAt}|` as Position;

/** A position above every position of the same rank and time, and below every later one. */
export const latestPositionAt = ({ state, occurredAt }: Observation): Position =>
  `${ranks[state]}|${occurredAt}~` as Position;

/** Positions from here on belong to requests that the customer approved, or that have ended. */
export const completedPosition = '1' as Position;

/** Positions from here on belong to final states. */
export const finalPosition = '2' as Position;
