import type { EventId } from './identifiers.ts';
import { formatInstant, type Instant, millisOf, plusMillis } from './instant.ts';
import type { Observation } from './observation.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isExpiryMovable,
  isSecondNetEarly,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { klarnaLongestLifetime } from './reconciliation.ts';
import { applyObservation } from './transition.ts';

/** Klarna takes an expiry from 15 minutes away (https://docs.klarna.com, interaction_expiry); the call itself takes some seconds. */
const nearest = 15 * 60_000 + 5_000;

/**
 * When Klarna itself should end the request, as a second net under the timer: at the session's deadline, with the grace that
 * a customer who is paying may be given after it. Where that is too near for Klarna to take and an earlier one has been set,
 * the first that it takes: better late than before its time. `undefined` where Klarna would not take it, has it already, or
 * where nothing is to end the session.
 */
export function wantedExpiry(
  record: PaymentRequest,
  accountGrace: number | undefined,
  now: Instant,
): Instant | undefined {
  const { session, deadlineAt } = record;
  if (!session || session.onTimeout === 'observe' || deadlineAt === undefined) return undefined;
  if (!isExpiryMovable(record)) return undefined;
  const wanted = plusMillis(deadlineAt, session.inProgressGrace ?? accountGrace ?? 0);
  const { klarnaExpiry } = session;
  const away = millisOf(wanted) - millisOf(now);
  if (away < nearest) return isSecondNetEarly(record) ? plusMillis(now, nearest) : undefined;
  return away <= klarnaLongestLifetime && klarnaExpiry?.askedFor !== wanted ? wanted : undefined;
}

/** What Klarna said to being asked for an expiry. `refused`: it will not have it. `unknown`: no answer that says anything. */
export interface ExpiryAnswer {
  readonly eventId: EventId;
  readonly askedFor: Instant;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** The request as the answer shows it, where it does. */
  readonly observation?: Observation | undefined;
  readonly proof: Readonly<Record<string, string>>;
}

/** The record with what Klarna said to the expiry that it was asked for. */
export function withExpiryAnswer(record: PaymentRequest, answer: ExpiryAnswer, now: Instant): PaymentRequest {
  const { observation, outcome, askedFor } = answer;
  const seen = observation ? applyObservation(record, observation).record : record;
  const entry: HistoryEntry = {
    eventId: answer.eventId,
    kind: 'klarna_expiry',
    recordedAt: now,
    effect: outcome === 'unknown' ? 'noted' : outcome,
    detail: { expires_at: formatInstant(askedFor), outcome, ...answer.proof },
  };
  const noted = withEntry(seen, entry);
  if (outcome === 'unknown' || !noted.session) return asNextVersion(noted, now);
  if (outcome === 'refused') {
    // The one that it has is Klarna's own from now on, and a limit of every deadline.
    const klarnaExpiry = noted.session.klarnaExpiry && {
      ...noted.session.klarnaExpiry,
      isFixed: true as const,
    };
    return asNextVersion({ ...noted, session: { ...noted.session, klarnaExpiry } }, now);
  }
  const shown = observation?.klarnaExpiresAt ?? askedFor;
  return asNextVersion(
    { ...noted, klarnaExpiresAt: shown, session: { ...noted.session, klarnaExpiry: { askedFor, shown } } },
    now,
  );
}

/**
 * Klarna's own expiry as far as no deadline may pass it. One that we have set moves with the deadline, as long as Klarna lets
 * it be moved.
 */
export const expiryLimit = (record: PaymentRequest): Instant | undefined =>
  isOpen(record.state) &&
  isExpiryMovable(record) &&
  record.session?.klarnaExpiry?.shown === record.klarnaExpiresAt
    ? undefined
    : record.klarnaExpiresAt;
