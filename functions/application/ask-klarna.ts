import { ownEventId, type PaymentRequestId } from '../domain/identifiers.ts';
import { isClosedTo } from '../domain/cancellation.ts';
import { emptyResponse } from '../domain/klarna-read.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { Observation } from '../domain/observation.ts';
import type { HistoryEntry } from '../domain/payment-request.ts';
import type { Conclusion } from '../domain/cancel-attempt.ts';
import type { AccountSettings, Chance, Clock, Ids, KlarnaResponse, KlarnaPaymentRequests } from './ports.ts';

export interface KlarnaDependencies {
  readonly klarna: KlarnaPaymentRequests;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
}

/** Milliseconds that any one call to Klarna may take: a good answer comes in a fraction of it. */
export const callLimit = 4_000;
/** DELETEs that one attempt may send, each after a read of its own. */
const mostCancels = 2;
const firstPause = 200;

/** What Klarna said to one attempt. */
export interface KlarnaVerdict {
  /**
   * In the order in which it came: facts, and the entries of answers that are none. Of the read that the attempt ends with, if
   * it is no fact, there is the `proof` alone.
   */
  readonly facts: readonly (Observation | HistoryEntry)[];
  readonly conclusion: Conclusion;
  /** Whether a DELETE went out. */
  readonly sent: boolean;
  readonly proof: Readonly<Record<string, string>>;
}

/** An answer, and when it was asked for: the earliest moment at which it was true. */
export interface TimedResponse {
  readonly response: KlarnaResponse;
  readonly askedAt: number;
}

/** Reads the request at Klarna once. */
export const readAtKlarna =
  ({ klarna, clock }: { readonly klarna: Pick<KlarnaPaymentRequests, 'read'>; readonly clock: Clock }) =>
  async (settings: AccountSettings, id: PaymentRequestId, until: number): Promise<TimedResponse> => {
    const askedAt = clock.now();
    const response = await klarna.read(
      settings.klarna,
      id,
      Math.min(callLimit, Math.max(1, until - askedAt)),
    );
    return { response, askedAt };
  };

/** The fact in an answer of Klarna's, with an event id of its own, so that it is one fact however often it is recorded. */
export const observationOf = (
  { response, askedAt }: TimedResponse & { readonly response: { readonly kind: 'payment_request' } },
  source: 'read' | 'cancel',
  dependencies: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): Observation => ({
  state: response.state,
  previousState: response.previousState,
  stateReason: response.stateReason,
  occurredAt: response.updatedAt ?? instantFromMillis(askedAt),
  klarnaExpiresAt: response.expiresAt,
  eventId: ownEventId(source, dependencies.ids.next()),
  source,
  observedAt: instantFromMillis(dependencies.clock.now()),
  proof: response.proof,
});

/** The history entry of an answer that is no fact. The DELETE's may show the request, but not that it is canceled. */
export const emptyResponseOf = (
  response: KlarnaResponse,
  kind: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): HistoryEntry =>
  emptyResponse(
    kind,
    ids.next(),
    response.kind,
    response.kind === 'payment_request' ? { ...response.proof, state: response.state } : response.proof,
    instantFromMillis(clock.now()),
  );

/**
 * Ends the request at Klarna: read, then DELETE, then read again wherever the DELETE's answer does not say what became of
 * the request. Never sends a DELETE unless the read just before showed that the customer has not approved (or the caller
 * allows that), sends at most {@link mostCancels}, and is done by `until`, in milliseconds since 1970.
 *
 * @param first the first read, already under way.
 * @param grace milliseconds to leave a customer who is IN_PROGRESS, if any.
 */
export const endAtKlarna =
  (dependencies: KlarnaDependencies) =>
  async (
    settings: AccountSettings,
    id: PaymentRequestId,
    allowCompleted: boolean,
    grace: number | undefined,
    until: number,
    first: TimedResponse,
  ): Promise<KlarnaVerdict> => {
    const { clock, klarna } = dependencies;
    const facts: (Observation | HistoryEntry)[] = [];
    let reading = first;
    let cancels = 0;
    let refused = false;
    for (let round = 0; ; round += 1) {
      const { response } = reading;
      const conclude = (conclusion: Conclusion, { proof }: KlarnaResponse = response): KlarnaVerdict => ({
        facts,
        conclusion,
        sent: cancels > 0,
        proof,
      });
      switch (response.kind) {
        case 'payment_request': {
          facts.push(observationOf({ ...reading, response }, 'read', dependencies));
          // COMPLETED that the caller wanted ended, and Klarna would not: Klarna is the judge.
          const judged = response.state === 'COMPLETED' && refused;
          if (judged || isClosedTo({ allowCompleted }, response.state)) {
            return conclude({ kind: 'known' });
          }
          if (response.state === 'IN_PROGRESS' && grace !== undefined) {
            return conclude({ kind: 'grace', millis: grace });
          }
          if (cancels === mostCancels || until - clock.now() < callLimit / 2)
            return conclude({ kind: 'unknown' });
          const askedAt = clock.now();
          const canceled = await klarna.cancel(settings.klarna, id, Math.min(callLimit, until - askedAt));
          cancels += 1;
          refused = canceled.kind === 'refused';
          // Stryker disable next-line ConditionalExpression: only a Payment Request has a state
          if (canceled.kind === 'payment_request' && canceled.state === 'CANCELED') {
            facts.push(observationOf({ response: canceled, askedAt }, 'cancel', dependencies));
            return conclude({ kind: 'known' }, canceled);
          }
          facts.push(emptyResponseOf(canceled, 'cancel', dependencies));
          if (canceled.kind === 'denied') {
            return conclude({ kind: 'denied' }, canceled);
          }
          if (!(await pauseBefore(dependencies, canceled, cancels, until))) {
            return conclude({ kind: 'unknown' }, canceled);
          }
          break;
        }
        case 'not_found':
          return conclude({ kind: 'not_found' });
        case 'denied':
          return conclude({ kind: 'denied' });
        case 'unknown_state':
          return conclude({ kind: 'unknown_state' });
        case 'refused':
        case 'unclear':
        case 'rate_limited': {
          const said = emptyResponseOf(response, 'read', dependencies);
          if (round >= mostCancels + 1 || !(await pauseBefore(dependencies, response, round + 1, until))) {
            return conclude({ kind: 'unknown' });
          }
          facts.push(said);
        }
      }
      reading = await readAtKlarna(dependencies)(settings, id, until);
    }
  };

/**
 * Waits before Klarna is asked again: as long as it wants, else twice as long each time, with full jitter; not at all after
 * an answer that only has to be understood. False when there is no time left to ask.
 */
async function pauseBefore(
  { clock, chance }: KlarnaDependencies,
  response: KlarnaResponse,
  tries: number,
  until: number,
): Promise<boolean> {
  let pause = 0;
  if (response.kind === 'rate_limited' || response.kind === 'unclear') {
    const backoff = firstPause * 2 ** tries * chance();
    pause = response.retryAfterMillis ?? backoff;
  }
  if (clock.now() + pause + callLimit / 4 >= until) return false;
  if (pause > 0) await clock.wait(pause);
  return true;
}
