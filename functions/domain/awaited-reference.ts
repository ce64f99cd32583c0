import type { CancelCommand } from './cancellation.ts';
import { lastAcceptedAt } from './history-entry.ts';
import { type IdempotentCall, type KeptCall, withCall } from './idempotent-call.ts';
import { sweepMargin } from './due.ts';
import type { PaymentRequestId, ReferenceKey, SessionId } from './identifiers.ts';
import { earlierOf, type Instant, laterOf, plusMillis } from './instant.ts';
import {
  klarnaLongestLifetime,
  type PaymentRequest,
  type RegisteredSession,
  unknownPaymentRequest,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import {
  armedOnSubmitted,
  decideRegistration,
  type Registration,
  type SessionContext,
  type SessionDecision,
} from './registration.ts';

/**
 * What waits for the first Payment Request with a reference of the shop.
 * - `waiting`: none was seen. `joined`: one was seen, and what waited was done with it.
 * - `never_seen`: none was seen in time.
 */
export type AwaitedStatus = 'waiting' | 'joined' | 'never_seen';

/** A session to register, or a cancel to carry out, once the id of the request with this reference is known. */
export interface AwaitedReference extends ReferenceKey {
  readonly status: AwaitedStatus;
  /** Since when it waits: a later registration after `never_seen` begins again. */
  readonly since: Instant;
  /** The session, as far as it does not need the id. Absent where only a cancel waits. */
  readonly session?: AwaitedSession | undefined;
  readonly cancel?: AwaitedCancel | undefined;
  /**
   * The newest calls with a key, also those about what waited before. A cancel that waits is `unsettled`: the record of the request that it
   * is carried out on keeps its outcome.
   */
  readonly calls?: readonly KeptCall[] | undefined;
  /** The request that was seen first. While it waits again: the one before, which does not join again. */
  readonly paymentRequestId?: PaymentRequestId | undefined;
  /** The sweep has looked once for a request that the index did not list at first. */
  readonly isLookedFor?: true | undefined;
  /** Attempts of the sweep in a row that failed, and before when it does not try again. */
  readonly attempts: number;
  readonly retryAt?: Instant | undefined;
  /** When the sweep looks next; absent where nothing is left to do. */
  readonly dueAt?: Instant | undefined;
  readonly version: number;
  readonly updatedAt: Instant;
}

/** A session that waits for its Payment Request. Its deadline was checked like that of any other session. */
export interface AwaitedSession {
  readonly deadlineAt: Instant;
  /** When a caller last registered or changed it. */
  readonly askedAt?: Instant | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly registered: RegisteredSession;
  readonly requestedBy: string;
  /** As the record has it. */
  readonly purpose?: 'token' | undefined;
}

/** A cancel that waits for the id of its Payment Request. */
export interface AwaitedCancel {
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  readonly requestedAt: Instant;
}

/** The record to store, if any, and the outcome for the caller. */
export interface AwaitDecision {
  readonly next?: AwaitedReference | undefined;
  readonly outcome: SessionDecision['outcome'];
}

/** An item that waits for nothing: a new one, or the one that is over, to begin again. */
const nothingAwaited = (
  { account, reference }: ReferenceKey,
  now: Instant,
  over: AwaitedReference | undefined,
): AwaitedReference => ({
  account,
  reference,
  status: 'waiting',
  since: now,
  paymentRequestId: over?.paymentRequestId,
  calls: over?.calls,
  attempts: 0,
  version: over?.version ?? 0,
  updatedAt: now,
});

/** No request has this id. It stands for the one that is not known. */
const unknownId = 'unknown' as PaymentRequestId;

/**
 * Registers the session of a request whose id is not known, or changes it, by the rules of any other registration. A cancel that
 * waits keeps a session from being registered. After `never_seen` it begins again.
 */
export function decideAwait(
  stored: AwaitedReference | undefined,
  key: ReferenceKey,
  registration: Registration,
  context: SessionContext,
): AwaitDecision {
  const { now } = context;
  const current = stored?.status === 'waiting' ? stored : nothingAwaited(key, now, stored);
  if (current.cancel) return { outcome: { kind: 'cancellation_pending' } };
  const record = standIn(current, now);
  const { next, outcome } = decideRegistration(record, record, registration, context);
  const isDone = outcome.kind === 'registered' || outcome.kind === 'changed';
  if (!isDone || !next?.session || next.deadlineAt === undefined) return { outcome };
  const session: AwaitedSession = {
    deadlineAt: next.deadlineAt,
    askedAt: now,
    sessionId: next.sessionId,
    registered: next.session,
    requestedBy: registration.requestedBy,
    purpose: next.purpose,
  };
  return { next: nextAwaited(current, { session }, now), outcome };
}

/** The decision that also keeps the call. A registration that succeeded is kept in the write that makes it. */
export function keepingCall(
  { next, outcome }: AwaitDecision,
  stored: AwaitedReference | undefined,
  call: IdempotentCall,
  now: Instant,
): AwaitDecision {
  const { kind } = outcome;
  const item = next ?? (stored && nextAwaited(stored, {}, now));
  if (!item || (kind !== 'registered' && kind !== 'changed' && kind !== 'unchanged')) return { outcome };
  return { next: withCall(item, { ...call, outcome: kind, at: now }) ?? next, outcome };
}

/** A record in the place of the one that is not known, so that the rules of registrations decide. */
const standIn = ({ account, session }: AwaitedReference, now: Instant): PaymentRequest => ({
  ...unknownPaymentRequest({ account, paymentRequestId: unknownId }, now),
  ...(session && {
    sessionId: session.sessionId,
    session: session.registered,
    deadlineAt: session.deadlineAt,
    klarnaExpiresAt: session.registered.klarnaExpiresAt,
    purpose: session.purpose,
  }),
});

/**
 * The next version with a cancel that is carried out once the id is known, and with the call if it has a key. `undefined` where that
 * changes nothing.
 */
export function withAwaitedCancel(
  stored: AwaitedReference | undefined,
  key: ReferenceKey,
  {
    reason,
    requestedBy,
    call,
  }: Pick<CancelCommand, 'reason' | 'requestedBy'> & { readonly call?: IdempotentCall | undefined },
  now: Instant,
): AwaitedReference | undefined {
  const current = stored?.status === 'waiting' ? stored : nothingAwaited(key, now, stored);
  const noted = call && withCall(current, { ...call, outcome: 'unsettled', at: now });
  if (current.cancel && !noted) return undefined;
  const cancel = current.cancel ?? { reason, requestedBy, requestedAt: now };
  return nextAwaited(noted ?? current, { cancel }, now);
}

/** Until when a request with the reference is awaited: the deadline, and for a cancel as long as Klarna's longest lifetime. */
export function awaitedUntil({ session, cancel, since }: AwaitedReference): Instant {
  const ends = [session?.deadlineAt, cancel && plusMillis(cancel.requestedAt, klarnaLongestLifetime)].filter(
    (end) => end !== undefined,
  );
  return ends.reduce(laterOf, since);
}

/** The next version, with when it is due. The index is about a second late, so the sweep looks once after a minute, then at the end. */
export function nextAwaited(
  current: AwaitedReference,
  changes: Partial<AwaitedReference>,
  now: Instant,
): AwaitedReference {
  const next = { ...current, ...changes, version: current.version + 1, updatedAt: now };
  if (next.status !== 'waiting') return { ...next, attempts: 0, retryAt: undefined, dueAt: undefined };
  const end = awaitedUntil(next);
  const look = next.isLookedFor ? end : earlierOf(end, plusMillis(next.since, sweepMargin));
  return { ...next, dueAt: laterOf(look, next.retryAt ?? look) };
}

/** The next version after the sweep could not settle it: tried again after 1, 2, 4 … minutes, at most an hour. */
export const putOffAwaited = (current: AwaitedReference, now: Instant): AwaitedReference =>
  nextAwaited(
    current,
    {
      attempts: current.attempts + 1,
      retryAt: plusMillis(now, Math.min(60, 2 ** Math.min(current.attempts, 6)) * 60_000),
    },
    now,
  );

/** Milliseconds by which a webhook may have been written before the item that waits for it. */
const overlap = 10_000;

/**
 * The first request that was seen since something waits, or an older one that is open or paid, or was open since then. An older one that
 * had ended before may be one of an earlier use of the reference.
 */
export const firstSeen = (
  { since, paymentRequestId: before }: AwaitedReference,
  records: readonly PaymentRequest[],
): PaymentRequest | undefined => {
  const from = plusMillis(since, -overlap);
  const wasOpen = ({ createdAt, session, cancellation, occurredAt }: PaymentRequest): boolean =>
    createdAt >= from ||
    [session?.registeredAt, cancellation?.requestedAt, occurredAt].some(
      (time) => time !== undefined && time >= since,
    );
  return records
    .filter(({ paymentRequestId }) => paymentRequestId !== before)
    .filter((record) => alreadySeen([record]) !== undefined || wasOpen(record))
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))[0];
};

