import {
  answerFromRecord,
  type CancelCommand,
  claimed,
  type RecordAnswer,
  withAnsweredCommand,
} from '../domain/cancellation.ts';
import { graceLeft } from '../domain/expiry.ts';
import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import { isFinal, isOpen, type PaymentRequestState } from '../domain/payment-request-state.ts';
import { settled } from '../domain/settlement.ts';
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

/**
 * What a cancel came to.
 * - `canceled`: by us, on Klarna's evidence. `already-canceled`: it was. `already-final`: paid, expired or declined; untouched.
 * - `pending`: Klarna's answer is not known, or somebody else is at it; the record says so and the sweep settles it. Of a
 *   timer also: the session was given more time while it looked.
 * - `not-found`: Klarna does not know it. `denied`: Klarna refuses our credentials; retried. `graced`: the customer was
 *   given time, and the timer is to be armed for the new deadline.
 */
export type CancelOutcome =
  | { readonly kind: 'canceled' | 'already-canceled'; readonly record: PaymentRequest }
  | { readonly kind: 'already-final'; readonly state: PaymentRequestState; readonly record: PaymentRequest }
  | { readonly kind: 'pending'; readonly record: PaymentRequest }
  | { readonly kind: 'not-found'; readonly record: PaymentRequest | undefined }
  | { readonly kind: 'denied'; readonly record: PaymentRequest | undefined }
  | { readonly kind: 'graced'; readonly record: PaymentRequest };

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
  ): Promise<CancelOutcome> => {
    const { store, clock, ids } = dependencies;
    const until = clock.now() + klarnaBudget;
    const known = await store.read(key);
    const leaseId = ids.next();

    const asking = answerFromRecord(known, command, nowOf(dependencies))
      ? undefined
      : readAtKlarna(dependencies)(settings, key.paymentRequestId, until);
    if (asking && !known) {
      // Nobody but Klarna can say that this id is a request at all: no record is made before it has.
      const { answer } = await asking;
      if (answer.kind === 'not_found') return { kind: 'not-found', record: undefined };
      if (answer.kind === 'denied') return { kind: 'denied', record: undefined };
    }

    const claim = await changeRecord<RecordAnswer | undefined>(store, key, known, (record) => {
      const now = nowOf(dependencies);
      const current = record ?? unknownPaymentRequest(key, now);
      const answer = answerFromRecord(record, command, now);
      const next = answer
        ? withAnsweredCommand(current, command, answer, ownEventId('outcome', leaseId), now)
        : claimed(current, command, leaseId, now);
      return { next, outcome: answer };
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

/** What a cancel would come to: `would-cancel`, or the outcome that it would have without asking Klarna for anything. */
export type CancelRehearsal =
  CancelOutcome | { readonly kind: 'would-cancel'; readonly record: PaymentRequest };

/** What a cancel would come to, from the record and Klarna's state. Writes nothing and sends no DELETE. */
export const rehearseCancel =
  (dependencies: CancelDependencies) =>
  async (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
  ): Promise<CancelRehearsal> => {
    const now = nowOf(dependencies);
    const known = await dependencies.store.read(key);
    const record = known ?? unknownPaymentRequest(key, now);
    const early = answerFromRecord(known, command, now);
    if (early) return fromRecord(early, record);
    const { answer } = await readAtKlarna(dependencies)(
      settings,
      key.paymentRequestId,
      dependencies.clock.now() + klarnaBudget,
    );
    if (answer.kind === 'not_found') return { kind: 'not-found', record: known };
    if (answer.kind === 'denied') return { kind: 'denied', record: known };
    if (answer.kind !== 'payment_request') return { kind: 'pending', record };
    const seen = { ...record, state: answer.state };
    const late = answerFromRecord(seen, command, now);
    return late ? fromRecord(late, seen) : { kind: 'would-cancel', record: seen };
  };

/** Records what an attempt learnt, and removes or moves the timer at the same time. */
async function settle(
  dependencies: CancelDependencies,
  held: PaymentRequest,
  leaseId: string,
  verdict: KlarnaVerdict,
): Promise<CancelOutcome> {
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
  return outcomeOf(current, verdict);
}

function outcomeOf(record: PaymentRequest, { conclusion, sent }: KlarnaVerdict): CancelOutcome {
  const { state, cancellation } = record;
  if (state === 'CANCELED') return { kind: sent ? 'canceled' : 'already-canceled', record };
  const isSpared = conclusion.kind === 'known' || cancellation?.outcome === 'refused';
  if (!isOpen(state) && (isFinal(state) || isSpared)) return { kind: 'already-final', state, record };
  switch (conclusion.kind) {
    case 'not_found':
      return { kind: 'not-found', record };
    case 'denied':
      return { kind: 'denied', record };
    case 'grace':
      return { kind: cancellation ? 'pending' : 'graced', record };
    case 'known':
    case 'unknown':
    case 'unknown_state':
      return { kind: 'pending', record };
  }
}

function fromRecord(answer: RecordAnswer, record: PaymentRequest): CancelOutcome {
  switch (answer.kind) {
    case 'already-canceled':
      return { kind: 'already-canceled', record };
    case 'already-final':
      return { kind: 'already-final', state: answer.state, record };
    case 'claimed':
    case 'not-over':
      return { kind: 'pending', record };
  }
}

const nowOf = ({ clock }: CancelDependencies) => instantFromMillis(clock.now());
