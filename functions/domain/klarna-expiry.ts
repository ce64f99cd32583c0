import type { EventId } from './identifiers.ts';
import { formatInstant, type Instant, laterOf, millisOf, plusMillis } from './instant.ts';
import type { Observation } from './observation.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isExpiryMovable,
  isKlarnaExpiryEarly,
  isUnsettled,
  klarnaLongestLifetime,
  longestExpiry,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { withDeadline } from './session-timer.ts';
import { applyObservation } from './transition.ts';

/** Klarna takes an expiry from 15 minutes away (https://docs.klarna.com, interaction_expiry); the call itself takes some seconds. */
const nearest = 15 * 60_000 + 5_000;

/**
 * When Klarna itself should end the request, as a second net under the timer: at the session's deadline, with the grace that
 * a customer who is paying may be given after it. Where that is too near for Klarna to take and an earlier one has been set,
 * the first that it takes: better late than before its time. What is only to be observed by now gets the longest there is, if it
 * has one of ours. `undefined` where Klarna would not take it, has it already, or where nothing is to end the session.
 */
export function wantedExpiry(
  record: PaymentRequest,
  accountGrace: number | undefined,
  now: Instant,
): Instant | undefined {
  const { session, deadlineAt } = record;
  if (!session || deadlineAt === undefined || !isExpiryMovable(record)) return undefined;
  const { klarnaExpiry } = session;
  const isObserved = session.onTimeout === 'observe';
  if (isObserved && !klarnaExpiry) return undefined;
  const wanted = isObserved
    ? longestExpiry(session)
    : plusMillis(deadlineAt, session.inProgressGrace ?? accountGrace ?? 0);
  const away = millisOf(wanted) - millisOf(now);
  if (away < nearest) return isKlarnaExpiryEarly(record) ? plusMillis(now, nearest) : undefined;
  return away <= klarnaLongestLifetime && klarnaExpiry?.askedFor !== wanted ? wanted : undefined;
}

/** Milliseconds after which nobody asks for an expiry any more that he has written down that he would. */
const askedWithin = 10_000;

/**
 * The record before Klarna is asked for an expiry, with the latest that one may be: the nearest that it takes counts from the
 * moment of the call. The same record where nothing is to be asked, or a later one is noted already.
 */
export function withIntendedExpiry(
  record: PaymentRequest,
  accountGrace: number | undefined,
  now: Instant,
): PaymentRequest {
  const wanted = wantedExpiry(record, accountGrace, now);
  if (!record.session || wanted === undefined) return record;
  const latest = laterOf(wanted, plusMillis(now, nearest + askedWithin));
  const { klarnaExpiryMayBe: noted } = record.session;
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  if (noted !== undefined && noted >= latest) return record;
  return { ...record, session: { ...record.session, klarnaExpiryMayBe: latest } };
}

/** What Klarna said to being asked for an expiry. `refused`: it will not have it. `unknown`: no answer that says anything. */
export interface ExpiryResponse {
  readonly eventId: EventId;
  readonly askedFor: Instant;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** The request as the answer shows it, where it does. */
  readonly observation?: Observation | undefined;
  readonly proof: Readonly<Record<string, string>>;
}

/** The record with what Klarna said to the expiry that it was asked for. */
export function withExpiryResponse(
  record: PaymentRequest,
  response: ExpiryResponse,
  now: Instant,
): PaymentRequest {
  const { observation, outcome, askedFor } = response;
  const seen = observation ? applyObservation(record, observation).record : record;
  const next = outcome === 'refused' ? withFixedExpiry(seen, observation?.klarnaExpiresAt, now) : seen;
  // Stryker disable next-line ConditionalExpression: no deadline is ever removed
  const isMoved = next.deadlineAt !== undefined && next.deadlineAt !== seen.deadlineAt;
  const entry: HistoryEntry = {
    eventId: response.eventId,
    kind: 'klarna_expiry',
    recordedAt: now,
    effect: outcome === 'unknown' ? 'noted' : outcome,
    detail: {
      expires_at: formatInstant(askedFor),
      outcome,
      ...(isMoved && { deadline_at: formatInstant(next.deadlineAt) }),
      ...response.proof,
    },
  };
  const noted = asNextVersion(withEntry(next, entry), now);
  if (outcome !== 'accepted' || !noted.session) return noted;
  const shown = observation?.klarnaExpiresAt ?? askedFor;
  return {
    ...noted,
    klarnaExpiresAt: shown,
    session: { ...noted.session, klarnaExpiry: { askedFor, shown }, klarnaExpiryMayBe: undefined },
  };
}

/**
 * The expiry is Klarna's own from now on, and a limit of every deadline. Where Klarna has shown it just now, of the one that the
 * record has, too: what was known before may be earlier than what Klarna did without our hearing of it.
 */
function withFixedExpiry(record: PaymentRequest, shown: Instant | undefined, now: Instant): PaymentRequest {
  const { session, deadlineAt, timer } = record;
  if (!session) return record;
  const klarnaExpiry = session.klarnaExpiry && { ...session.klarnaExpiry, isFixed: true as const };
  const fixed = { ...record, session: { ...session, klarnaExpiry } };
  if (shown === undefined) return fixed;
  const known = {
    ...fixed,
    klarnaExpiresAt: shown,
    session: { ...fixed.session, klarnaExpiryMayBe: undefined },
  };
  const isWaiting = timer === 'pending' || timer === 'armed' || timer === 'sweep';
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  const isTooLate = isOpen(record.state) && deadlineAt !== undefined && deadlineAt > shown;
  return isTooLate && isWaiting && !isUnsettled(record) ? { ...known, ...withDeadline(shown, now) } : known;
}

/**
 * Klarna's own expiry as far as no deadline may pass it. One that we have set moves with the deadline, as long as the account
 * wants that and Klarna lets it be moved.
 */
export const expiryLimit = (record: PaymentRequest, isSynced: boolean): Instant | undefined =>
  isSynced &&
  isOpen(record.state) &&
  isExpiryMovable(record) &&
  record.session?.klarnaExpiry?.shown === record.klarnaExpiresAt
    ? undefined
    : record.klarnaExpiresAt;