/** The request that a new registration by reference is about: it can still be paid, or it is paid. */
export const alreadySeen = (records: readonly PaymentRequest[]): PaymentRequest | undefined =>
  records.find(({ state }) => isOpen(state) || state === 'COMPLETED');

/** Whether a caller has registered the request itself, so that what waits does not replace its session. */
export const hasOwnSession = ({ session }: PaymentRequest): boolean =>
  session !== undefined && session.requested !== armedOnSubmitted;

/** Whether a caller registered or changed what waits after the request got its session. */
export const isLaterThan = ({ session }: AwaitedReference, record: PaymentRequest): boolean => {
  const setAt = lastAcceptedAt(record, ['register', 'extend']);
  return session?.askedAt !== undefined && setAt !== undefined && session.askedAt > setAt;
};

/** The calls with a key that asked for the cancel that waits. */
export const cancelCallsOf = ({ calls = [], since }: AwaitedReference): readonly IdempotentCall[] =>
  calls.filter(({ outcome, at }) => outcome === 'unsettled' && at >= since);

/** The command of a cancel that waited, unless a caller has registered the request after it. */
export function commandOf(
  { cancel }: AwaitedReference,
  { session }: PaymentRequest,
): CancelCommand | undefined {
  if (
    !cancel ||
    (session && session.registeredAt > cancel.requestedAt && session.requested !== armedOnSubmitted)
  )
    return undefined;
  const { reason, requestedBy } = cancel;
  return { cause: 'api', reason, requestedBy, allowCompleted: false };
}

/** The registration of what waited, for the request that was seen. A deadline that has passed ends the session at once. */
export function registrationOf(
  { reference, session }: AwaitedReference,
  now: Instant,
): Registration | undefined {
  if (!session) return undefined;
  const { registered, deadlineAt, sessionId, requestedBy, purpose } = session;
  const { klarnaExpiresAt, asked, kind, inProgressGrace, supersedes } = registered;
  return {
    deadline: { kind: 'deadline_at', at: deadlineAt, given: registered.requested, isAwaited: true },
    sessionId,
    reference,
    klarnaExpiresAt: klarnaExpiresAt && klarnaExpiresAt > now ? klarnaExpiresAt : undefined,
    // What was named, so that the switches at this time count.
    onTimeout: asked,
    kind,
    inProgressGrace,
    supersedes,
    purpose,
    requestedBy,
  };
}
