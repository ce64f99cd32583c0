import { ownEventId, type PaymentRequestId } from '../domain/identifiers.ts';
import { isClosedTo } from '../domain/cancellation.ts';
import { emptyAnswer } from '../domain/empty-answer.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { Observation } from '../domain/observation.ts';
import type { HistoryEntry } from '../domain/payment-request.ts';
import type { Conclusion } from '../domain/settlement.ts';
import type { AccountSettings, Chance, Clock, Ids, KlarnaAnswer, KlarnaPaymentRequests } from './ports.ts';

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
  readonly heard: readonly (Observation | HistoryEntry)[];
  readonly conclusion: Conclusion;
  /** Whether a DELETE went out. */
  readonly sent: boolean;
  readonly proof: Readonly<Record<string, string>>;
}

/** An answer, and when it was asked for: the earliest moment at which it was true. */
export interface TimedAnswer {
  readonly answer: KlarnaAnswer;
  readonly askedAt: number;
}

/** Reads the request at Klarna once. */
export const readAtKlarna =
  ({ klarna, clock }: { readonly klarna: Pick<KlarnaPaymentRequests, 'read'>; readonly clock: Clock }) =>
  async (settings: AccountSettings, id: PaymentRequestId, until: number): Promise<TimedAnswer> => {
    const askedAt = clock.now();
    const answer = await klarna.read(settings.klarna, id, Math.min(callLimit, Math.max(1, until - askedAt)));
    return { answer, askedAt };
  };

/** The fact in an answer of Klarna's, with an event id of its own, so that it is one fact however often it is recorded. */
export const observationOf = (
  { answer, askedAt }: TimedAnswer & { readonly answer: { readonly kind: 'payment_request' } },
  source: 'read' | 'cancel',
  dependencies: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): Observation => ({
  state: answer.state,
  previousState: answer.previousState,
  stateReason: answer.stateReason,
  occurredAt: answer.updatedAt ?? instantFromMillis(askedAt),
  klarnaExpiresAt: answer.expiresAt,
  eventId: ownEventId(source, dependencies.ids.next()),
  source,
  observedAt: instantFromMillis(dependencies.clock.now()),
  proof: answer.proof,
});

/** The history entry of an answer that is no fact. The DELETE's may show the request, but not that it is canceled. */
export const emptyAnswerOf = (
  answer: KlarnaAnswer,
  kind: 'read' | 'cancel',
  { clock, ids }: Pick<KlarnaDependencies, 'clock' | 'ids'>,
): HistoryEntry =>
  emptyAnswer(
    kind,
    ids.next(),
    answer.kind,
    answer.kind === 'payment_request' ? { ...answer.proof, state: answer.state } : answer.proof,
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
    first: TimedAnswer,
  ): Promise<KlarnaVerdict> => {
    const { clock, klarna } = dependencies;
    const heard: (Observation | HistoryEntry)[] = [];
    let reading = first;
    let cancels = 0;
    let refused = false;
    for (let round = 0; ; round += 1) {
      const { answer } = reading;
      const conclude = (conclusion: Conclusion, { proof }: KlarnaAnswer = answer): KlarnaVerdict => ({
        heard,
        conclusion,
        sent: cancels > 0,
        proof,
      });
      switch (answer.kind) {
        case 'payment_request': {
          heard.push(observationOf({ ...reading, answer }, 'read', dependencies));
          // COMPLETED that the caller wanted ended, and Klarna would not: Klarna is the judge.
          const judged = answer.state === 'COMPLETED' && refused;
          if (judged || isClosedTo({ allowCompleted }, answer.state)) {
            return conclude({ kind: 'known' });
          }
          if (answer.state === 'IN_PROGRESS' && grace !== undefined) {
            return conclude({ kind: 'grace', millis: grace });
          }
          if (cancels === mostCancels || until - clock.now() < callLimit / 2)
            return conclude({ kind: 'unknown' });
          const askedAt = clock.now();
          const canceled = await klarna.cancel(settings.klarna, id, Math.min(callLimit, until - askedAt));
          cancels += 1;
          refused = canceled.kind === 'refused';
          if (canceled.kind === 'payment_request' && canceled.state === 'CANCELED') {
            heard.push(observationOf({ answer: canceled, askedAt }, 'cancel', dependencies));
            return conclude({ kind: 'known' }, canceled);
          }
          heard.push(emptyAnswerOf(canceled, 'cancel', dependencies));
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
          const said = emptyAnswerOf(answer, 'read', dependencies);
          if (round >= mostCancels + 1 || !(await pauseBefore(dependencies, answer, round + 1, until))) {
            return conclude({ kind: 'unknown' });
          }
          heard.push(said);
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
  answer: KlarnaAnswer,
  tries: number,
  until: number,
): Promise<boolean> {
  let pause = 0;
  if (answer.kind === 'rate_limited' || answer.kind === 'unclear') {
    const backoff = firstPause * 2 ** tries * chance();
    pause = answer.retryAfterMillis ?? backoff;
  }
  if (clock.now() + pause + callLimit / 4 >= until) return false;
  if (pause > 0) await clock.wait(pause);
  return true;
}
