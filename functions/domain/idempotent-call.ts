import { type AcceptedOrNot, lastAcceptedAt } from './history-entry.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** A call that its caller gave a key, so that a repetition has no further effect. Both are digests: keys may be long. */
export interface IdempotentCall {
  readonly key: string;
  readonly request: string;
}

/**
 * The outcomes that settle a call. What is pending or was refused for another reason may end otherwise when it is repeated. `unsettled`:
 * a call about many met the record, and its outcome is not known yet.
 */
export type KeptOutcome =
  'registered' | 'changed' | 'unchanged' | 'canceled' | 'already_canceled' | 'already_final' | 'unsettled';

/** A call that a record has had. */
export interface KeptCall extends IdempotentCall {
  readonly outcome: KeptOutcome;
  /** When the call came first. */
  readonly at: Instant;
  /** The state that refused the call; only with `already_final`. */
  readonly state?: PaymentRequestState;
}

/** The newest calls that a record keeps. An older key counts as a new one. */
export const mostKeptCalls = 4;

/** What a key is: that of a call with an outcome, that of another call, or one whose call is to run. */
export type Repetition = KeptCall | 'new' | 'another';

/** What of a record knows its calls. */
interface WithCalls {
  readonly calls?: readonly KeptCall[] | undefined;
}

const keptIn = (record: WithCalls | undefined, { key }: IdempotentCall): KeptCall | undefined =>
  record?.calls?.find((kept) => kept.key === key);

/** Whether the record has had the call. */
export function repetitionOf(record: WithCalls | undefined, call: IdempotentCall): Repetition {
  const kept = keptIn(record, call);
  if (!kept) return 'new';
  if (kept.request !== call.request) return 'another';
  return kept.outcome === 'unsettled' ? 'new' : kept;
}

/** The record with the call. `undefined` where it tells nothing new: the first outcome stays, and so does the time of the call. */
export function withCall<Known extends WithCalls>(record: Known, call: KeptCall): Known | undefined {
  const kept = keptIn(record, call);
  if (!kept) return { ...record, calls: [...(record.calls ?? []), call].slice(-mostKeptCalls) };
  if (repetitionOf(record, call) !== 'new' || call.outcome === 'unsettled') return undefined;
  const calls = record.calls?.map((each) => (each === kept ? { ...call, at: kept.at } : each));
  return { ...record, calls };
}

/** What of a record tells whether a call of many met it. */
interface Member extends WithCalls {
  readonly createdAt: Instant;
  readonly history: readonly AcceptedOrNot[];
}

/** When the call came first, as far as one of these keeps it; `undefined` for a call that is new to all of them. */
export const firstAtOf = (
  holders: readonly (WithCalls | undefined)[],
  call: IdempotentCall,
): Instant | undefined => holders.flatMap((holder) => keptIn(holder, call)?.at ?? []).toSorted()[0];

/**
 * The records that a call about many is for. A repetition is for those that the first call met: what was registered later is not its
 * business.
 *
 * @param awaited what waits for a reference, where the call is about one: it keeps the call too
 */
export function metBy<Known extends Member>(
  records: readonly Known[],
  call: IdempotentCall,
  awaited?: WithCalls,
): readonly Known[] {
  const first = firstAtOf([awaited, ...records], call);
  if (first === undefined) return records;
  return records.filter((record) => keptIn(record, call) !== undefined || registeredAt(record) <= first);
}

/** When the record was last registered. It may have joined the session then. */
const registeredAt = (record: Member): Instant => lastAcceptedAt(record, ['register']) ?? record.createdAt;
