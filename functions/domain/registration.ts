import { type WatchPolicy, withAuthorizationWatch } from './confirmation.ts';
import { formatDuration } from './duration.ts';
import type { HistoryEntry } from './history-entry.ts';
import { withEntry } from './history.ts';
import {
  type EventId,
  type PaymentRequestId,
  type PaymentRequestKey,
  type SessionId,
} from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, laterOf, millisOf, plusMillis } from './instant.ts';
import { expiryLimit, withEarlyExpiryDue } from './klarna-expiry.ts';
import {
  isUnsettled,
  type OnTimeout,
  type PaymentRequest,
  type RegisteredSession,
  unknownPaymentRequest,
} from './payment-request.ts';
import { isOpen, type PaymentRequestState } from './payment-request-state.ts';
import { withDeadline } from './session-timer.ts';
import { type Requester, requesterDetail } from './requester.ts';
import { observedSession, observeReasonOf, type TimeoutSwitches } from './timeout-switches.ts';

/** When a session ends: after a duration from now, or at a moment. `given` is the caller's own text. */
export type Deadline =
  | {
      readonly kind: 'session_timeout';
      readonly millis: number;
      readonly given: string;
      /** The account's default, which no caller gave. The limits shorten it, and it is never refused for being too long. */
      readonly isDefault?: true;
    }
  | {
      readonly kind: 'deadline_at';
      readonly at: Instant;
      readonly given: string;
      /** It was checked before the id of the request was known. One that has passed or is too late is moved, and never refused. */
      readonly isAwaited?: true;
    };

/**
 * A session to register with its Payment Request, or to change. What is left out stays as it was. For a new session, the account's
 * default replaces the deadline, and the account and its stage decide `onTimeout`. `inProgressGrace` is in milliseconds.
 */
export interface Registration extends Requester {
  readonly deadline?: Deadline | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;
  readonly klarnaExpiresAt?: Instant | undefined;
  /** The same time in the caller's own words, for a refusal. */
  readonly klarnaExpiresAtGiven?: string | undefined;
  readonly onTimeout?: OnTimeout | undefined;
  /** The kind of checkout, as {@link kindPattern} allows it. */
  readonly kind?: string | undefined;
  readonly inProgressGrace?: number | undefined;
  /** Whether older open attempts of the session end. */
  readonly supersedes?: boolean | undefined;
  /** `token`: the session asks for a customer token only, and no payment is authorized after the approval. */
  readonly purpose?: 'payment' | 'token' | undefined;
}

/** A new deadline for a registered session. */
export interface Extension extends Requester {
  readonly deadline: Deadline;
}

/** What an account allows. Durations are in milliseconds. */
export interface SessionPolicy extends TimeoutSwitches, Partial<WatchPolicy> {
  /** The timeout of a session that is registered without one, if there is a default. */
  readonly defaultSessionTimeout: number | undefined;
  readonly maxExtensions: number;
  readonly maxSession: number;
  /** Whether Klarna's expiry moves with the deadline. */
  readonly syncKlarnaExpiry: boolean;
}

/** The most Payment Requests of one session. They can all be read, canceled and named by a cancel job in one call. */
export const sessionLimit = 1_000;

/** What a decision about a session depends on besides the record and the request: the account, the fact's id, the time. */
export interface SessionContext {
  readonly policy: SessionPolicy;
  /** Whether the session has {@link sessionLimit} Payment Requests. Then no other one joins it. */
  readonly isSessionFull?: boolean;
  /** Whether the session has other Payment Requests, and the newest of them that has ended. */
  readonly others?: { readonly recoveredFrom: PaymentRequestId | undefined } | undefined;
  /** Whether the sweep is the timer. */
  readonly isSweepTheTimer?: boolean;
  readonly eventId: EventId;
  readonly now: Instant;
}

/** `requested` of a session that the account's default timer has made, without a caller. */
export const armedOnSubmitted = 'default_session_timeout';

