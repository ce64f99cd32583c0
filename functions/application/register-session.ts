import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { withIntendedExpiry } from '../domain/klarna-expiry.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  armedOnSubmitted,
  type Deadline,
  decideExtension,
  decideRegistration,
  type Registration,
  type SessionDecision,
} from '../domain/registration.ts';
import { armTimer } from './arm-timer.ts';
import { changeRecord } from './change-record.ts';
import type { AccountSettings, Clock, Ids, PaymentRequestStore, SessionTimer } from './ports.ts';

export interface SessionDependencies {
  readonly store: PaymentRequestStore;
  readonly timer: SessionTimer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of a timer that could not be armed: the registration stands, and the sweep arms it. */
  readonly onTimerFault: (error: unknown) => void;
  /** Sets Klarna's own expiry where the account wants that. Never rejects: the registration stands without it. */
  readonly syncExpiry: (record: PaymentRequest, settings: AccountSettings) => Promise<PaymentRequest>;
}

export interface SessionResult {
  readonly outcome: SessionDecision['outcome'];
  /** As it stands now; absent where there is none. */
  readonly record: PaymentRequest | undefined;
}

/** Registers a session: the record first, with its timer pending, then the timer, then `armed`. */
export const registerSession =
  (dependencies: SessionDependencies) =>
  (key: PaymentRequestKey, registration: Registration, settings: AccountSettings): Promise<SessionResult> => {
    const eventId = ownEventId('register', dependencies.ids.next());
    return changeSession(dependencies, key, settings, undefined, (record) =>
      decideRegistration(record, key, registration, settings, eventId, nowOf(dependencies)),
    );
  };

/**
 * Gives a request that only Klarna's webhook has told of the account's own timer. A session that somebody has registered by
 * then stays as it is.
 */
export const armByDefault =
  (dependencies: SessionDependencies) =>
  (
    record: PaymentRequest,
    defaultSessionTimeout: number,
    settings: AccountSettings,
  ): Promise<SessionResult> => {
    const eventId = ownEventId('register', dependencies.ids.next());
    const registration: Registration = {
      deadline: {
        kind: 'session_timeout',
        millis: defaultSessionTimeout,
        given: armedOnSubmitted,
        isDefault: true,
      },
      onTimeout: 'cancel',
      requestedBy: 'lapse:arm-on-submitted',
    };
    return changeSession(dependencies, record, settings, record, (stored) =>
      stored === undefined || stored.session
        ? { outcome: { kind: 'unchanged' } }
        : decideRegistration(stored, record, registration, settings, eventId, nowOf(dependencies)),
    );
  };

/** Moves the deadline of a registered session. */
export const extendSession =
  (dependencies: SessionDependencies) =>
  async (
    key: PaymentRequestKey,
    deadline: Deadline,
    settings: AccountSettings,
    requestedBy: string,
  ): Promise<SessionResult> => {
    const eventId = ownEventId('extend', dependencies.ids.next());
    const known = await dependencies.store.read(key);
    return changeSession(dependencies, key, settings, known, (record) =>
      decideExtension(record, deadline, settings, requestedBy, eventId, nowOf(dependencies)),
    );
  };

async function changeSession(
  dependencies: SessionDependencies,
  key: PaymentRequestKey,
  settings: AccountSettings,
  known: PaymentRequest | undefined,
  decide: (record: PaymentRequest | undefined) => SessionDecision,
): Promise<SessionResult> {
  const { record, outcome } = await changeRecord(dependencies.store, key, known, (latest) => {
    const { next, outcome } = decide(latest);
    // What Klarna will be asked for is in the same write as the deadline that it is asked for.
    const intended =
      next && settings.syncKlarnaExpiry
        ? withIntendedExpiry(next, settings.inProgressGrace, nowOf(dependencies))
        : next;
    return { next: intended, outcome };
  });
  const isDone = outcome.kind === 'registered' || outcome.kind === 'changed' || outcome.kind === 'unchanged';
  if (!record || !isDone) return { record, outcome };
  const [armed, synced] = await Promise.all([
    armIfPending(dependencies, record),
    dependencies.syncExpiry(record, settings),
  ]);
  // Stryker disable next-line EqualityOperator: records of one version are equal
  const latest = synced.version > armed.version ? synced : armed;
  // Klarna would not move its expiry, so the deadline is an earlier one.
  const isMoved = latest.deadlineAt !== record.deadlineAt;
  return { record: isMoved ? await armIfPending(dependencies, latest) : latest, outcome };
}

/** The record with its timer armed, as far as that can be done: what is left pending, the sweep arms. */
async function armIfPending(
  dependencies: SessionDependencies,
  record: PaymentRequest,
): Promise<PaymentRequest> {
  if (record.timer !== 'pending') return record;
  try {
    return await armTimer(dependencies)(record);
  } catch (error) {
    dependencies.onTimerFault(error);
    return record;
  }
}

const nowOf = ({ clock }: SessionDependencies) => instantFromMillis(clock.now());
