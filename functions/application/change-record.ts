import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { hasRecorded } from '../domain/history.ts';
import { asNextVersion } from '../domain/next-version.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { Chance, Clock, Ids, PaymentRequestStore } from './ports.ts';

/** What changing a record needs. */
export interface ChangeDependencies {
  readonly store: PaymentRequestStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Spreads the retries of writers that met. */
  readonly chance: Chance;
  /** Milliseconds for which one change is retried while other writers are faster. Less than the caller's own time limit. */
  readonly conflictBudget: number;
}

/** A decision on a record: what to store as its next version, if anything, and the outcome. */
export interface Decision<Outcome> {
  readonly next?: PaymentRequest | undefined;
  readonly outcome: Outcome;
}

/** Milliseconds of the longest pause after the second conflict. It doubles with each further one. */
const firstPause = 20;
/** Milliseconds of the longest pause after any conflict. */
const longestPause = 800;
/** Characters of the id of a write: it is compared with a few others of one record only. */
const writeIdLength = 8;

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
  { store, clock, ids, chance, conflictBudget }: ChangeDependencies,
  key: PaymentRequestKey,
  known: PaymentRequest | undefined,
  decide: (record: PaymentRequest | undefined) => Decision<Outcome>,
): Promise<{ readonly record: PaymentRequest | undefined; readonly outcome: Outcome }> {
  const until = clock.now() + conflictBudget;
  const id = ids.next().slice(-writeIdLength);
  let record = known;
  for (let conflicts = 0; ; conflicts += 1) {
    if (conflicts > 1) {
      const pause = chance() * Math.min(longestPause, firstPause * 2 ** (conflicts - 2));
      if (clock.now() + pause >= until) throw tooManyWriters(key, conflicts);
      await clock.wait(pause);
      // The record of the last conflict is as old as the pause. A read costs less than another write that fails.
      record = await store.read(key);
    }
    const { next: decided, outcome } = decide(record);
    // A tombstone stays as it is.
    if (!decided || decided === record || record?.erasedAt !== undefined) return { record, outcome };
    const next = asNextVersion(record, decided, { id, now: clock.instant() });
    const result = await store.save(record, next);
    if (result.written) return { record: next, outcome };
    // The response to this write was lost, and the SDK sent it again: another decision would count it twice.
    if (result.stored && isDone(result.stored, record, next)) return { record: result.stored, outcome };
    record = result.stored;
  }
}

const tooManyWriters = ({ account, paymentRequestId }: PaymentRequestKey, conflicts: number) =>
  new TransientError(`${account}/${paymentRequestId}: other writers were faster ${conflicts} times`);

/**
 * Whether the stored record has this write: its id, or else the entry that it added to the history. Many writers may have followed
 * before the client sent the write again.
 */
function isDone(
  stored: PaymentRequest,
  before: PaymentRequest | undefined,
  { writes, history }: PaymentRequest,
): boolean {
  const id = writes.at(-1) ?? '';
  const added = history.at(-1);
  // Another delivery of the same webhook may have written that entry.
  const isOwn = added !== undefined && added.kind !== 'webhook';
  const isNew = isOwn && !(before && hasRecorded(before, added.eventId));
  return stored.writes.includes(id) || (isNew && hasRecorded(stored, added.eventId));
}
