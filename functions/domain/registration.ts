import { formatDuration } from './duration.ts';
import { type EventId, type PaymentRequestKey, type SessionId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, millisOf, plusMillis } from './instant.ts';
import { expiryLimit } from './klarna-expiry.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isSecondNetEarly,
  isUnsettled,
  type OnTimeout,
  type PaymentRequest,
  unknownPaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen, type PaymentRequestState } from './payment-request-state.ts';
import { sweepMargin } from './reconciliation.ts';

/** When the session ends: a duration from now, or a moment; with the caller's own words for it. */
export type Deadline =
  | { readonly kind: 'session_timeout'; readonly millis: number; readonly given: string }
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
}

interface WrongField {
  readonly field: string;
  /** In the caller's own words. */
  readonly given: string;
  readonly allowed: string;
}

/** Why a registration or an extension was not made. */
export type SessionRefusal =
  | ({ readonly kind: 'invalid' } & WrongField)
  | { readonly kind: 'already-final'; readonly state: PaymentRequestState }
  | { readonly kind: 'cancellation-pending' }
  | ({ readonly kind: 'extension-limit' } & WrongField)
  | { readonly kind: 'not-found' };

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
  if (isUnsettled(current)) return { outcome: { kind: 'cancellation-pending' } };
  if (isSameRegistration(current, registration)) return { outcome: { kind: 'unchanged' } };

  const { klarnaExpiresAt: givenExpiry } = registration;
  if (givenExpiry && givenExpiry <= now) {
    return { outcome: inThePast('klarna_expires_at', formatInstant(givenExpiry)) };
  }
  const deadlineAt = momentOf(registration.deadline, now);
  const klarnaExpiresAt = givenExpiry ?? current.klarnaExpiresAt;
  const limitOfKlarna = expiryLimit({ ...current, klarnaExpiresAt });
  const invalid = checkDeadline(registration.deadline, deadlineAt, limitOfKlarna, policy, now);
  if (invalid) return { outcome: invalid };

  const lengthened = isLater(deadlineAt, current.deadlineAt);
  const extensions = (current.session?.extensions ?? 0) + (lengthened ? 1 : 0);
  if (current.session && lengthened) {
    const { registeredAt } = current.session;
    const limit = extensionLimit(
      current,
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
  if (!record?.session) return { outcome: { kind: 'not-found' } };
  if (!isOpen(record.state)) {
    return refuse(
      record,
      { kind: 'already-final', state: record.state },
      'extend',
      requestedBy,
      eventId,
      now,
    );
  }
  if (isUnsettled(record)) return { outcome: { kind: 'cancellation-pending' } };

  const deadlineAt = momentOf(deadline, now);
  if (deadlineAt <= now) return { outcome: inThePast(deadline.kind, deadline.given) };
  if (deadlineAt === record.deadlineAt) return { outcome: { kind: 'unchanged' } };

  const lengthened = isLater(deadlineAt, record.deadlineAt);
  const extensions = record.session.extensions + (lengthened ? 1 : 0);
  if (lengthened) {
    const { registeredAt } = record.session;
    const limit = extensionLimit(record, deadline, registeredAt, deadlineAt, extensions, policy);
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

/**
 * The record once its timer is armed for this deadline; `undefined` when the record has moved on meanwhile. The sweep leaves
 * a margin to a timer that goes off by itself; where it is the timer, it is due at the deadline.
 */
export function withArmedTimer(
  record: PaymentRequest,
  deadlineAt: Instant,
  now: Instant,
  timer: 'armed' | 'sweep' = 'armed',
): PaymentRequest | undefined {
  const waiting = record.timer === 'pending' || record.timer === 'armed' || record.timer === 'sweep';
  if (!waiting || record.deadlineAt !== deadlineAt) return undefined;
  const due = timer === 'sweep' ? deadlineAt : plusMillis(deadlineAt, sweepMargin);
  // A cancel that was begun while the timer was being armed is looked after in its own time, and so is Klarna's expiry.
  const reconcileAfter = isUnsettled(record) || isSecondNetEarly(record) ? record.reconcileAfter : due;
  return asNextVersion({ ...record, timer, looks: 0, reconcileAfter }, now);
}

/** A deadline of which the timer is still to be armed: the sweep arms it if nobody else does within its margin. */
export const withDeadline = (deadlineAt: Instant, now: Instant) =>
  ({
    deadlineAt,
    timer: 'pending',
    looks: 0,
    reconcileAfter: plusMillis(earlierOf(now, deadlineAt), sweepMargin),
  }) as const satisfies Partial<PaymentRequest>;

const momentOf = (deadline: Deadline, now: Instant): Instant =>
  deadline.kind === 'deadline_at' ? deadline.at : plusMillis(now, deadline.millis);

/** Whether a deadline moves to later; the first one does not. */
const isLater = (deadlineAt: Instant, than: Instant | undefined): boolean =>
  deadlineAt > (than ?? deadlineAt);

const isSameRegistration = (record: PaymentRequest, registration: Registration): boolean =>
  record.session?.requested === registration.deadline.given &&
  record.session.onTimeout === registration.onTimeout &&
  record.session.inProgressGrace === registration.inProgressGrace &&
  [undefined, record.sessionId].includes(registration.sessionId) &&
  [undefined, record.reference].includes(registration.reference) &&
  [undefined, record.klarnaExpiresAt].includes(registration.klarnaExpiresAt);

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
    return refused(`not after Klarna's own expiry, ${formatInstant(klarnaExpiresAt)}`);
  }
  return undefined;
}

function extensionLimit(
  record: PaymentRequest,
  { kind: field, given }: Deadline,
  registeredAt: Instant,
  deadlineAt: Instant,
  extensions: number,
  { maxExtensions, maxSession }: SessionPolicy,
): SessionRefusal | undefined {
  const refused = (allowed: string): SessionRefusal => ({ kind: 'extension-limit', field, given, allowed });
  const klarnaExpiresAt = expiryLimit(record);
  if (extensions > maxExtensions) return refused(`at most ${maxExtensions} extensions`);
  if (millisOf(deadlineAt) - millisOf(registeredAt) > maxSession) {
    return refused(
      `at most ${formatDuration(maxSession)} from the registration, ${formatInstant(registeredAt)}`,
    );
  }
  if (klarnaExpiresAt && deadlineAt > klarnaExpiresAt) {
    return refused(`not after Klarna's own expiry, ${formatInstant(klarnaExpiresAt)}`);
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
  const refusal: SessionRefusal = { kind: 'already-final', state };
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