/** A kind of checkout: 1 to 32 lower-case letters, digits, hyphens and underscores, with a letter or a digit first. */
export const kindPattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;

interface WrongField {
  readonly field: string;
  /** In the caller's own words. */
  readonly given: string;
  readonly allowed: string;
}

/** Why a registration or an extension was refused. */
export type SessionRefusal =
  | ({ readonly kind: 'invalid' } & WrongField)
  /** A new session without a deadline, where the account has no default. */
  | { readonly kind: 'no_deadline' }
  | { readonly kind: 'already_final'; readonly state: PaymentRequestState }
  | { readonly kind: 'cancellation_pending' }
  | ({ readonly kind: 'extension_limit' } & WrongField)
  | ({ readonly kind: 'session_full' } & WrongField)
  | { readonly kind: 'not_found' };

/** The record to store, if any, and the outcome for the caller. */
export interface SessionDecision {
  readonly next?: PaymentRequest;
  readonly outcome: { readonly kind: 'registered' | 'changed' | 'unchanged' } | SessionRefusal;
}

/**
 * Registers a session, or changes a registered one. What the registration leaves out stays as it was: without a deadline it moves
 * none. The same registration again changes nothing, even if its timeout counts from now. Earlier facts from Klarna are kept. A
 * request that is paid or has ended takes the session's id and reference, but no timer. Its outcome is `already_final`.
 * No request joins a full session.
 */
export function decideRegistration(
  record: PaymentRequest | undefined,
  key: PaymentRequestKey,
  registration: Registration,
  context: SessionContext,
): SessionDecision {
  const current = record ?? unknownPaymentRequest(key, context.now);
  const { state } = current;
  const full = fullSessionRefusal(current, registration, context);
  if (full) return { outcome: full };
  if (!isOpen(state)) return refuseFinal(current, state, registration, context);
  if (isUnsettled(current)) return { outcome: { kind: 'cancellation_pending' } };
  if (isSameRegistration(current, registration)) return { outcome: { kind: 'unchanged' } };

  const lonely = supersedesWithoutSession(current, registration);
  if (lonely) return { outcome: lonely };
  const { klarnaExpiresAt: given } = registration;
  if (given && given <= context.now) {
    return {
      outcome: inThePast('klarna_expires_at', registration.klarnaExpiresAtGiven ?? formatInstant(given)),
    };
  }
  const known = withGivenExpiry(current, given);
  if (isRegistered(known) && !registration.deadline) return keepDeadline(known, registration, context);
  const deadline = registration.deadline ?? defaultDeadline(context.policy);
  return deadline
    ? setDeadline(known, registration, deadline, context)
    : { outcome: { kind: 'no_deadline' } };
}

type Registered = PaymentRequest & { readonly session: RegisteredSession; readonly deadlineAt: Instant };

const isRegistered = (record: PaymentRequest): record is Registered =>
  record.session !== undefined && record.deadlineAt !== undefined;

function defaultDeadline({ defaultSessionTimeout: millis }: SessionPolicy): Deadline | undefined {
  if (millis === undefined) return undefined;
  return { kind: 'session_timeout', millis, given: formatDuration(millis), isDefault: true };
}

/** A registration with a deadline, which is checked as an extension is where it is later than the one before. */
function setDeadline(
  known: PaymentRequest,
  registration: Registration,
  deadline: Deadline,
  context: SessionContext,
): SessionDecision {
  const proposed = proposedDeadline(known, deadline, context);
  const invalid = deadlineRefusal(proposed, context);
  if (invalid) return { outcome: invalid };

  const extensions = extensionsAfter(known, proposed);
  const limit = known.session && extensionRefusal(known.session, proposed, extensions, context.policy);
  if (limit && isLater(proposed, known)) {
    return refuse(known, limit, { ...registration, kind: 'register' }, context);
  }
  const session = { requested: deadline.given, extensions };
  const next = {
    ...withSession(known, registration, session, context),
    ...withDeadline(timerOf(context), proposed.at),
  };
  return {
    next: withRegistrationNoted(next, registration, deadline, context),
    outcome: { kind: known.session ? 'changed' : 'registered' },
  };
}

