import { formatDuration } from './duration.ts';
import { type EventId, type PaymentRequestKey, type SessionId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, millisOf, plusMillis } from './instant.ts';
import { expiryLimit } from './klarna-expiry.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isUnsettled,
  type OnTimeout,
  type PaymentRequest,
  unknownPaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen, type PaymentRequestState } from './payment-request-state.ts';
import { withDeadline } from './session-timer.ts';

/** When the session ends: a duration from now, or a moment; with the caller's own words for it. */
export type Deadline =
  | {
      readonly kind: 'session_timeout';
      readonly millis: number;
      readonly given: string;
      /** The account's, which nobody gave: it is as long as the limits let it be, and never refused for being too long. */
      readonly isDefault?: true;
    }
  | { readonly kind: 'deadline_at'; readonly at: Instant; readonly given: string };

/** A session to register with its Payment Request. */
export interface Registration {
  readonly deadline: Deadline;
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;
  readonly klarnaExpiresAt?: Instant | undefined;
  readonly onTimeout: OnTimeout;
  readonly inProgressGrace?: number | undefined;
  readonly requestedBy: string;
}

/** What an account allows. Lengths in milliseconds. */
export interface SessionPolicy {
  readonly maxExtensions: number;
  readonly maxSession: number;
  /** Whether Klarna's own expiry is to move with the deadline. */
  readonly syncKlarnaExpiry: boolean;
}

/** What stands for the time-out of a session that Klarna's webhook alone has made: the account's, and nobody's words. */
export const armedOnSubmitted = 'default_session_timeout';

interface WrongField {
  readonly field: string;
  /** In the caller's own words. */
  readonly given: string;
  readonly allowed: string;
}

/** Why a registration or an extension was not made. */
export type SessionRefusal =
  | ({ readonly kind: 'invalid' } & WrongField)
  | { readonly kind: 'already_final'; readonly state: PaymentRequestState }
  | { readonly kind: 'cancellation_pending' }
  | ({ readonly kind: 'extension_limit' } & WrongField)
  | { readonly kind: 'not_found' };

/** What to store, if anything, and what to answer. */
export interface SessionDecision {
  readonly next?: PaymentRequest;
  readonly outcome: { readonly kind: 'registered' | 'changed' | 'unchanged' } | SessionRefusal;
}

/**
 * Registers a session, or changes one that is registered; the same registration again changes nothing, also when its
 * time-out is counted from now. News from Klarna that came first is kept and joined: a request that is already paid or
 * ended takes the session's id and reference, gets no timer, and the answer is `already-final`.
 */
