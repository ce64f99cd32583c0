import { sweepMargin } from './due.ts';
import type { HistoryEntry } from './history-entry.ts';
import { withEntry } from './history.ts';
import type { EventId } from './identifiers.ts';
import { formatInstant, type Instant, laterOf, millisOf, plusMillis } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import type { Observation } from './observation.ts';
import {
  isExpiryMovable,
  isKlarnaExpiryEarly,
  isKlarnaExpiryOpen,
  isUnsettled,
  klarnaLongestLifetime,
  longestExpiry,
  type PaymentRequest,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { withDeadline } from './session-timer.ts';
import { applyObservation } from './transition.ts';

/** Klarna takes an expiry that is at least 15 minutes away (https://docs.klarna.com, interaction_expiry). The call takes seconds. */
const nearest = 15 * 60_000 + 5_000;

/**
 * The expiry that Klarna should have, in case the timer fails: the deadline plus the grace that a paying customer may get.
 * - Where that is too near for Klarna and an earlier expiry is set: the nearest that Klarna takes. Late is better than early.
 * - A session that is only observed gets the latest expiry, where we had set one.
 * - `undefined`: Klarna would not take it, has it already, or nothing ends the session.
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

/** Milliseconds within which the call is sent after the intention is written. */
const askedWithin = 10_000;

/**
 * The record before Klarna is asked for an expiry. It notes the latest moment that the expiry may be at, because the nearest
 * one counts from the moment of the call. The same record where nothing is asked, or a later moment is noted already.
 */
export function withIntendedExpiry(
  record: PaymentRequest,
  accountGrace: number | undefined,
  now: Instant,
): PaymentRequest {
  const wanted = wantedExpiry(record, accountGrace, now);
  if (!record.session) return record;
  // What Klarna would not take any more is not asked for again.
  if (wanted === undefined) return isExpiryMovable(record) ? withUnanswered(record, undefined) : record;
  const latest = laterOf(wanted, plusMillis(now, nearest + askedWithin));
  const { klarnaExpiryMayBe: noted } = record.session;
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  if (noted !== undefined && noted >= latest) return record;
  return { ...record, session: { ...record.session, klarnaExpiryMayBe: latest } };
}

/** The record with the mark that the first call got no clear response, or without it. The same record where that is so already. */
function withUnanswered(record: PaymentRequest, isKlarnaExpiryUnanswered: true | undefined): PaymentRequest {
  const { session } = record;
  if (!session || session.isKlarnaExpiryUnanswered === isKlarnaExpiryUnanswered) return record;
  return { ...record, session: { ...session, isKlarnaExpiryUnanswered } };
}

/** Klarna's response to a new expiry. `refused`: Klarna does not take it. `unknown`: no clear response. */
export interface ExpiryResponse {
  readonly eventId: EventId;
  readonly askedFor: Instant;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** The request as the response shows it, if it does. */
  readonly observation?: Observation | undefined;
  readonly proof: Proof;
}

/** The record with Klarna's response to a new expiry. Where Klarna refuses it, the deadline moves to Klarna's expiry. */
export function withExpiryResponse(
  record: PaymentRequest,
  response: ExpiryResponse,
  now: Instant,
): PaymentRequest {
  const { observation, outcome, askedFor } = response;
  const seen = observation ? applyObservation(record, observation).record : record;
  const next = outcome === 'refused' ? withFixedExpiry(seen, observation?.klarnaExpiresAt) : seen;
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
  return withEarlyExpiryDue(withKnownExpiry(withEntry(next, entry), response), now);
}

/**
 * The record with the expiry that Klarna has by this response. Calls may overtake each other: an earlier expiry that was asked for
 * without a clear response may still take effect. Where it was the first one, Klarna may have none of ours.
 */
function withKnownExpiry(
  record: PaymentRequest,
  { askedFor, outcome, observation }: ExpiryResponse,
): PaymentRequest {
  const { session } = record;
  if (!session) return record;
  if (outcome === 'refused') return withUnanswered(record, undefined);
  const { klarnaExpiry } = session;
  if (outcome === 'unknown') {
    if (!klarnaExpiry) return withUnanswered(record, true);
    return askedFor < klarnaExpiry.askedFor
      ? { ...record, session: { ...session, klarnaExpiry: { ...klarnaExpiry, askedFor } } }
      : record;
  }
  const shown = observation?.klarnaExpiresAt ?? askedFor;
  const known = laterOf(shown, askedFor);
  const before = laterOf(session.klarnaExpiryMayBe ?? known, klarnaExpiry?.shown ?? known);
  return {
    ...record,
    klarnaExpiresAt: shown,
    session: {
      ...session,
      klarnaExpiry: { askedFor, shown },
      // A call for a later expiry may have overtaken this one, or may still be under way.
      klarnaExpiryMayBe: before > known ? before : undefined,
      isKlarnaExpiryUnanswered: undefined,
    },
  };
}

/**
 * The record, tried again soon where Klarna would end it too early: a slow response to an earlier call may have come last. Or where the
 * first call got no clear response.
 */
export function withEarlyExpiryDue(record: PaymentRequest, now: Instant): PaymentRequest {
  const isWaiting = record.retryAt !== undefined && record.retryAt > now;
  if (!isKlarnaExpiryOpen(record) || isUnsettled(record) || isWaiting) return record;
  const soon = plusMillis(now, sweepMargin);
  const ends = record.session?.klarnaExpiry?.askedFor;
  // Klarna ends it before that: the next sweep is the only one that may be in time.
  const isTooLate = ends !== undefined && ends > now && ends <= soon;
  return { ...record, retryAt: isTooLate ? now : soon };
}

/**
 * The record with an expiry that does not move any more: it is a limit of every deadline from now on. Where Klarna has just
 * shown it, the current deadline keeps that limit too. An expiry from before may be earlier than what Klarna really has.
 */
function withFixedExpiry(record: PaymentRequest, shown: Instant | undefined): PaymentRequest {
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
  return isTooLate && isWaiting && !isUnsettled(record) ? { ...known, ...withDeadline(known, shown) } : known;
}

/**
 * The expiry that no deadline may pass; `undefined` where there is no such limit. An expiry that we set moves with the
 * deadline, as long as the account wants that and Klarna allows it.
 */
export const expiryLimit = (record: PaymentRequest, isSynced: boolean): Instant | undefined =>
  isSynced &&
  isOpen(record.state) &&
  isExpiryMovable(record) &&
  record.session?.klarnaExpiry?.shown === record.klarnaExpiresAt
    ? undefined
    : record.klarnaExpiresAt;
