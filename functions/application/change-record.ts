import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { hasRecorded, type PaymentRequest } from '../domain/payment-request.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { Chance, Clock, PaymentRequestStore } from './ports.ts';

/** What changing a record needs. */
export interface ChangeDependencies {
  readonly store: PaymentRequestStore;
  readonly clock: Clock;
  /** Spreads the retries of writers that met. */
  readonly chance: Chance;
  /** Milliseconds for which one change is retried while other writers are faster. Less than the caller's own time limit. */
  readonly conflictBudget: number;
}

/** A decision on a record: what to store, if anything, and the outcome. */
export interface Decision<Outcome> {
  readonly next?: PaymentRequest | undefined;
  readonly outcome: Outcome;
}

/** Milliseconds of the longest pause after the second conflict. It doubles with each further one. */
const firstPause = 20;
/** Milliseconds of the longest pause after any conflict. */
const longestPause = 800;

/**
 * Decides on the record and stores the decision. If another writer was faster, it decides again on the record that is stored by
 * then. The first retry is immediate. Later ones follow pauses with full jitter, as long as the budget lasts. In each round one
 * writer succeeds, so any number of writers succeed in turn. `decide` must be pure, because it may run any number of times. A write
 * whose response was lost counts as done.
 *
 * @param known the record as the caller has it. `undefined` guesses that there is none; a wrong guess costs one attempt.
 * @throws {TransientError} when the budget is used up
 */
export async function changeRecord<Outcome>(
  { store, clock, chance, conflictBudget }: ChangeDependencies,
  key: PaymentRequestKey,
  known: PaymentRequest | undefined,
  decide: (record: PaymentRequest | undefined) => Decision<Outcome>,
): Promise<{ readonly record: PaymentRequest | undefined; readonly outcome: Outcome }> {
  const until = clock.now() + conflictBudget;
  let record = known;
  for (let conflicts = 0; ; conflicts += 1) {
    if (conflicts > 1) {
      const pause = chance() * Math.min(longestPause, firstPause * 2 ** (conflicts - 2));
      if (clock.now() + pause >= until) throw tooManyWriters(key, conflicts);
      await clock.wait(pause);
      // The record of the last conflict is as old as the pause. A read costs less than another write that fails.
      record = await store.read(key);
    }
    const { next, outcome } = decide(record);
    if (!next || next === record) return { record, outcome };
    const result = await store.save(record, next);
    if (result.written) return { record: next, outcome };
    // The response to this write was lost, and the SDK sent it again: another decision would count it twice.
    if (result.stored && holds(result.stored, next, record)) return { record: result.stored, outcome };
    record = result.stored;
  }
}

const tooManyWriters = ({ account, paymentRequestId }: PaymentRequestKey, conflicts: number) =>
  new TransientError(`${account}/${paymentRequestId}: other writers were faster ${conflicts} times`);

/** Whether the stored record has the history entry that this write added. A write that adds none can be decided again. */
function holds(stored: PaymentRequest, next: PaymentRequest, record: PaymentRequest | undefined): boolean {
  const added = next.history.at(-1);
  return (
    added !== undefined &&
    !(record && hasRecorded(record, added.eventId)) &&
    hasRecorded(stored, added.eventId)
  );
}
