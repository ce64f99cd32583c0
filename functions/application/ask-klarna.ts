import type { AccountSettings } from '../domain/account-settings.ts';
import type { Conclusion } from '../domain/cancel-attempt.ts';
import { isClosedTo } from '../domain/cancellation.ts';
import { ownEventId, type PaymentRequestId } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { emptyResponse } from '../domain/klarna-read.ts';
import type { KlarnaResponse, Proof, ShownPaymentRequest } from '../domain/klarna-response.ts';
import type { Observation } from '../domain/observation.ts';
import type { HistoryEntry } from '../domain/payment-request.ts';
import type { PaymentRequestState } from '../domain/payment-request-state.ts';
import type { Chance, Clock, Ids, KlarnaPaymentRequests } from './ports.ts';

/** What calls to Klarna need. */
export interface KlarnaDependencies {
  readonly klarna: KlarnaPaymentRequests;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
}

/** Milliseconds that one call to Klarna may take. A good response takes a fraction of it. */
export const callLimit = 4_000;
/** DELETEs that one attempt may send, each after a read of its own. */
const mostCancels = 2;
/** Milliseconds for which a read counts: the customer may approve at any time after it. */
const freshFor = 1_000;
/** Milliseconds of the first pause before a repeated call. */
const firstPause = 200;

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
  async (settings: AccountSettings, id: PaymentRequestId, until: number): Promise<TimedResponse> => {
    const askedAt = clock.now();
    const response = await klarna.read(
      settings.klarna,
      id,
      Math.min(callLimit, Math.max(1, until - askedAt)),
    );
    return { response, askedAt, respondedAt: clock.now() };
  };

/** The observation in a response. It has an event id of its own, so a repeated write adds nothing. */
export const observationOf = (
  { response, askedAt }: Shown,
  source: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): Observation => ({
  state: response.state,
  previousState: response.previousState,
  stateReason: response.stateReason,
  occurredAt: response.updatedAt ?? instantFromMillis(askedAt),
  klarnaExpiresAt: response.expiresAt,
  eventId: ownEventId(source, ids.next()),
  source,
  observedAt: clock.instant(),
  proof: response.proof,
});

/** The history entry of a response that is not evidence. The response to a DELETE may show a request that is not canceled. */
export const emptyResponseOf = (
  response: KlarnaResponse,
  kind: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): HistoryEntry =>
  emptyResponse(
    {
      kind,
      distinction: ids.next(),
      response: response.kind,
      proof:
        response.kind === 'payment_request' ? { ...response.proof, state: response.state } : response.proof,
    },
    clock.instant(),
  );

/** An attempt to cancel one request at Klarna. */
export interface KlarnaAttempt {
  readonly settings: AccountSettings;
  readonly paymentRequestId: PaymentRequestId;
  readonly allowCompleted: boolean;
  /** The state in the claimed record. It may be newer than a read that began before the claim. */
  readonly recorded: PaymentRequestState | undefined;
  /** Milliseconds that a customer who is IN_PROGRESS is given, if any. */
  readonly grace: number | undefined;
  /** When the attempt must be over, in milliseconds since 1970. */
  readonly until: number;
}

/** What an attempt has done so far. */
interface Progress {
  readonly facts: (Observation | HistoryEntry)[];
  reads: number;
  cancels: number;
  isRefused: boolean;
}

/**
 * Cancels the request at Klarna: read, then DELETE, then read again wherever the response to the DELETE is not evidence. It sends
 * a DELETE only after a read that showed the request as not approved, or where the caller allows it. It sends at most
 * {@link mostCancels} and ends by `until`.
 *
 * @param first the first read, which may have begun before the claim.
 */
export const endAtKlarna =
  (dependencies: KlarnaDependencies) =>
  async (attempt: KlarnaAttempt, first: TimedResponse): Promise<KlarnaVerdict> => {
    const progress: Progress = { facts: [], reads: 1, cancels: 0, isRefused: false };
    let reading = first;
    for (;;) {
      const verdict = await afterRead(dependencies, attempt, progress, reading);
      if (verdict) return verdict;
      reading = await readAtKlarna(dependencies)(attempt.settings, attempt.paymentRequestId, attempt.until);
      progress.reads += 1;
    }
  };

