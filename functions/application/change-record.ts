import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { hasRecorded, type PaymentRequest } from '../domain/payment-request.ts';
import type { PaymentRequestStore } from './ports.ts';

/** What a decision wants stored, if anything, and what it comes to. */
export interface Decision<Outcome> {
  readonly next?: PaymentRequest | undefined;
  readonly outcome: Outcome;
}

/** Twenty callers at once each lose at most to every other; beyond that something is wrong. */
const attempts = 40;

/**
 * Decides on the record and stores the decision; when somebody else was faster, decides again on what they stored. The
 * decision is pure and so may run any number of times. A write that was done though its answer was lost counts as done. Throws
 * when it never gets through.
 *
 * @param known the record as the caller has it; `undefined` is a guess that there is none, and costs a try if it is wrong.
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
    // The answer to this very write was lost, and the client sent it once more: deciding again would count it twice.
    if (result.stored && holds(result.stored, next, record)) return { record: result.stored, outcome };
    record = result.stored;
  }
  throw new Error(`${key.account}/${key.paymentRequestId}: changed by others ${attempts} times in a row`);
}

/** Whether what is stored has the history entry that this write was to add. One that adds none may be decided on any number of times. */
function holds(stored: PaymentRequest, next: PaymentRequest, record: PaymentRequest | undefined): boolean {
  const added = next.history.at(-1);
  return (
    added !== undefined &&
    !(record && hasRecorded(record, added.eventId)) &&
    hasRecorded(stored, added.eventId)
  );
}