export function decideRegistration(
  record: PaymentRequest | undefined,
  key: PaymentRequestKey,
  registration: Registration,
  policy: SessionPolicy,
  eventId: EventId,
  now: Instant,
): SessionDecision {
  const current = record ?? unknownPaymentRequest(key, now);
  if (!isOpen(current.state)) return refuseFinal(current, current.state, registration, eventId, now);
  if (isUnsettled(current)) return { outcome: { kind: 'cancellation_pending' } };
  if (isSameRegistration(current, registration)) return { outcome: { kind: 'unchanged' } };

  const { klarnaExpiresAt: givenExpiry } = registration;
  if (givenExpiry && givenExpiry <= now) {
    return { outcome: inThePast('klarna_expires_at', formatInstant(givenExpiry)) };
  }
  // Said before, it is no news: Klarna may have moved it since, by our own wish.
  const isNews = givenExpiry !== undefined && givenExpiry !== current.session?.klarnaExpiresAt;
  const klarnaExpiresAt = isNews ? givenExpiry : current.klarnaExpiresAt;
  const limitOfKlarna = expiryLimit({ ...current, klarnaExpiresAt }, policy.syncKlarnaExpiry);
  const deadlineAt = momentOf(registration.deadline, limitOfKlarna, policy, now);
  const invalid = checkDeadline(registration.deadline, deadlineAt, limitOfKlarna, policy, now);
  if (invalid) return { outcome: invalid };

  // Who registers after the account's own timer was armed extends nothing of theirs.
  const isFirst = current.session === undefined || current.session.requested === armedOnSubmitted;
  const lengthened = isLater(deadlineAt, current.deadlineAt);
  const extensions = (current.session?.extensions ?? 0) + (lengthened && !isFirst ? 1 : 0);
  if (current.session && lengthened) {
    const { registeredAt } = current.session;
    const limit = extensionLimit(
      limitOfKlarna,
      registration.deadline,
      registeredAt,
      deadlineAt,
      extensions,
      policy,
    );
    if (limit) return refuse(current, limit, 'register', registration.requestedBy, eventId, now);
  }

  const entry: HistoryEntry = {
    eventId,
    kind: 'register',
    recordedAt: now,
    effect: 'accepted',
    detail: {
      requested_by: registration.requestedBy,
      [registration.deadline.kind]: registration.deadline.given,
      deadline_at: formatInstant(deadlineAt),
      on_timeout: registration.onTimeout,
    },
  };
  const next: PaymentRequest = {
    ...withEntry(current, entry),
    sessionId: registration.sessionId ?? current.sessionId,
    reference: registration.reference ?? current.reference,
    klarnaExpiresAt,
    session: {
      ...current.session,
      registeredAt: current.session?.registeredAt ?? now,
      requested: registration.deadline.given,
      klarnaExpiresAt: givenExpiry ?? current.session?.klarnaExpiresAt,
      onTimeout: registration.onTimeout,
      inProgressGrace: registration.inProgressGrace,
      extensions,
    },
    ...withDeadline(deadlineAt, now),
  };
  return {
    next: asNextVersion(next, now),
    outcome: { kind: current.session ? 'changed' : 'registered' },
  };
}

/** Moves the deadline of a registered session, sooner or later; later is capped in number, in total length and by Klarna's expiry. */
export function decideExtension(
  record: PaymentRequest | undefined,
  deadline: Deadline,
  policy: SessionPolicy,
  requestedBy: string,
  eventId: EventId,
  now: Instant,
): SessionDecision {
  if (!record?.session) return { outcome: { kind: 'not_found' } };
  if (!isOpen(record.state)) {
    return refuse(
      record,
      { kind: 'already_final', state: record.state },
      'extend',
      requestedBy,
      eventId,
      now,
    );
  }
  if (isUnsettled(record)) return { outcome: { kind: 'cancellation_pending' } };

  const limitOfKlarna = expiryLimit(record, policy.syncKlarnaExpiry);
  const deadlineAt = momentOf(deadline, limitOfKlarna, policy, now);
  if (deadlineAt <= now) return { outcome: inThePast(deadline.kind, deadline.given) };
  if (deadlineAt === record.deadlineAt) return { outcome: { kind: 'unchanged' } };

  const lengthened = isLater(deadlineAt, record.deadlineAt);
  const extensions = record.session.extensions + (lengthened ? 1 : 0);
  if (lengthened) {
    const { registeredAt } = record.session;
    const limit = extensionLimit(limitOfKlarna, deadline, registeredAt, deadlineAt, extensions, policy);
    if (limit) return refuse(record, limit, 'extend', requestedBy, eventId, now);
  }
  const entry: HistoryEntry = {
    eventId,
    kind: 'extend',
    recordedAt: now,
    effect: 'accepted',
    detail: {
      requested_by: requestedBy,
      [deadline.kind]: deadline.given,
      deadline_at: formatInstant(deadlineAt),
    },
  };
  const next: PaymentRequest = {
    ...withEntry(record, entry),
    session: { ...record.session, extensions },
    ...withDeadline(deadlineAt, now),
  };
  return { next: asNextVersion(next, now), outcome: { kind: 'changed' } };
}

