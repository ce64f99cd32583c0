import type { Instant } from './instant.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** A call that its caller gave a key, so that a repetition has no further effect. Both are digests: keys may be long. */
export interface IdempotentCall {
  readonly key: string;
  readonly request: string;
}

/** The outcomes that settle a call. What is pending or was refused for another reason may end otherwise when it is repeated. */
export type KeptOutcome =
  'registered' | 'changed' | 'unchanged' | 'canceled' | 'already_canceled' | 'already_final';

/** A call that has had its outcome. */
export interface KeptCall extends IdempotentCall {
  readonly outcome: KeptOutcome;
  /** When the call came first. */
  readonly at: Instant;
  /** The state that refused the call; only with `already_final`. */
  readonly state?: PaymentRequestState;
}

/** The newest calls that a record keeps. An older key counts as a new one. */
export const mostKeptCalls = 4;

/** What a key is: new, that of a call with an outcome, or that of another call. */
export type Repetition = KeptCall | 'new' | 'another';

/** What of a record knows its calls. */
interface WithCalls {
  readonly calls?: readonly KeptCall[] | undefined;
}

/** Whether the record has had the call. */
export function repetitionOf(record: WithCalls | undefined, call: IdempotentCall): Repetition {
  const kept = record?.calls?.find(({ key }) => key === call.key);
  if (!kept) return 'new';
  return kept.request === call.request ? kept : 'another';
}

/** The record with the call. `undefined` where a call with this key was faster: the first outcome stays. */
export function withCall<Known extends WithCalls>(record: Known, call: KeptCall): Known | undefined {
  if (repetitionOf(record, call) !== 'new') return undefined;
  return { ...record, calls: [...(record.calls ?? []), call].slice(-mostKeptCalls) };
}

/** What of a record tells whether a call of many met it. */
type Member = WithCalls & { readonly createdAt: Instant };

/**
 * The records that a call about many is for. A repetition is for those that the first call met: what came later is not its business.
 */
export function metBy<Known extends Member>(
  records: readonly Known[],
  call: IdempotentCall,
): readonly Known[] {
  const times = records.flatMap((record) => {
    const kept = repetitionOf(record, call);
    return typeof kept === 'string' ? [] : [kept.at];
  });
  const first = times.toSorted()[0];
  return first === undefined ? records : records.filter(({ createdAt }) => createdAt <= first);
}
