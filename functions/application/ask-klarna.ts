import type { AccountSettings } from '../domain/account-settings.ts';
import type { Conclusion } from '../domain/cancel-attempt.ts';
import { ownEventId, type PaymentRequestId, type SessionId } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { emptyResponse } from '../domain/klarna-read.ts';
import type { KlarnaResponse, Proof, ShownPaymentRequest } from '../domain/klarna-response.ts';
import { isBelievable, type Observation } from '../domain/observation.ts';
import type { HistoryEntry } from '../domain/history-entry.ts';
import { afterCall, type AttemptTerms, callLimit, nextCall, noCalls } from '../domain/next-call.ts';
import type { Chance, Clock, Ids, KlarnaPaymentRequests } from './ports.ts';
import { shortId } from './short-id.ts';

/** What calls to Klarna need. */
export interface KlarnaDependencies {
  readonly klarna: KlarnaPaymentRequests;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
}

/** What one attempt learned from Klarna. */
export interface KlarnaVerdict {
  /**
   * Observations, and entries of responses that are not evidence, in the order in which they came. Where the last read is not an
   * observation, only its `proof` is kept.
   */
  readonly facts: readonly (Observation | HistoryEntry)[];
  readonly conclusion: Conclusion;
  /** Whether a DELETE was sent. */
  readonly sent: boolean;
  readonly proof: Proof;
}

/** The request that a call is about, and who calls. */
export interface AskedFor {
  readonly settings: AccountSettings;
  readonly paymentRequestId: PaymentRequestId;
  /** The session of the request, if the record tells it. */
  readonly sessionId?: SessionId | undefined;
}

/** A response, and when the call began and ended, in milliseconds since 1970. It was true at some moment between the two. */
export interface TimedResponse {
  readonly response: KlarnaResponse;
  readonly askedAt: number;
  readonly respondedAt: number;
}

/** A response that shows the request. */
type Shown = Pick<TimedResponse, 'askedAt'> & {
  readonly response: { readonly proof: Proof } & ShownPaymentRequest;
};

/** Reads the request at Klarna once. Ends by `until`, in milliseconds since 1970, and within {@link callLimit}. */
export const readAtKlarna =
  ({ klarna, clock }: { readonly klarna: Pick<KlarnaPaymentRequests, 'read'>; readonly clock: Clock }) =>
  async ({ settings, paymentRequestId, sessionId }: AskedFor, until: number): Promise<TimedResponse> => {
    const askedAt = clock.now();
    const response = await klarna.read(
      settings.klarna,
      paymentRequestId,
      Math.min(callLimit, Math.max(1, until - askedAt)),
      sessionId,
    );
    return { response, askedAt, respondedAt: clock.now() };
  };

/**
 * The observation in a response. It has an event id of its own, so a repeated write adds nothing. A time in the far future counts as no
 * time: it would keep every later fact out.
 */
export function observationOf(
  { response, askedAt }: Shown,
  source: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): Observation {
  const { updatedAt } = response;
  const observedAt = clock.instant();
  return {
    state: response.state,
    previousState: response.previousState,
    stateReason: response.stateReason,
    occurredAt: updatedAt && isBelievable(updatedAt, observedAt) ? updatedAt : instantFromMillis(askedAt),
    klarnaExpiresAt: response.expiresAt,
    reference: response.reference,
    eventId: ownEventId(source, shortId(ids)),
    source,
    observedAt,
    proof: response.proof,
  };
}

/** The history entry of a response that is not evidence. The response to a DELETE may show a request that is not canceled. */
export const emptyResponseOf = (
  response: KlarnaResponse,
  kind: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): HistoryEntry =>
  emptyResponse(
    {
      kind,
      distinction: shortId(ids),
      response: response.kind,
      proof:
        response.kind === 'payment_request' ? { ...response.proof, state: response.state } : response.proof,
    },
    clock.instant(),
  );

/** An attempt to cancel one request at Klarna. */
export interface KlarnaAttempt extends AttemptTerms, AskedFor {}

/**
 * Cancels the request at Klarna: makes the calls that {@link nextCall} decides on, and collects their responses. Ends by `until`.
 *
 * @param first the first read, which may have begun before the claim.
 */
export const endAtKlarna =
  (dependencies: KlarnaDependencies) =>
  async (attempt: KlarnaAttempt, first: TimedResponse): Promise<KlarnaVerdict> => {
    const { clock, chance } = dependencies;
    const facts: (Observation | HistoryEntry)[] = [];
    let timed = first;
    let progress = afterCall(noCalls, 'read', first);
    for (;;) {
      const moment = { now: clock.now(), chance: chance() };
      const next = nextCall(progress, timed.response, attempt, moment);
      const fact = factOf(timed, progress.last, dependencies);
      const isDone = next.kind === 'conclude';
      // Where the last read is not an observation, only its proof is kept.
      if (!isDone || 'source' in fact || progress.last === 'cancel') facts.push(fact);
      if (isDone) {
        const { proof } = timed.response;
        return { facts, conclusion: next.conclusion, sent: progress.cancels > 0, proof };
      }
      if (next.kind === 'read' && next.pause > 0) await clock.wait(next.pause);
      const call = next.kind === 'read' ? 'read' : 'cancel';
      const ask = call === 'read' ? readAtKlarna(dependencies) : cancelAtKlarna(dependencies);
      timed = await ask(attempt, attempt.until);
      progress = afterCall(progress, call, timed);
    }
  };

/** Sends one DELETE. Ends by `until`, in milliseconds since 1970, and within {@link callLimit}. */
const cancelAtKlarna =
  ({ klarna, clock }: Pick<KlarnaDependencies, 'klarna' | 'clock'>) =>
  async ({ settings, paymentRequestId, sessionId }: AskedFor, until: number): Promise<TimedResponse> => {
    const askedAt = clock.now();
    const millis = Math.min(callLimit, until - askedAt);
    const response = await klarna.cancel(settings.klarna, paymentRequestId, millis, sessionId);
    return { response, askedAt, respondedAt: clock.now() };
  };

/** What the record keeps of a response: an observation, or an entry where it is not evidence. */
function factOf(
  { response, askedAt }: TimedResponse,
  call: 'read' | 'cancel',
  dependencies: KlarnaDependencies,
): Observation | HistoryEntry {
  // The response to a DELETE may show a request that is not canceled.
  const isEvidence =
    response.kind === 'payment_request' && (call === 'read' || response.state === 'CANCELED');
  return isEvidence
    ? observationOf({ response, askedAt }, call, dependencies)
    : emptyResponseOf(response, call, dependencies);
}
