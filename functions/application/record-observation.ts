import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Observation } from '../domain/observation.ts';
import { asNextVersion, type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import { applyObservation, isStaleForGood, needsRecord, type Verdict } from '../domain/transition.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { WriteResult } from './ports.ts';

/**
 * Applies a fact from Klarna to a record that was not read. One write where the fact is news. A second one where the request is
 * paid, or where the fact is stale, confirming or contradicting. None for a duplicate. The cancel of an approved request is
 * applied after a read. Durable when it resolves.
 *
 * A stale fact does not need the version to stand still. Otherwise senders of newer facts, who write unread, could keep it waiting.
 */
export const recordObservation =
  (dependencies: ChangeDependencies) =>
  async (key: PaymentRequestKey, observation: Observation): Promise<Verdict> => {
    const { store, clock } = dependencies;
    const first: WriteResult = needsRecord(observation)
      ? { written: false, stored: await store.read(key) }
      : await store.observe(key, observation);
    if (first.written) return 'superseding';
    const { stored: found } = first;
    const second =
      found && isStaleForGood(found, observation) && !changesMore(found, observation)
        ? await store.noteStale(key, observation, { against: found.position, at: clock.instant() })
        : first;
    if (second.written) return 'stale';
    const { outcome } = await changeRecord<Verdict>(dependencies, key, second.stored, (stored) => {
      const now = clock.instant();
      const { verdict, record } = applyObservation(stored ?? unknownPaymentRequest(key, now), observation);
      return verdict === 'duplicate'
        ? { outcome: verdict }
        : { next: asNextVersion(record, now), outcome: verdict };
    });
    return outcome;
  };

/** Whether a stale fact changes more of the record than its history. */
function changesMore(record: PaymentRequest, observation: Observation): boolean {
  const next = applyObservation(record, observation).record;
  return next.attention !== record.attention || next.reconcileAfter !== record.reconcileAfter;
}
