import type { AccountSettings } from '../domain/account-settings.ts';
import { settled } from '../domain/cancel-attempt.ts';
import {
  type CancelCommand,
  claimed,
  hasLeave,
  outcomeFromRecord,
  type RecordOutcome,
  withRefusedCommand,
} from '../domain/cancellation.ts';
import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import { isFinal, isOpen, type PaymentRequestState } from '../domain/payment-request-state.ts';
import { graceLeft } from '../domain/session-timer.ts';
import { observeReasonOf } from '../domain/timeout-switches.ts';
import { endAtKlarna, type KlarnaDependencies, type KlarnaVerdict, readAtKlarna } from './ask-klarna.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { TimerRemoval } from './ports.ts';
import { shortId } from './short-id.ts';

/** What a cancel needs. */
export interface CancelDependencies extends KlarnaDependencies, ChangeDependencies {
  readonly timer: TimerRemoval;
  /** Called with the fault if a timer could not be removed. The timer then fires without effect. */
  readonly onTimerFault: (error: unknown) => void;
}

/** Milliseconds that one attempt may spend on Klarna: less than the claim, the functions' limits and API Gateway's 30 s. */
export const klarnaBudget = 12_000;

/** The outcome of a cancel, and the record as it then is. `would_cancel` comes from dry runs, `untried` from cancels of many. */
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
      /** A switch was turned since the timer began the cancel, and the session is only observed. */
      readonly isObserved?: true;
    }
  | {
      readonly outcome: 'not_found' | 'klarna_denied';
      /** `undefined` where there is no record, and none was made. */
      readonly record: PaymentRequest | undefined;
    };

/**
 * Cancels a Payment Request, registered or not: claims the record, asks Klarna, sends the DELETE, records the result. Safe to
 * repeat and to call many times at once: only the holder of the claim calls Klarna, and the others get `pending`.
 *
 * @param known the record, where the caller has just read it.
 */
export const cancelPaymentRequest =
  (dependencies: CancelDependencies) =>
  async (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
    known?: PaymentRequest,
  ): Promise<CancelResult> => {
    const { store, clock, ids } = dependencies;
    const { paymentRequestId } = key;
    const until = clock.now() + klarnaBudget;
    const record = known ?? (await store.read(key));
    const leaseId = shortId(ids);
    const asked = { settings, paymentRequestId, sessionId: record?.sessionId };

    const reading = outcomeFromRecord(record, command, clock.instant())
      ? undefined
      : readAtKlarna(dependencies)(asked, until);
    // It is awaited after the claim. Until then, its rejection must not count as unhandled.
    reading?.catch(() => undefined);
    if (reading && !record) {
      // Only Klarna knows whether this id is a request: no record is made before.
      const { response } = await reading;
      if (response.kind === 'not_found') return { outcome: 'not_found', record: undefined };
      if (response.kind === 'denied') return { outcome: 'klarna_denied', record: undefined };
    }

    const claim = await claimRecord(dependencies, { key, command, leaseId }, record);
    if (claim.outcome) return fromRecord(claim.outcome, claim.record);

    const first = await (reading ?? readAtKlarna(dependencies)(asked, until));
    const allowCompleted = hasLeave(command, claim.record);
    const { state: recorded, session, sessionId } = claim.record;
    const isTimers = command.cause === 'timeout';
    const grace = isTimers ? graceLeft(claim.record, settings.inProgressGrace) : undefined;
    const observedBy = isTimers && session ? observeReasonOf(session, settings) : undefined;
    const terms = { allowCompleted, recorded, grace, observedBy, until };
    const attempt = { settings, paymentRequestId, sessionId, ...terms };
    const verdict = await endAtKlarna(dependencies)(attempt, first);
    return settle(dependencies, claim.record, { leaseId, allowCompleted }, verdict);
  };

/** The outcome of a cancel by the record and Klarna's state. Writes nothing and sends no DELETE. */
export const dryRunCancel =
  (dependencies: CancelDependencies) =>
  async (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
    known?: PaymentRequest,
  ): Promise<CancelResult> => {
    const { store, clock } = dependencies;
    const now = clock.instant();
    const stored = known ?? (await store.read(key));
    const record = stored ?? unknownPaymentRequest(key, now);
    const early = outcomeFromRecord(stored, command, now);
    if (early) return fromRecord(early, record);
    const asked = { settings, paymentRequestId: key.paymentRequestId, sessionId: record.sessionId };
    const { response } = await readAtKlarna(dependencies)(asked, clock.now() + klarnaBudget);
    if (response.kind === 'not_found') return { outcome: 'not_found', record: stored };
    if (response.kind === 'denied') return { outcome: 'klarna_denied', record: stored };
    if (response.kind !== 'payment_request') return { outcome: 'pending', record };
    const seen = { ...record, state: response.state };
    const late = outcomeFromRecord(seen, command, now);
    return late ? fromRecord(late, seen) : { outcome: 'would_cancel', record: seen };
  };

/** Claims the record for one attempt, or notes the command and the outcome that needs no call to Klarna. */
async function claimRecord(
  dependencies: CancelDependencies,
  asked: { readonly key: PaymentRequestKey; readonly command: CancelCommand; readonly leaseId: string },
  known: PaymentRequest | undefined,
): Promise<{ readonly record: PaymentRequest; readonly outcome: RecordOutcome | undefined }> {
  const { clock } = dependencies;
  const { key, command, leaseId } = asked;
  const eventId = ownEventId('response', leaseId);
  const { record, outcome } = await changeRecord<RecordOutcome | undefined>(
    dependencies,
    key,
    known,
    (stored) => {
      const now = clock.instant();
      const current = stored ?? unknownPaymentRequest(key, now);
      const early = outcomeFromRecord(stored, command, now);
      const next = early
        ? withRefusedCommand(current, command, { outcome: early, eventId }, now)
        : claimed(current, command, leaseId, now);
      return { next, outcome: early };
    },
  );
  return { record: record ?? unknownPaymentRequest(key, clock.instant()), outcome };
}

/** Records what an attempt learned. Removes the timer at the same time if the request has ended. */
async function settle(
  dependencies: CancelDependencies,
  held: PaymentRequest,
  { leaseId, allowCompleted }: { readonly leaseId: string; readonly allowCompleted: boolean },
  verdict: KlarnaVerdict,
): Promise<CancelResult> {
  const { timer, clock } = dependencies;
  const ended = verdict.conclusion.kind === 'known';
  const removal = ended && held.deadlineAt !== undefined ? timer.remove(held) : Promise.resolve();
  const [{ record }, removed] = await Promise.all([
    changeRecord(dependencies, held, held, (stored) => ({
      next: stored && settled(stored, { ...verdict, leaseId, allowCompleted }, clock.instant()),
      outcome: undefined,
    })),
    Promise.allSettled([removal]),
  ]);
  for (const result of removed) if (result.status === 'rejected') dependencies.onTimerFault(result.reason);
  return resultOf(record ?? held, verdict);
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
    case 'observed':
      return { outcome: 'pending', record, isObserved: true };
    case 'known':
    case 'unknown':
    case 'unknown_state':
      return { outcome: 'pending', record };
  }
}

function fromRecord(outcome: RecordOutcome, record: PaymentRequest): CancelResult {
  switch (outcome.kind) {
    case 'already_canceled':
      return { outcome: 'already_canceled', record };
    case 'already_final':
      return { outcome: 'already_final', state: outcome.state, record };
    case 'claimed':
    case 'not_over':
    case 'replaced':
      return { outcome: 'pending', record };
  }
}
