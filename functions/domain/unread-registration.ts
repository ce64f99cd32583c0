import type { PaymentRequest } from './payment-request.ts';
import { noAttempts } from './reconciliation.ts';

/**
 * Whether a first registration can be written onto this record without reading it. There is none yet, or Klarna's webhooks alone have
 * told of a request that is SUBMITTED. Then nothing in the record can change the decision. The store has the same rule as a condition.
 */
export const isRegisteredUnread = (record: PaymentRequest): boolean =>
  record.version === 0 ||
  (record.state === 'SUBMITTED' &&
    [
      record.session,
      record.sessionId,
      record.cancellation,
      record.attention,
      record.question,
      record.klarnaExpiresAt,
      record.confirmation,
      record.purpose,
    ].every((known) => known === undefined));

/**
 * The next version of such a record with a registration, which one write makes.
 *
 * @param made version 1 of an unknown record with the registration
 */
export function registeredVersion(record: PaymentRequest, made: PaymentRequest): PaymentRequest {
  if (record.version === 0) return made;
  const { sessionId, reference, session, deadlineAt, timer, klarnaExpiresAt, dueAt, updatedAt } = made;
  const { recoveredFrom, isOneOfSeveral, isToBeCompared } = made;
  const { confirmation, purpose } = made;
  const { state, previousState } = record;
  return {
    ...record,
    ...noAttempts,
    sessionId,
    reference: reference ?? record.reference,
    recoveredFrom,
    isOneOfSeveral,
    isToBeCompared,
    session,
    deadlineAt,
    timer,
    klarnaExpiresAt,
    confirmation,
    purpose,
    dueAt,
    history: [...record.history, ...made.history],
    version: record.version + 1,
    sequence: record.sequence + made.changes.length,
    changes: made.changes.map((change) => ({ ...change, state, previousState })),
    writes: [...record.writes, ...made.writes],
    updatedAt,
  };
}
