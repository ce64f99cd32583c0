import { armedStage, type TimeoutSwitches } from '../../functions/domain/timeout-switches.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type {
  Cancellation,
  PaymentRequest,
  RegisteredSession,
} from '../../functions/domain/payment-request.ts';
import {
  decideRegistration,
  type Registration,
  type SessionPolicy,
} from '../../functions/domain/registration.ts';
import { key, noon, recordWith, registrationWith } from './fixtures.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** So many minutes after noon. */
export const afterNoon = (minutes: number): Instant => plusMillis(noon, minutes * minute);

/** An account and a stage that cancel every session at its deadline that does not say otherwise. */
export const armed: TimeoutSwitches = { stage: armedStage, armedFrom: undefined, observe: false, kinds: {} };

/** The defaults of an account. */
export const policy: SessionPolicy = {
  defaultSessionTimeout: undefined,
  maxExtensions: 10,
  maxSession: 48 * hour,
  syncKlarnaExpiry: false,
  ...armed,
};

/** A session registered at noon for half an hour. */
export const session: RegisteredSession = {
  registeredAt: noon,
  requested: 'PT30M',
  onTimeout: 'cancel',
  extensions: 0,
};

/** A record with that session, its timer armed. */
export const registered = (fields: Partial<PaymentRequest> = {}): PaymentRequest =>
  recordWith({
    session,
    deadlineAt: afterNoon(30),
    timer: 'armed',
    dueAt: afterNoon(31),
    ...fields,
  });

/** A cancel of noon; claimed until half a minute later unless a test says otherwise. */
export const cancellationWith = (fields: Partial<Cancellation> = {}): Cancellation => ({
  outcome: 'claimed',
  cause: 'api',
  requestedBy: 'arn:aws:iam::000000000000:user/test',
  requestedAt: noon,
  allowCompleted: false,
  sentBefore: false,
  lease: { id: 'lease-1', until: afterNoon(0.5) },
  ...fields,
});

/** A cancel of noon with this outcome. */
export const settledWith = (fields: Partial<Cancellation> & Pick<Cancellation, 'outcome'>): Cancellation =>
  cancellationWith({ lease: undefined, ...fields });

let registrations = 0;

/** Decides a registration with a new event id. */
export function register(
  record: PaymentRequest | undefined,
  registration: Partial<Registration> = {},
  now: Instant = noon,
  its: SessionPolicy = policy,
) {
  registrations += 1;
  const eventId = ownEventId('register', String(registrations));
  return decideRegistration(record, key, registrationWith(registration), { policy: its, eventId, now });
}

/** The result of a call about many that has no key. */
export function unkeyed<Result>(result: Result | 'reused'): Result {
  if (result === 'reused') throw new Error('another call had the key');
  return result;
}
