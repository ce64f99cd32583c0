import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { hasRecorded, type PaymentRequest } from '../domain/payment-request.ts';
import type { PaymentRequestStore } from './ports.ts';

/** A decision on a record: what to store, if anything, and the outcome. */
export interface Decision<Outcome> {
  readonly next?: PaymentRequest | undefined;
  readonly outcome: Outcome;
}

/** Twenty callers at once each lose at most once to each of the others. More conflicts than this are a fault. */
const attempts = 40;

/**
 * Decides on the record and stores the decision. If another writer was faster, it decides again on the record that is stored by
 * then. `decide` must be pure, because it may run any number of times. A write whose response was lost counts as done. Throws
 * after too many conflicts.
 *
 * @param known the record as the caller has it. `undefined` guesses that there is none; a wrong guess costs one attempt.
 */
export async function changeRecord<Outcome>(
  store: PaymentRequestStore,
  key: PaymentRequestKey,
  known: PaymentRequest | undefined,
  decide: (record: PaymentRequest | undefined) => Decision<Outcome>,
): Promise<{ readonly record: PaymentRequest | undefined; readonly outcome: Outcome }> {
  let record = known;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const { next, outcome } = decide(record);
    if (!next || next === record) return { record, outcome };
    const result = await store.save(record, next);
    if (result.written) return { record: next, outcome };
    // The response to this write was lost, and the SDK sent it again: another decision would count it twice.
    if (result.stored && holds(result.stored, next, record)) return { record: result.stored, outcome };
    record = result.stored;
  }
  throw new Error(`${key.account}/${key.paymentRequestId}: ${attempts} write conflicts in a row`);
}

/** Whether the stored record has the history entry that this write added. A write that adds none can be decided again. */
function holds(stored: PaymentRequest, next: PaymentRequest, record: PaymentRequest | undefined): boolean {
  const added = next.history.at(-1);
  return (
    added !== undefined &&
    !(record && hasRecorded(record, added.eventId)) &&
    hasRecorded(stored, added.eventId)
  );
}
