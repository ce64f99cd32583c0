import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  type Deadline,
  decideExtension,
  decideRegistration,
  type Registration,
  type SessionDecision,
  type SessionPolicy,
} from '../domain/registration.ts';
import { armTimer } from './arm-timer.ts';
import { changeRecord } from './change-record.ts';
import type { Clock, Ids, PaymentRequestStore, SessionTimer } from './ports.ts';

export interface SessionDependencies {
  readonly store: PaymentRequestStore;
  readonly timer: SessionTimer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of a timer that could not be armed: the registration stands, and the sweep arms it. */
  readonly onTimerFault: (error: unknown) => void;
}

export interface SessionResult {
  readonly outcome: SessionDecision['outcome'];
  /** As it stands now; absent where there is none. */
  readonly record: PaymentRequest | undefined;
}

/** Registers a session: the record first, with its timer pending, then the timer, then `armed`. */
export const registerSession =
  (dependencies: SessionDependencies) =>
  (key: PaymentRequestKey, registration: Registration, policy: SessionPolicy): Promise<SessionResult> => {
    const eventId = ownEventId('register', dependencies.ids.next());
    return changeSession(dependencies, key, undefined, (record) =>
      decideRegistration(record, key, registration, policy, eventId, nowOf(dependencies)),
    );
  };

/** Moves the deadline of a registered session. */
export const extendSession =
  (dependencies: SessionDependencies) =>
  async (
    key: PaymentRequestKey,
    deadline: Deadline,
    policy: SessionPolicy,
    requestedBy: string,
  ): Promise<SessionResult> => {
    const eventId = ownEventId('extend', dependencies.ids.next());
    const known = await dependencies.store.read(key);
    return changeSession(dependencies, key, known, (record) =>
      decideExtension(record, deadline, policy, requestedBy, eventId, nowOf(dependencies)),
    );
  };

async function changeSession(
  dependencies: SessionDependencies,
  key: PaymentRequestKey,
  known: PaymentRequest | undefined,
  decide: (record: PaymentRequest | undefined) => SessionDecision,
): Promise<SessionResult> {
  const { record, outcome } = await changeRecord(dependencies.store, key, known, decide);
  if (record?.timer !== 'pending') return { record, outcome };
  try {
    return { record: await armTimer(dependencies)(record), outcome };
  } catch (error) {
    dependencies.onTimerFault(error);
    return { record, outcome };
  }
}

const nowOf = ({ clock }: SessionDependencies) => instantFromMillis(clock.now());
