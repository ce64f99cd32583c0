import { ownEventId } from './identifiers.ts';
import { earlierOf, type Instant } from './instant.ts';
import type { Observation } from './observation.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isUnsettled,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { klarnaEndOf } from './reconciliation.ts';
import { applyObservation } from './transition.ts';

type Proof = Readonly<Record<string, string>>;

/**
 * The history entry of an answer of Klarna's, or of its silence, that is no evidence of a state: under the ids of it Klarna's
 * support finds what happened. It is no event for the shop.
 *
 * @param response what kind of response it is.
 */
export const emptyResponse = (
  kind: 'read' | 'cancel',
  distinction: string,
  response: string,
  proof: Proof,
  now: Instant,
): HistoryEntry => ({
  eventId: ownEventId(kind, distinction),
  kind,
  recordedAt: now,
  effect: 'noted',
  detail: { response, ...proof },
});

/** What a 404 says of an open request once Klarna's own expiry has passed: EXPIRED, since Klarna deletes what has expired. */
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

/** The record after a read that says what is so. That Klarna did not know the request is over with it. */
export function withRead(record: PaymentRequest, observation: Observation, now: Instant): PaymentRequest {
  const seen = applyObservation(record, observation).record;
  const attention = seen.attention === 'not_found' ? undefined : seen.attention;
  return asNextVersion({ ...seen, attention }, now);
}

/**
 * The record after a read that says nothing. Where Klarna does not know what is open, a person is told, once, and the sweep
 * looks again: it may have been a fault of Klarna's.
 */
export function withEmptyRead(
  record: PaymentRequest,
  entry: HistoryEntry,
  isNotFound: boolean,
  now: Instant,
): PaymentRequest {
  if (!isNotFound || !isOpen(record.state) || record.attention !== undefined) {
    return asNextVersion(withEntry(record, entry), now);
  }
  const attention = 'not_found';
  const { reconcileAfter = now } = record;
  return asNextVersion(
    {
      ...withEntry(record, { ...entry, attention }),
      attention,
      reconcileAfter: isUnsettled(record) ? reconcileAfter : earlierOf(reconcileAfter, now),
    },
    now,
  );
}