/** Which timer a new deadline gets. */
const timerOf = ({ isSweepTheTimer }: SessionContext): Pick<PaymentRequest, 'timer'> => ({
  timer: isSweepTheTimer === true ? 'sweep' : 'armed',
});

/** A registration without a deadline: the timer stays as it is. */
function keepDeadline(
  known: Registered,
  registration: Registration,
  context: SessionContext,
): SessionDecision {
  const { now } = context;
  const wrong = wrongWithDeadline(known, registration, context);
  if (wrong) return { outcome: { kind: 'invalid', ...wrong } };
  const next = withEarlyExpiryDue(withSession(known, registration, known.session, context), now);
  return {
    next: withRegistrationNoted(next, registration, undefined, context),
    outcome: { kind: 'changed' },
  };
}

/** What a registration cannot change while the deadline stays as it is: one that has passed must not begin to cancel. */
function wrongWithDeadline(
  known: Registered,
  { klarnaExpiresAt, klarnaExpiresAtGiven, onTimeout }: Registration,
  { now, policy }: SessionContext,
): WrongField | undefined {
  const { deadlineAt, session } = known;
  const deadline = formatInstant(deadlineAt);
  const isNew = onTimeout === 'cancel' && session.asked !== 'cancel';
  if (isNew && session.onTimeout === 'observe' && deadlineAt <= now) {
    const allowed = `observe, because the deadline, ${deadline}, has passed; cancel with a new deadline`;
    return { field: 'on_timeout', given: onTimeout, allowed };
  }
  const limit = klarnaExpiresAt && expiryLimit(known, policy.syncKlarnaExpiry);
  if (!limit || deadlineAt <= limit) return undefined;
  const allowed = `at least the deadline, ${deadline}, or an earlier deadline with it`;
  return { field: 'klarna_expires_at', given: klarnaExpiresAtGiven ?? formatInstant(limit), allowed };
}

/**
 * Moves the deadline of a registered session to an earlier or later time. A later time is limited by the number of extensions,
 * the total length and Klarna's expiry.
 */
export function decideExtension(
  record: PaymentRequest | undefined,
  { deadline, ...requester }: Extension,
  context: SessionContext,
): SessionDecision {
  const { now, policy, eventId } = context;
  if (!record?.session) return { outcome: { kind: 'not_found' } };
  const request = { ...requester, kind: 'extend' } as const;
  if (!isOpen(record.state)) {
    return refuse(record, { kind: 'already_final', state: record.state }, request, context);
  }
  if (isUnsettled(record)) return { outcome: { kind: 'cancellation_pending' } };

  const proposed = proposedDeadline(record, deadline, context);
  if (proposed.at <= now) return { outcome: inThePast(deadline.kind, deadline.given) };
  if (proposed.at === record.deadlineAt) return { outcome: { kind: 'unchanged' } };

  const lengthened = isLater(proposed, record);
  const extensions = record.session.extensions + (lengthened ? 1 : 0);
  const limit = lengthened && extensionRefusal(record.session, proposed, extensions, policy);
  if (limit) return refuse(record, limit, request, context);
  const entry: HistoryEntry = {
    eventId,
    kind: 'extend',
    recordedAt: now,
    effect: 'accepted',
    detail: {
      ...requesterDetail(requester),
      [deadline.kind]: deadline.given,
      deadline_at: formatInstant(proposed.at),
    },
  };
  const next: PaymentRequest = {
    ...withAuthorizationWatch(withEntry(record, entry), policy),
    session: { ...record.session, extensions },
    ...withDeadline(timerOf(context), proposed.at),
  };
  return { next, outcome: { kind: 'changed' } };
}

/** A deadline as its moment, with Klarna's expiry where no deadline may pass it. */
interface ProposedDeadline {
  readonly deadline: Deadline;
  readonly at: Instant;
  readonly klarnaLimit: Instant | undefined;
}

