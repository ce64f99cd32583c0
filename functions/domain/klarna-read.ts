import { klarnaEndOf } from './due.ts';
import type { HistoryEntry } from './history-entry.ts';
import { withEntry } from './history.ts';
import { ownEventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import type { Observation } from './observation.ts';
import { isUnsettled, type PaymentRequest } from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { noAttempts } from './reconciliation.ts';
import { applyObservation } from './transition.ts';

/** A call to Klarna whose response is not evidence of a state. */
export interface EmptyResponse {
  readonly kind: 'read' | 'cancel';
  /** Makes the event id unique. */
  readonly distinction: string;
  /** The kind of the response. */
  readonly response: string;
  readonly proof: Proof;
}

/**
 * The history entry of a response that is not evidence of a state. It keeps the ids with which Klarna's support finds the
 * call. It makes no event.
 */
export const emptyResponse = (
  { kind, distinction, response, proof }: EmptyResponse,
  now: Instant,
): HistoryEntry => ({
  eventId: ownEventId(kind, distinction),
  kind,
  recordedAt: now,
  effect: 'noted',
  detail: { response, ...proof },
});

/**
 * What a 404 means for an open request after Klarna's expiry: EXPIRED, because Klarna deletes expired requests. `undefined`
 * before the expiry, and for a request that is not open.
 */
export function notFoundObservationOf(
  record: PaymentRequest,
  distinction: string,
  proof: Proof,
  now: Instant,
): Observation | undefined {
  const end = klarnaEndOf(record);
  if (!isOpen(record.state) || end > now) return undefined;
  return {
    state: 'EXPIRED',
    occurredAt: end,
    eventId: ownEventId('not_found', distinction),
    source: 'not_found',
    observedAt: now,
    proof,
  };
}

/** The record after a read that showed the request. Removes the attention `not_found`. */
export function withRead(record: PaymentRequest, observation: Observation): PaymentRequest {
  const seen = applyObservation(record, observation).record;
  return { ...seen, attention: seen.attention === 'not_found' ? undefined : seen.attention };
}

/**
 * The record after a read that did not show the request. Where Klarna does not know an open request, the record needs
 * attention, once. The sweep reads again, because the 404 may be Klarna's fault.
 */
export function withEmptyRead(
  record: PaymentRequest,
  entry: HistoryEntry,
  isNotFound: boolean,
): PaymentRequest {
  if (!isNotFound || !isOpen(record.state) || record.attention !== undefined) return withEntry(record, entry);
  const attention = 'not_found';
  const noted = { ...withEntry(record, { ...entry, attention }), attention } as const;
  return isUnsettled(record) ? noted : { ...noted, ...noAttempts };
}
