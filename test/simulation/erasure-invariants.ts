/** What must hold once an operator has erased a record. */
import { isDeepStrictEqual } from 'node:util';
import { confirmationDueFrom } from '../../functions/domain/confirmation.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { isOpen } from '../../functions/domain/payment-request-state.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import { rankOf, type Safety, type Step } from './evidence.ts';

/** No webhook, registration, cancel, timer or sweep writes onto a tombstone, or stores the record again without it. */
const erasedStaysErased: Safety = (step, { erased }) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  if (before?.erasedAt !== undefined) return `version ${after.version} is written onto a tombstone`;
  return after.erasedAt === undefined && erased.has(nameOf(after))
    ? 'an erased record is stored again'
    : undefined;
};

/** A tombstone has the state of the record and its place, and nothing that a caller or Klarna told of it. */
const tombstoneHoldsTheStateAlone: Safety = (step) => {
  if (step.kind !== 'written' || step.after.erasedAt === undefined) return undefined;
  const { before, after } = step;
  if (!before || rankOf(before) < 1)
    return `it was ${before?.state ?? 'without a state'}, so it could still be paid`;
  const cancel = before.cancellation?.outcome;
  if (cancel === 'claimed' || cancel === 'pending') return `a cancel was ${cancel}`;
  if (confirmationDueFrom(before) !== undefined) return 'the watch waited for its authorization';
  const [was, is] = [before, after].map(placeOf);
  if (!isDeepStrictEqual(was, is)) return `${JSON.stringify(was)} became ${JSON.stringify(is)}`;
  const left = given.find((field) => after[field] !== undefined);
  if (left !== undefined) return `${left} is left`;
  return after.history.length + after.changes.length > 0 ? 'its history is left' : undefined;
};

/** Milliseconds after which an erasure that has read the session before is over. */
const longestErasure = minute;

/**
 * Without its payment a session would be open while another attempt is, and a second payment would not be noticed. An attempt that joins
 * during the erasure may be missed.
 */
const openSessionKeepsItsPayment: Safety = (step, { now, membersOf, isSessionOverlooked }) => {
  if (step.kind !== 'written' || step.after.erasedAt === undefined || isSessionOverlooked) return undefined;
  const { before } = step;
  if (before?.state !== 'COMPLETED' || before.sessionId === undefined) return undefined;
  const since = instantFromMillis(now - longestErasure);
  const open = membersOf(before.account, before.sessionId).find(
    ({ state, session }) => isOpen(state) && session !== undefined && session.registeredAt <= since,
  );
  return open && `${open.paymentRequestId} of its session can still be paid`;
};

const placeOf = ({ state, occurredAt, position, evidence, sequence }: PaymentRequest) => ({
  state,
  occurredAt,
  position,
  evidence,
  sequence,
});

/** What a tombstone has nothing of. */
const given = [
  'sessionId',
  'reference',
  'session',
  'deadlineAt',
  'klarnaExpiresAt',
  'cancellation',
  'confirmation',
  'attention',
  'dueAt',
] as const satisfies readonly (keyof PaymentRequest)[];

/** Checked after every step. */
export const erasureSafety = {
  'erased-stays-erased': erasedStaysErased,
  'tombstone-holds-the-state-alone': tombstoneHoldsTheStateAlone,
  'open-session-keeps-its-payment': openSessionKeepsItsPayment,
} as const satisfies Record<string, Safety>;

/** Whether a step is about a record that is erased. What it had cannot be checked any more. */
export function isOfATombstone(step: Step): boolean {
  switch (step.kind) {
    case 'written':
      return step.after.erasedAt !== undefined;
    case 'webhook-acknowledged':
    case 'authorization-acknowledged':
    case 'replayed':
      return step.stored?.erasedAt !== undefined;
    default:
      return false;
  }
}
