import { confirmationDueFrom } from './confirmation.ts';
import type { Instant } from './instant.ts';
import { type PaymentRequest, isUnsettled } from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/**
 * What becomes of a record that is to be erased.
 * - `erased`: only its tombstone is left. `already_erased`: that was so before.
 * - `open`: the customer can still pay, so its session must end first.
 * - `unsettled`: the end of a cancel is not known yet, or the watch still waits for the authorization of the payment.
 * - `session_open`: it is the payment of a session in which another request can still be paid, or was paid and is not compared yet.
 *   Without it, the session would be open, and a second payment would not be noticed.
 */
export type ErasureOutcome = 'erased' | 'already_erased' | 'open' | 'unsettled' | 'session_open';

/** The tombstone to store in place of a record, if any, and the outcome. */
export interface Erasure {
  readonly tombstone?: PaymentRequest;
  readonly outcome: ErasureOutcome;
}

/**
 * Decides whether a record is erased. The tombstone keeps the key, Klarna's state with its position, and the version. So a late or
 * repeated webhook finds it and changes nothing, and no earlier event can be taken for a newer one. All that a caller gave is gone:
 * session, reference, kind, reasons, names of callers, and the history.
 *
 * @param members the records of its session; only those of a payment are looked at
 */
export function decideErasure(
  record: PaymentRequest,
  members: readonly PaymentRequest[],
  now: Instant,
): Erasure {
  if (record.erasedAt !== undefined) return { outcome: 'already_erased' };
  if (isOpen(record.state)) return { outcome: 'open' };
  if (isUnsettled(record) || confirmationDueFrom(record) !== undefined) return { outcome: 'unsettled' };
  if (record.state === 'COMPLETED' && isStillCompared([record, ...members]))
    return { outcome: 'session_open' };
  return { tombstone: tombstoneOf(record, now), outcome: 'erased' };
}

/** Whether a second payment of the session may come, or may be there and is not marked yet. */
const isStillCompared = (members: readonly PaymentRequest[]): boolean =>
  members.some(
    ({ state, isToBeCompared }) => isOpen(state) || (state === 'COMPLETED' && isToBeCompared === true),
  );

const tombstoneOf = (record: PaymentRequest, now: Instant): PaymentRequest => ({
  account: record.account,
  paymentRequestId: record.paymentRequestId,
  state: record.state,
  occurredAt: record.occurredAt,
  position: record.position,
  evidence: record.evidence,
  timer: 'none',
  attempts: 0,
  history: [],
  version: record.version + 1,
  sequence: record.sequence,
  changes: [],
  writes: [],
  createdAt: record.createdAt,
  updatedAt: now,
  erasedAt: now,
});