function proposedDeadline(
  record: PaymentRequest,
  deadline: Deadline,
  { policy, now }: SessionContext,
): ProposedDeadline {
  const klarnaLimit = expiryLimit(record, policy.syncKlarnaExpiry);
  return { deadline, at: momentOf(deadline, klarnaLimit, policy, now), klarnaLimit };
}

/** Milliseconds that a deadline has at least that is set after it has passed: its timer has to be armed. */
const soonest = 1_000;

function momentOf(
  deadline: Deadline,
  klarnaLimit: Instant | undefined,
  { maxSession }: SessionPolicy,
  now: Instant,
): Instant {
  if (deadline.kind === 'deadline_at') {
    const { at } = deadline;
    return deadline.isAwaited ? laterOf(earlierOf(at, klarnaLimit ?? at), plusMillis(now, soonest)) : at;
  }
  if (!deadline.isDefault) return plusMillis(now, deadline.millis);
  const longest = plusMillis(now, Math.min(deadline.millis, maxSession));
  return earlierOf(longest, klarnaLimit ?? longest);
}

/** The record with the expiry that the caller gives. The same value as before does not overwrite what Klarna told since. */
function withGivenExpiry(record: PaymentRequest, given: Instant | undefined): PaymentRequest {
  const isNew = given !== undefined && given !== record.session?.klarnaExpiresAt;
  return isNew ? { ...record, klarnaExpiresAt: given } : record;
}

/** Whether a deadline moves to a later time. The first deadline does not. */
const isLater = ({ at }: ProposedDeadline, { deadlineAt }: PaymentRequest): boolean =>
  at > (deadlineAt ?? at);

/** The extensions after a registration. The first registration after the account's default timer does not count as one. */
function extensionsAfter(record: PaymentRequest, proposed: ProposedDeadline): number {
  const { session } = record;
  const isFirst = session === undefined || session.requested === armedOnSubmitted;
  return (session?.extensions ?? 0) + (isLater(proposed, record) && !isFirst ? 1 : 0);
}

/** The record with the session registered or changed. What the registration leaves out stays as it was. */
function withSession(
  record: PaymentRequest,
  registration: Registration,
  { requested, extensions }: Pick<RegisteredSession, 'requested' | 'extensions'>,
  context: SessionContext,
): PaymentRequest {
  const { sessionId, reference, klarnaExpiresAt, inProgressGrace } = registration;
  const { session } = record;
  const { now, policy } = context;
  const supersedes = registration.supersedes ?? session?.supersedes;
  return {
    ...withAuthorizationWatch(joined(record, sessionId, context), policy),
    purpose: purposeAfter(record, registration.purpose),
    reference: reference ?? record.reference,
    ...(registration.supersedes === true && { isToBeCompared: true as const }),
    session: {
      ...(session && { ...session, supersedes: undefined }),
      registeredAt: session?.registeredAt ?? now,
      requested,
      ...(supersedes === true && { supersedes }),
      klarnaExpiresAt: klarnaExpiresAt ?? session?.klarnaExpiresAt,
      ...endOf(registration, session, policy, now),
      inProgressGrace: inProgressGrace ?? session?.inProgressGrace,
      extensions,
    },
  };
}

/** The record in the session that a registration names, and what it has to know of the other attempts there. */
function joined(
  record: PaymentRequest,
  sessionId: SessionId | undefined,
  { others }: SessionContext,
): PaymentRequest {
  if (sessionId === undefined || !others) return { ...record, sessionId: sessionId ?? record.sessionId };
  const isNew = sessionId !== record.sessionId;
  return {
    ...record,
    sessionId,
    recoveredFrom: isNew ? others.recoveredFrom : record.recoveredFrom,
    isOneOfSeveral: true,
  };
}

/**
 * What happens at the deadline of a session after a registration. A registration that names it decides again, within the switches that
 * count for every session. One that leaves it out changes nothing, but for a new session, where the account and the kind decide.
 */