function momentOf(
  deadline: Deadline,
  klarnaExpiresAt: Instant | undefined,
  { maxSession }: SessionPolicy,
  now: Instant,
): Instant {
  if (deadline.kind === 'deadline_at') return deadline.at;
  if (!deadline.isDefault) return plusMillis(now, deadline.millis);
  const longest = plusMillis(now, Math.min(deadline.millis, maxSession));
  return earlierOf(longest, klarnaExpiresAt ?? longest);
}

/** Whether a deadline moves to later; the first one does not. */
const isLater = (deadlineAt: Instant, than: Instant | undefined): boolean =>
  deadlineAt > (than ?? deadlineAt);

const isSameRegistration = (record: PaymentRequest, registration: Registration): boolean =>
  record.session?.requested === registration.deadline.given &&
  record.session.onTimeout === registration.onTimeout &&
  record.session.inProgressGrace === registration.inProgressGrace &&
  [undefined, record.sessionId].includes(registration.sessionId) &&
  [undefined, record.reference].includes(registration.reference) &&
  [undefined, record.session.klarnaExpiresAt, record.klarnaExpiresAt].includes(registration.klarnaExpiresAt);

const inThePast = (field: string, given: string): SessionRefusal => ({
  kind: 'invalid',
  field,
  given,
  allowed: 'a time in the future',
});

function checkDeadline(
  { kind, given }: Deadline,
  deadlineAt: Instant,
  klarnaExpiresAt: Instant | undefined,
  { maxSession }: SessionPolicy,
  now: Instant,
): SessionRefusal | undefined {
  const refused = (allowed: string): SessionRefusal => ({ kind: 'invalid', field: kind, given, allowed });
  if (deadlineAt <= now) return inThePast(kind, given);
  if (millisOf(deadlineAt) - millisOf(now) > maxSession) {
    return refused(`at most ${formatDuration(maxSession)} from now`);
  }
  if (klarnaExpiresAt && deadlineAt > klarnaExpiresAt) {
    return refused(`at most Klarna's expiry, ${formatInstant(klarnaExpiresAt)}`);
  }
  return undefined;
}

function extensionLimit(
  klarnaExpiresAt: Instant | undefined,
  { kind: field, given }: Deadline,
  registeredAt: Instant,
  deadlineAt: Instant,
  extensions: number,
  { maxExtensions, maxSession }: SessionPolicy,
): SessionRefusal | undefined {
  const refused = (allowed: string): SessionRefusal => ({ kind: 'extension_limit', field, given, allowed });
  if (extensions > maxExtensions) return refused(`at most ${maxExtensions} extensions`);
  if (millisOf(deadlineAt) - millisOf(registeredAt) > maxSession) {
    return refused(
      `at most ${formatDuration(maxSession)} from the registration, ${formatInstant(registeredAt)}`,
    );
  }
  if (klarnaExpiresAt && deadlineAt > klarnaExpiresAt) {
    return refused(`at most Klarna's expiry, ${formatInstant(klarnaExpiresAt)}`);
  }
  return undefined;
}

function refuseFinal(
  record: PaymentRequest,
  state: PaymentRequestState,
  registration: Registration,
  eventId: EventId,
  now: Instant,
): SessionDecision {
  const refusal: SessionRefusal = { kind: 'already_final', state };
  const joined = record.session
    ? record
    : {
        ...record,
        sessionId: record.sessionId ?? registration.sessionId,
        reference: record.reference ?? registration.reference,
      };
  return refuse(joined, refusal, 'register', registration.requestedBy, eventId, now);
}

function refuse(
  record: PaymentRequest,
  refusal: SessionRefusal,
  kind: 'register' | 'extend',
  requestedBy: string,
  eventId: EventId,
  now: Instant,
): SessionDecision {
  const detail = { requested_by: requestedBy, refused: refusal.kind };
  const entry: HistoryEntry = { eventId, kind, recordedAt: now, effect: 'refused', detail };
  return { next: asNextVersion(withEntry(record, entry), now), outcome: refusal };
}