const concluded = (
  { facts, cancels }: Progress,
  conclusion: Conclusion,
  { proof }: KlarnaResponse,
): KlarnaVerdict => ({ facts, conclusion, sent: cancels > 0, proof });

/** Continues an attempt after a read. `undefined` where the request must be read again. */
async function afterRead(
  dependencies: KlarnaDependencies,
  attempt: KlarnaAttempt,
  progress: Progress,
  reading: TimedResponse,
): Promise<KlarnaVerdict | undefined> {
  const { response } = reading;
  switch (response.kind) {
    case 'payment_request': {
      progress.facts.push(observationOf({ ...reading, response }, 'read', dependencies));
      const early = conclusionOf(response, attempt, progress);
      return early
        ? concluded(progress, early, response)
        : sendCancel(dependencies, attempt, progress, reading);
    }
    case 'not_found':
    case 'denied':
    case 'unknown_state':
      return concluded(progress, { kind: response.kind }, response);
    case 'refused':
    case 'unclear':
    case 'rate_limited': {
      const entry = emptyResponseOf(response, 'read', dependencies);
      const { reads } = progress;
      if (reads > mostCancels + 1 || !(await pauseBefore(dependencies, response, reads, attempt.until))) {
        return concluded(progress, { kind: 'unknown' }, response);
      }
      progress.facts.push(entry);
      return undefined;
    }
  }
}

/** The end of an attempt that a read alone decides; `undefined` where a DELETE is to be sent. */
function conclusionOf(
  { state }: ShownPaymentRequest,
  { allowCompleted, recorded, grace }: KlarnaAttempt,
  { isRefused }: Progress,
): Conclusion | undefined {
  // The caller wanted COMPLETED canceled and Klarna refused: Klarna decides.
  const isDecided = state === 'COMPLETED' && isRefused;
  const isClosed = isClosedTo({ allowCompleted }, state) || isClosedTo({ allowCompleted }, recorded);
  if (isDecided || isClosed) return { kind: 'known' };
  return state === 'IN_PROGRESS' && grace !== undefined ? { kind: 'grace', millis: grace } : undefined;
}

/**
 * Sends one DELETE, if the attempt may send another and the read is fresh. `undefined` where the request must be read again: the
 * read is too old, or the response to the DELETE leaves the state open.
 */
async function sendCancel(
  dependencies: KlarnaDependencies,
  { settings, paymentRequestId, until }: KlarnaAttempt,
  progress: Progress,
  reading: TimedResponse,
): Promise<KlarnaVerdict | undefined> {
  const { klarna, clock } = dependencies;
  const askedAt = clock.now();
  if (progress.cancels === mostCancels || until - askedAt < callLimit / 2) {
    return concluded(progress, { kind: 'unknown' }, reading.response);
  }
  if (askedAt - reading.respondedAt > freshFor) return undefined;
  const response = await klarna.cancel(
    settings.klarna,
    paymentRequestId,
    Math.min(callLimit, until - askedAt),
  );
  progress.cancels += 1;
  progress.isRefused = response.kind === 'refused';
  // Stryker disable next-line ConditionalExpression: only a Payment Request has a state
  if (response.kind === 'payment_request' && response.state === 'CANCELED') {
    progress.facts.push(observationOf({ response, askedAt }, 'cancel', dependencies));
    return concluded(progress, { kind: 'known' }, response);
  }
  progress.facts.push(emptyResponseOf(response, 'cancel', dependencies));
  if (response.kind === 'denied') return concluded(progress, { kind: 'denied' }, response);
  return (await pauseBefore(dependencies, response, progress.cancels, until))
    ? undefined
    : concluded(progress, { kind: 'unknown' }, response);
}

/**
 * Waits before the next call: as long as Klarna asks, else twice as long each time, with full jitter. Does not wait after a
 * response that only has to be understood. False where no time is left for another call.
 */
async function pauseBefore(
  { clock, chance }: KlarnaDependencies,
  response: KlarnaResponse,
  attempts: number,
  until: number,
): Promise<boolean> {
  let pause = 0;
  if (response.kind === 'rate_limited' || response.kind === 'unclear') {
    pause = response.retryAfterMillis ?? firstPause * 2 ** attempts * chance();
  }
  if (clock.now() + pause + callLimit / 4 >= until) return false;
  if (pause > 0) await clock.wait(pause);
  return true;
}