function endOf(
  { onTimeout, kind, deadline }: Registration,
  before: RegisteredSession | undefined,
  switches: TimeoutSwitches,
  now: Instant,
): Pick<RegisteredSession, 'onTimeout' | 'asked' | 'observedBy' | 'kind'> {
  const known = before && {
    onTimeout: before.onTimeout,
    asked: before.asked,
    observedBy: before.observedBy,
  };
  // Without a new deadline, the same word again decides nothing.
  const isNew = deadline !== undefined || before?.asked !== onTimeout;
  const named = onTimeout && isNew ? { onTimeout, asked: onTimeout, observedBy: undefined } : undefined;
  const session = {
    registeredAt: before?.registeredAt ?? now,
    ...(named ?? known ?? { onTimeout: 'cancel' as const, asked: undefined, observedBy: undefined }),
    kind: kind ?? before?.kind,
  };
  const reason = named || !known ? observeReasonOf(session, switches) : undefined;
  const { registeredAt: _, ...end } = reason ? observedSession(session, reason) : session;
  return end;
}

/** The purpose as the record has it: only `token` is worth a word. */
const purposeAfter = (
  { purpose: before }: Pick<PaymentRequest, 'purpose'>,
  given: Registration['purpose'],
): PaymentRequest['purpose'] => (given === undefined ? before : given === 'token' ? given : undefined);

/** The record with the registration in its history. */
function withRegistrationNoted(
  record: PaymentRequest,
  requester: Registration,
  deadline: Deadline | undefined,
  { eventId, now }: SessionContext,
): PaymentRequest {
  const { session, deadlineAt } = record;
  const entry: HistoryEntry = {
    eventId,
    kind: 'register',
    recordedAt: now,
    effect: 'accepted',
    detail: {
      ...requesterDetail(requester),
      ...(deadline && { [deadline.kind]: deadline.given }),
      ...(deadlineAt && { deadline_at: formatInstant(deadlineAt) }),
      ...(session && { on_timeout: session.onTimeout }),
      ...(session?.observedBy && { observed_by: session.observedBy }),
    },
  };
  return withEntry(record, entry);
}

/** Whether the session is as the registration has it, in everything that the registration names. */
function isSameRegistration(record: PaymentRequest, registration: Registration): boolean {
  const { session, sessionId, reference, klarnaExpiresAt } = record;
  return (
    session !== undefined &&
    [undefined, session.requested].includes(registration.deadline?.given) &&
    isSameEnd(session, registration) &&
    [undefined, session.kind].includes(registration.kind) &&
    [undefined, session.inProgressGrace].includes(registration.inProgressGrace) &&
    [undefined, session.supersedes === true].includes(registration.supersedes) &&
    [undefined, record.purpose ?? 'payment'].includes(registration.purpose) &&
    [undefined, sessionId].includes(registration.sessionId) &&
    [undefined, reference].includes(registration.reference) &&
    [undefined, session.klarnaExpiresAt, klarnaExpiresAt].includes(registration.klarnaExpiresAt)
  );
}

/** Whether the registration names what the session has. A first `cancel` by name is news: rules for sessions that do not say end. */
const isSameEnd = ({ asked, onTimeout }: RegisteredSession, registration: Registration): boolean => {
  const isNews = registration.deadline === undefined && asked === undefined && onTimeout === 'cancel';
  return [undefined, isNews ? undefined : (asked ?? onTimeout)].includes(registration.onTimeout);
};

/** Why a request may not join its session, if the session is full. */
function fullSessionRefusal(
  record: PaymentRequest,
  { sessionId }: Registration,
  { isSessionFull }: SessionContext,
): SessionRefusal | undefined {
  if (isSessionFull !== true || sessionId === undefined || sessionId === record.sessionId) return undefined;
  const allowed = `a session with fewer than ${sessionLimit} Payment Requests`;
  return { kind: 'session_full', field: 'session_id', given: sessionId, allowed };
}

