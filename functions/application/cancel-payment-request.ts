import {
  outcomeFromRecord,
  type CancelCommand,
  claimed,
  type RecordOutcome,
  withRefusedCommand,
} from '../domain/cancellation.ts';
import { graceLeft } from '../domain/expiry.ts';
import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import { isFinal, isOpen, type PaymentRequestState } from '../domain/payment-request-state.ts';
import { settled } from '../domain/cancel-attempt.ts';
import { endAtKlarna, type KlarnaDependencies, type KlarnaVerdict, readAtKlarna } from './ask-klarna.ts';
import { changeRecord } from './change-record.ts';
import type { AccountSettings, PaymentRequestStore, TimerRemoval } from './ports.ts';

export interface CancelDependencies extends KlarnaDependencies {
  readonly store: PaymentRequestStore;
  readonly timer: TimerRemoval;
  /** Told of a timer that could not be removed: it will fire and find nothing to do. */
  readonly onTimerFault: (error: unknown) => void;
}

/** Milliseconds that one attempt may spend on Klarna: well inside the claim, the functions' limits and API Gateway's 30 s. */
export const klarnaBudget = 12_000;

/** What a cancel came to, and the record as it then stands. `untried` and `would_cancel` come from cancels of many and dry runs. */
export type CancelResult =
  | {
      readonly outcome: 'canceled' | 'already_canceled' | 'would_cancel' | 'untried';
      readonly record: PaymentRequest;
    }
  | {
      readonly outcome: 'already_final';
      readonly state: PaymentRequestState;
      readonly record: PaymentRequest;
    }
  | {
      readonly outcome: 'pending';
      readonly record: PaymentRequest;
      /** The customer is paying and was given more time: the caller arms the timer for the new deadline. */
      readonly hasGrace?: true;
    }
  | {
      readonly outcome: 'not_found' | 'klarna_denied';
      /** `undefined` where there is no record, and none was made. */
      readonly record: PaymentRequest | undefined;
    };

/**
 * Ends a Payment Request, registered or not. Reads the record; claims it; asks Klarna; sends the DELETE; records what came
 * of it. Safe to repeat and to run many times at once: one holder of the claim talks to Klarna, the others are told `pending`.
 */
export const cancelPaymentRequest =
  (dependencies: CancelDependencies) =>
  async (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
  ): Promise<CancelResult> => {
    const { store, clock, ids } = dependencies;
    const until = clock.now() + klarnaBudget;
    const known = await store.read(key);
    const leaseId = ids.next();

    const asking = outcomeFromRecord(known, command, nowOf(dependencies))
      ? undefined
      : readAtKlarna(dependencies)(settings, key.paymentRequestId, until);
    // It is awaited after the claim. Until then a fault of its own must not count as one that nothing handles.
    asking?.catch(() => undefined);
    if (asking && !known) {
      // Nobody but Klarna can say that this id is a request at all: no record is made before it has.
      const { response } = await asking;
      if (response.kind === 'not_found') return { outcome: 'not_found', record: undefined };
      if (response.kind === 'denied') return { outcome: 'klarna_denied', record: undefined };
    }

    const claim = await changeRecord<RecordOutcome | undefined>(store, key, known, (record) => {
      const now = nowOf(dependencies);
      const current = record ?? unknownPaymentRequest(key, now);
      const response = outcomeFromRecord(record, command, now);
      const next = response
        ? withRefusedCommand(current, command, response, ownEventId('response', leaseId), now)
        : claimed(current, command, leaseId, now);
      return { next, outcome: response };
    });
    const held = claim.record ?? unknownPaymentRequest(key, nowOf(dependencies));
    if (claim.outcome) return fromRecord(claim.outcome, held);

    const first = await (asking ?? readAtKlarna(dependencies)(settings, key.paymentRequestId, until));
    const grace = command.cause === 'timeout' ? graceLeft(held, settings.inProgressGrace) : undefined;
    const verdict = await endAtKlarna(dependencies)(
      settings,
      key.paymentRequestId,
      command.allowCompleted,
      grace,
      until,
      first,
    );
    return settle(dependencies, held, leaseId, verdict);
  };

/** What a cancel would come to, from the record and Klarna's state. Writes nothing and sends no DELETE. */
export const dryRunCancel =
  (dependencies: CancelDependencies) =>
  async (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
  ): Promise<CancelResult> => {
    const now = nowOf(dependencies);
    const known = await dependencies.store.read(key);
    const record = known ?? unknownPaymentRequest(key, now);
    const early = outcomeFromRecord(known, command, now);
    if (early) return fromRecord(early, record);
    const { response } = await readAtKlarna(dependencies)(
      settings,
      key.paymentRequestId,
      dependencies.clock.now() + klarnaBudget,
    );
    if (response.kind === 'not_found') return { outcome: 'not_found', record: known };
    if (response.kind === 'denied') return { outcome: 'klarna_denied', record: known };
    if (response.kind !== 'payment_request') return { outcome: 'pending', record };
    const seen = { ...record, state: response.state };
    const late = outcomeFromRecord(seen, command, now);
    return late ? fromRecord(late, seen) : { outcome: 'would_cancel', record: seen };
  };

/** Records what an attempt learnt, and removes or moves the timer at the same time. */
async function settle(
  dependencies: CancelDependencies,
  held: PaymentRequest,
  leaseId: string,
  verdict: KlarnaVerdict,
): Promise<CancelResult> {
  const { store, timer } = dependencies;
  const ended = verdict.conclusion.kind === 'known';
  const removal = ended && held.timer !== 'none' ? timer.remove(held) : Promise.resolve();
  const [{ record }, removed] = await Promise.all([
    changeRecord(store, held, held, (stored) => ({
      next: stored && settled(stored, { ...verdict, leaseId }, nowOf(dependencies)),
      outcome: undefined,
    })),
    Promise.allSettled([removal]),
  ]);
  for (const result of removed) if (result.status === 'rejected') dependencies.onTimerFault(result.reason);
  const current = record ?? held;
  return resultOf(current, verdict);
}

function resultOf(record: PaymentRequest, { conclusion, sent }: KlarnaVerdict): CancelResult {
  const { state, cancellation } = record;
  if (state === 'CANCELED') return { outcome: sent ? 'canceled' : 'already_canceled', record };
  const isSpared = conclusion.kind === 'known' || cancellation?.outcome === 'refused';
  if (!isOpen(state) && (isFinal(state) || isSpared)) return { outcome: 'already_final', state, record };
  switch (conclusion.kind) {
    case 'not_found':
      return { outcome: 'not_found', record };
    case 'denied':
      return { outcome: 'klarna_denied', record };
    case 'grace':
      return cancellation ? { outcome: 'pending', record } : { outcome: 'pending', record, hasGrace: true };
    case 'known':
    case 'unknown':
    case 'unknown_state':
      return { outcome: 'pending', record };
  }
}

function fromRecord(response: RecordOutcome, record: PaymentRequest): CancelResult {
  switch (response.kind) {
    case 'already_canceled':
      return { outcome: 'already_canceled', record };
    case 'already_final':
      return { outcome: 'already_final', state: response.state, record };
    case 'claimed':
    case 'not_over':
      return { outcome: 'pending', record };
  }
}

const nowOf = ({ clock }: CancelDependencies) => instantFromMillis(clock.now());
