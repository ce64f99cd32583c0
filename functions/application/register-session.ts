import type { AccountSettings } from '../domain/account-settings.ts';
import { type EventId, ownEventId, type PaymentRequestKey, type SessionId } from '../domain/identifiers.ts';
import { withIntendedExpiry } from '../domain/klarna-expiry.ts';
import { asNextVersion } from '../domain/next-version.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  armedOnSubmitted,
  decideExtension,
  decideRegistration,
  type Extension,
  type Registration,
  type SessionContext,
  type SessionDecision,
  sessionLimit,
} from '../domain/registration.ts';
import { recoveredFrom } from '../domain/session-attempts.ts';
import { armTimer } from './arm-timer.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { SessionPaymentRequests, SessionTimer } from './ports.ts';
import { shortId } from './short-id.ts';

/** What registering and extending a session need. */
export interface SessionDependencies extends ChangeDependencies {
  readonly timer: SessionTimer;
  /** Called with the fault if a timer could not be armed. The registration stands, and the sweep arms the timer. */
  readonly onTimerFault: (error: unknown) => void;
  /** Moves Klarna's expiry where the account wants that. Never rejects: the registration stands without it. */
  readonly syncExpiry: (record: PaymentRequest, settings: AccountSettings) => Promise<PaymentRequest>;
}

/** The outcome of a registration or an extension. */
export interface SessionResult {
  readonly outcome: SessionDecision['outcome'];
  /** The record as it then is; absent where there is none. */
  readonly record: PaymentRequest | undefined;
}

/** What a registration needs besides: the requests of its session, to count them. */
export interface RegistrationDependencies extends SessionDependencies {
  readonly sessions: SessionPaymentRequests;
}

/**
 * Registers a session, or changes a registered one: first the record, then the timer. A registration with a deadline mostly makes a
 * record, so it is written without a read. One without a deadline mostly changes a record. A repeated one arms the timer again, because
 * the first may have ended before its timer was armed.
 *
 * A full session accepts only the requests that it has. The index is about a second late, so registrations at the same time can
 * exceed the limit by a few.
 */
export const registerSession =
  (dependencies: RegistrationDependencies) =>
  async (
    key: PaymentRequestKey,
    registration: Registration,
    settings: AccountSettings,
  ): Promise<SessionResult> => {
    const { sessionId, deadline } = registration;
    const session = sessionId === undefined ? undefined : await sessionOf(dependencies, key, sessionId);
    const context = contextOf(dependencies, settings, 'register');
    const known = deadline ? undefined : await dependencies.store.read(key);
    return changeSession(dependencies, { key, settings, known }, (record) =>
      decideRegistration(record, key, registration, { ...context(), ...session }),
    );
  };

/** Members of a session that are read to find the one from which a new attempt recovers: the newest. */
const mostRead = 25;

/**
 * Whether the session has no place for this request, and what the request has to know of the others. A request that the session has
 * already needs no other place. The typical session has no others, so nothing is read but the index.
 */
async function sessionOf(
  { sessions, store }: RegistrationDependencies,
  { account, paymentRequestId }: PaymentRequestKey,
  sessionId: SessionId,
): Promise<Pick<SessionContext, 'isSessionFull' | 'others'>> {
  const others: PaymentRequestKey[] = [];
  let isMember = false;
  for await (const member of sessions.ofSession(account, sessionId)) {
    if (member.paymentRequestId === paymentRequestId) isMember = true;
    else others.push(member);
  }
  const isSessionFull = !isMember && others.length >= sessionLimit;
  if (others.length === 0 || isSessionFull) return { isSessionFull };
  const members = await store.readAll(others.slice(-mostRead), () => undefined);
  return { isSessionFull, others: { recoveredFrom: recoveredFrom(members) } };
}

/**
 * Gives the account's default timer to a request that only a webhook has told of. A session that a caller has registered by then
 * stays as it is.
 */
export const armByDefault =
  (dependencies: SessionDependencies) =>
  (
    record: PaymentRequest,
    defaultSessionTimeout: number,
    settings: AccountSettings,
  ): Promise<SessionResult> => {
    const context = contextOf(dependencies, settings, 'register');
    const registration: Registration = {
      deadline: {
        kind: 'session_timeout',
        millis: defaultSessionTimeout,
        given: armedOnSubmitted,
        isDefault: true,
      },
      requestedBy: 'lapse:arm-on-submitted',
    };
    return changeSession(dependencies, { key: record, settings, known: record }, (stored) =>
      stored === undefined || stored.session
        ? { outcome: { kind: 'unchanged' } }
        : decideRegistration(stored, record, registration, context()),
    );
  };

