import type { ObserveReason } from './payment-request.ts';
import type { Conclusion } from './cancel-attempt.ts';
import { isClosedTo } from './cancellation.ts';
import type { KlarnaResponse } from './klarna-response.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** Milliseconds that one call to Klarna may take. A good response takes a fraction of it. */
export const callLimit = 4_000;
/** DELETEs that one attempt may send, each after a read of its own. */
const mostCancels = 2;
/** Milliseconds for which a read counts: the customer may approve at any time after it. */
const freshFor = 1_000;
/** Milliseconds of the longest first pause before a repeated call. */
const firstPause = 200;

/** What an attempt may do, and until when. */
export interface AttemptTerms {
  readonly allowCompleted: boolean;
  /** The state in the claimed record. It may be newer than a read that began before the claim. */
  readonly recorded: PaymentRequestState | undefined;
  /** Milliseconds that a customer who is IN_PROGRESS is given, if any. */
  readonly grace: number | undefined;
  /** Why the session is only observed, if it is by now. No DELETE is sent then. */
  readonly observedBy?: ObserveReason | undefined;
  /** When the attempt must be over, in milliseconds since 1970. */
  readonly until: number;
}

/** The calls of an attempt so far, and the last of them. */
export interface Progress {
  readonly reads: number;
  readonly cancels: number;
  /** Whether Klarna refused the last DELETE. */
  readonly isRefused: boolean;
  readonly last: 'read' | 'cancel';
  /** When the last response came, in milliseconds since 1970. */
  readonly respondedAt: number;
}

/** The moment of a decision: milliseconds since 1970, and a random number in [0, 1) that spreads the pauses. */
export interface Moment {
  readonly now: number;
  readonly chance: number;
}

/** What an attempt does next. `pause` is in milliseconds. */
export type NextCall =
  | { readonly kind: 'read'; readonly pause: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'conclude'; readonly conclusion: Conclusion };

/** The progress before the first response. */
export const noCalls: Omit<Progress, 'last' | 'respondedAt'> = { reads: 0, cancels: 0, isRefused: false };

/** The progress after one more response. */
export const afterCall = (
  { reads, cancels, isRefused }: Omit<Progress, 'last' | 'respondedAt'>,
  last: Progress['last'],
  { response, respondedAt }: { readonly response: KlarnaResponse; readonly respondedAt: number },
): Progress => ({
  reads: reads + (last === 'read' ? 1 : 0),
  cancels: cancels + (last === 'cancel' ? 1 : 0),
  isRefused: last === 'cancel' ? response.kind === 'refused' : isRefused,
  last,
  respondedAt,
});

/**
 * The next call of an attempt to cancel: read, then DELETE, then read again wherever the response to the DELETE is not evidence. A
 * DELETE follows only from a fresh read that showed the request as not approved, or where the caller allows it. At most
 * {@link mostCancels} are sent, and no call begins that could not end by `until`.
 */
export function nextCall(
  progress: Progress,
  response: KlarnaResponse,
  terms: AttemptTerms,
  moment: Moment,
): NextCall {
  if (progress.last === 'cancel') return afterCancel(progress, response, terms, moment);
  switch (response.kind) {
    case 'payment_request':
      return afterShown(progress, response.state, terms, moment);
    case 'not_found':
    case 'denied':
    case 'unknown_state':
      return conclude({ kind: response.kind });
    case 'refused':
    case 'unclear':
    case 'rate_limited':
      return progress.reads > mostCancels + 1
        ? conclude({ kind: 'unknown' })
        : readAgain(response, progress.reads, terms, moment);
  }
}

const conclude = (conclusion: Conclusion): NextCall => ({ kind: 'conclude', conclusion });

/** After a read that showed the request. */
function afterShown(
  { cancels, isRefused, respondedAt }: Progress,
  state: PaymentRequestState,
  { allowCompleted, recorded, grace, observedBy, until }: AttemptTerms,
  { now }: Moment,
): NextCall {
  // The caller wanted COMPLETED canceled and Klarna refused: Klarna decides.
  const isDecided = state === 'COMPLETED' && isRefused;
  const isClosed = isClosedTo({ allowCompleted }, state) || isClosedTo({ allowCompleted }, recorded);
  if (isDecided || isClosed) return conclude({ kind: 'known' });
  if (observedBy !== undefined) return conclude({ kind: 'observed', by: observedBy });
  if (state === 'IN_PROGRESS' && grace !== undefined) return conclude({ kind: 'grace', millis: grace });
  if (cancels === mostCancels || until - now < callLimit / 2) return conclude({ kind: 'unknown' });
  return now - respondedAt > freshFor ? { kind: 'read', pause: 0 } : { kind: 'delete' };
}

/** After a DELETE. Only CANCELED in its response is evidence. */
function afterCancel(
  { cancels }: Progress,
  response: KlarnaResponse,
  terms: AttemptTerms,
  moment: Moment,
): NextCall {
  // Stryker disable next-line ConditionalExpression: only a Payment Request has a state
  if (response.kind === 'payment_request' && response.state === 'CANCELED')
    return conclude({ kind: 'known' });
  return response.kind === 'denied'
    ? conclude({ kind: 'denied' })
    : readAgain(response, cancels, terms, moment);
}

/**
 * Reads again: after the pause that Klarna asks for, else twice as long each time, with full jitter. There is no pause after a
 * response that only has to be understood. Concludes where no time is left for another call.
 */
function readAgain(
  response: KlarnaResponse,
  attempts: number,
  { until }: AttemptTerms,
  { now, chance }: Moment,
): NextCall {
  const mustWait = response.kind === 'rate_limited' || response.kind === 'unclear';
  const pause = mustWait ? (response.retryAfterMillis ?? firstPause * 2 ** attempts * chance) : 0;
  return now + pause + callLimit / 4 >= until ? conclude({ kind: 'unknown' }) : { kind: 'read', pause };
}