/** Why a registration supersedes nothing: without a session there are no older attempts. */
function supersedesWithoutSession(
  record: PaymentRequest,
  { supersedes, sessionId = record.sessionId }: Registration,
): SessionRefusal | undefined {
  if (supersedes !== true || sessionId !== undefined) return undefined;
  return { kind: 'invalid', field: 'supersedes', given: 'true', allowed: 'true together with a session_id' };
}

const inThePast = (field: string, given: string): SessionRefusal => ({
  kind: 'invalid',
  field,
  given,
  allowed: 'a time in the future',
});

function deadlineRefusal(
  { deadline, at, klarnaLimit }: ProposedDeadline,
  { policy: { maxSession }, now }: SessionContext,
): SessionRefusal | undefined {
  const { kind, given } = deadline;
  if (kind === 'deadline_at' && deadline.isAwaited) return undefined;
  const refused = (allowed: string): SessionRefusal => ({ kind: 'invalid', field: kind, given, allowed });
  if (at <= now) return inThePast(kind, given);
  if (millisOf(at) - millisOf(now) > maxSession) {
    return refused(`at most ${formatDuration(maxSession)} from now`);
  }
  return klarnaLimit && at > klarnaLimit ? refused(atMostKlarnas(klarnaLimit)) : undefined;
}

/** Why an extension is refused: there were too many, the session is too long, or Klarna's expiry is earlier. */
function extensionRefusal(
  { registeredAt }: RegisteredSession,
  { deadline: { kind: field, given }, at, klarnaLimit }: ProposedDeadline,
  extensions: number,
  { maxExtensions, maxSession }: SessionPolicy,
): SessionRefusal | undefined {
  const refused = (allowed: string): SessionRefusal => ({ kind: 'extension_limit', field, given, allowed });
  if (extensions > maxExtensions) return refused(`at most ${maxExtensions} extensions`);
  if (millisOf(at) - millisOf(registeredAt) > maxSession) {
    return refused(
      `at most ${formatDuration(maxSession)} from the registration, ${formatInstant(registeredAt)}`,
    );
  }
  return klarnaLimit && at > klarnaLimit ? refused(atMostKlarnas(klarnaLimit)) : undefined;
}

const atMostKlarnas = (limit: Instant): string => `at most Klarna's expiry, ${formatInstant(limit)}`;

/**
 * A registration of a request that is paid or has ended: the record takes the session's id, reference and purpose, and no timer. Without
 * a payment to authorize, no alert is left.
 */
function refuseFinal(
  record: PaymentRequest,
  state: PaymentRequestState,
  { sessionId, reference, purpose: given, ...requester }: Registration,
  context: SessionContext,
): SessionDecision {
  const purpose = purposeAfter(record, given);
  const isAlertOver = purpose === 'token' && record.attention === 'not_authorized';
  const watched = {
    ...withAuthorizationWatch(record, context.policy),
    purpose,
    ...(isAlertOver && { attention: undefined }),
  };
  const known = record.session
    ? watched
    : {
        ...joined(watched, record.sessionId ?? sessionId, context),
        reference: record.reference ?? reference,
        // A second payment of the session may be known only now. Another one may join at the same time, so the index does not decide.
        ...(state === 'COMPLETED' &&
          record.sessionId === undefined &&
          sessionId !== undefined && { isToBeCompared: true as const }),
      };
  return refuse(known, { kind: 'already_final', state }, { ...requester, kind: 'register' }, context);
}

/** A refusal, noted in the history. */
function refuse(
  record: PaymentRequest,
  refusal: SessionRefusal,
  { kind, ...requester }: Requester & { readonly kind: 'register' | 'extend' },
  { eventId, now }: SessionContext,
): SessionDecision {
  const detail = { ...requesterDetail(requester), refused: refusal.kind };
  const entry: HistoryEntry = { eventId, kind, recordedAt: now, effect: 'refused', detail };
  return { next: withEntry(record, entry), outcome: refusal };
}