/** Moves the deadline of a registered session. */
export const extendSession =
  (dependencies: SessionDependencies) =>
  async (key: PaymentRequestKey, extension: Extension, settings: AccountSettings): Promise<SessionResult> => {
    const context = contextOf(dependencies, settings, 'extend');
    const known = await dependencies.store.read(key);
    return changeSession(dependencies, { key, settings, known }, (record) =>
      decideExtension(record, extension, context()),
    );
  };

/** The context of a decision. Every try of one call has the same event id. */
function contextOf(
  { clock, ids, timer }: SessionDependencies,
  policy: AccountSettings,
  kind: 'register' | 'extend',
): () => SessionContext {
  const eventId: EventId = ownEventId(kind, shortId(ids));
  const isSweepTheTimer = timer.sweepDriven === true;
  return () => ({ policy, eventId, isSweepTheTimer, now: clock.instant() });
}

async function changeSession(
  dependencies: SessionDependencies,
  session: {
    readonly key: PaymentRequestKey;
    readonly settings: AccountSettings;
    readonly known: PaymentRequest | undefined;
  },
  decide: (record: PaymentRequest | undefined) => SessionDecision,
): Promise<SessionResult> {
  const { clock, syncExpiry } = dependencies;
  const { key, settings, known } = session;
  const decideAll = (latest: PaymentRequest | undefined): SessionDecision => {
    const { next, outcome } = decide(latest);
    // The intended expiry is in the same write as the deadline that it belongs to.
    const intended =
      next && settings.syncKlarnaExpiry
        ? withIntendedExpiry(next, settings.inProgressGrace, clock.instant())
        : next;
    return intended ? { next: intended, outcome } : { outcome };
  };
  const { record, outcome } = await (known
    ? changeRecord(dependencies, key, known, decideAll)
    : changeUnread(dependencies, key, decideAll));
  const isDone = outcome.kind === 'registered' || outcome.kind === 'changed' || outcome.kind === 'unchanged';
  if (!record || !isDone) return { record, outcome };
  const [armed, synced] = await Promise.all([
    armIfWaiting(dependencies, record),
    syncExpiry(record, settings),
  ]);
  // Stryker disable next-line EqualityOperator: records of one version are equal
  const latest = synced.version > armed.version ? synced : armed;
  // Klarna refused to move its expiry, so the deadline is earlier now. Or another caller moved it.
  const isMoved = latest.deadlineAt !== record.deadlineAt;
  return { record: isMoved ? await armIfWaiting(dependencies, latest) : latest, outcome };
}

/** The same without a read, where that is enough. A first registration is one write then, whether a webhook came before or not. */
async function changeUnread(
  dependencies: SessionDependencies,
  key: PaymentRequestKey,
  decide: (record: PaymentRequest | undefined) => SessionDecision,
): Promise<SessionResult> {
  const { store, ids, clock } = dependencies;
  const { next, outcome } = decide(undefined);
  if (!next || outcome.kind !== 'registered') return changeRecord(dependencies, key, undefined, decide);
  const id = shortId(ids);
  const made = asNextVersion(undefined, next, { id, now: clock.instant() });
  const result = await store.register(made);
  if (result.written) return { record: result.record, outcome };
  // The response to this write was lost, and the client sent it again.
  if (result.stored?.writes.includes(id)) return { record: result.stored, outcome };
  return changeRecord(dependencies, key, result.stored, decide);
}

/** The record with its timer armed, if it has one that can still fire. Safe to repeat. */
export function armIfWaiting(
  dependencies: SessionDependencies,
  record: PaymentRequest,
): Promise<PaymentRequest> {
  const { timer, deadlineAt } = record;
  const isWaiting =
    (timer === 'armed' || timer === 'pending' || timer === 'sweep') &&
    deadlineAt !== undefined &&
    deadlineAt > dependencies.clock.instant();
  return isWaiting ? armTimer(dependencies)(record) : Promise.resolve(record);
}
