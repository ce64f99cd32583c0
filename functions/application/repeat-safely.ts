import { type IdempotentCall, type KeptCall, repetitionOf, withCall } from '../domain/idempotent-call.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { CancelResult } from './cancel-payment-request.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { SessionResult } from './register-session.ts';

/** What to do for a call, and how its result is kept and had again. */
export interface Repeatable<Result> {
  readonly run: () => Promise<Result>;
  /** The outcome to keep; `undefined` where the call is not settled. */
  readonly keptOf: (result: Result) => Pick<KeptCall, 'outcome' | 'state'> | undefined;
  /** The first outcome with the record as it is now. */
  readonly again: (first: KeptCall, record: PaymentRequest) => Result;
  /** Whether the record notes the call before it runs: a repetition of a call about many is to know what the first one met. */
  readonly isNotedFirst?: boolean;
}

/**
 * Runs a call once for its key. A repetition has the first outcome and does nothing; another call with the key is `reused`. The outcome
 * is kept after the call. So two calls at the same moment both run, and return the outcome that was kept first. One that is repeated
 * after a crash runs again. That is safe for all but an extension by a length of time, which may move the deadline a second time.
 */
export const repeatSafely =
  (dependencies: ChangeDependencies) =>
  async <Result>(
    key: PaymentRequestKey,
    call: IdempotentCall,
    { run, keptOf, again, isNotedFirst }: Repeatable<Result>,
  ): Promise<Result | 'reused'> => {
    const known = await dependencies.store.read(key);
    const before = repetitionOf(known, call);
    if (before === 'another') return 'reused';
    if (before !== 'new' && known) return again(before, known);
    const at = dependencies.clock.instant();
    if (isNotedFirst)
      await changeRecord(dependencies, key, known, (stored) => ({
        next: stored && withCall(stored, { ...call, outcome: 'unsettled', at }),
        outcome: undefined,
      }));
    const result = await run();
    const kept = keptOf(result);
    if (!kept) return result;
    const latest = await dependencies.store.read(key);
    const { record, outcome: faster } = await changeRecord(dependencies, key, latest, (stored) => ({
      next: stored && withCall(stored, { ...call, ...kept, at }),
      outcome: repetitionOf(stored, call),
    }));
    return record && typeof faster !== 'string' ? again(faster, record) : result;
  };

/** How a registration is kept. */
export const repeatedRegistration = (run: () => Promise<SessionResult>): Repeatable<SessionResult> => ({
  run,
  keptOf: ({ outcome, record }) => {
    switch (outcome.kind) {
      case 'registered':
      case 'changed':
      case 'unchanged':
        return { outcome: outcome.kind };
      case 'already_final':
        return { outcome: outcome.kind, ...(record?.state && { state: record.state }) };
      default:
        return undefined;
    }
  },
  again: registeredBefore,
});

/** The first outcome of a registration, with what it was about as that is now. */
export const registeredBefore = (
  { outcome, state }: KeptCall,
  record: PaymentRequest | undefined,
): SessionResult =>
  outcome === 'already_final' && state !== undefined
    ? { outcome: { kind: outcome, state }, record: record && { ...record, state } }
    : {
        outcome: { kind: outcome === 'registered' || outcome === 'changed' ? outcome : 'unchanged' },
        record,
      };

/** How a cancel is kept. */
export const repeatedCancel = (run: () => Promise<CancelResult>): Repeatable<CancelResult> => ({
  run,
  keptOf: (result) => {
    switch (result.outcome) {
      case 'canceled':
      case 'already_canceled':
        return { outcome: result.outcome };
      case 'already_final':
        return { outcome: result.outcome, state: result.state };
      default:
        return undefined;
    }
  },
  again: ({ outcome, state }, record) =>
    outcome === 'already_final' && state !== undefined
      ? { outcome, state, record }
      : { outcome: outcome === 'canceled' ? outcome : 'already_canceled', record },
});
