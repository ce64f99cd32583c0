import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type {
  Account,
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
} from '../../functions/domain/identifiers.ts';
import { type Instant, parseInstant } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { asNextVersion } from '../../functions/domain/next-version.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import type { Registration } from '../../functions/domain/registration.ts';
import { armedStage } from '../../functions/domain/timeout-switches.ts';

/** The instant of a text that is one. */
export function at(text: string): Instant {
  const instant = parseInstant(text);
  if (!instant) throw new Error(`${text} is not an RFC 3339 time`);
  return instant;
}

export const account = 'shop-se' as Account;

export const key: PaymentRequestKey = {
  account,
  paymentRequestId: 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4' as PaymentRequestId,
};

export const noon = at('2026-03-01T12:00:00Z');

/** A record of which nothing is known, with what a test wants to be known. */
export const recordWith = (fields: Partial<PaymentRequest> = {}): PaymentRequest => ({
  ...unknownPaymentRequest(key, noon),
  version: 1,
  ...fields,
});

/** The next version of a record that a test has changed, as a write at noon or another time makes it. */
export const versioned = (
  next: PaymentRequest,
  before?: PaymentRequest,
  now: Instant = noon,
): PaymentRequest => asNextVersion(before, next, { id: `w-${next.version}`, now });

/** An observation; its event id is made of its state and time unless a test names one. */
export const observed = (
  state: PaymentRequestState,
  occurredAt = '2026-03-01T12:00:00Z',
  fields: Partial<Observation> = {},
): Observation => ({
  state,
  occurredAt: at(occurredAt),
  eventId: `${state}@${occurredAt}` as EventId,
  source: 'webhook',
  observedAt: at(occurredAt),
  proof: {},
  ...fields,
});

/** An account with every setting at its default. */
export const settingsWith = (fields: Partial<AccountSettings> = {}): AccountSettings => ({
  account,
  defaultSessionTimeout: undefined,
  armOnSubmitted: false,
  cancelCompleted: false,
  inProgressGrace: undefined,
  maxExtensions: 10,
  maxSession: 48 * 3_600_000,
  syncKlarnaExpiry: false,
  observe: false,
  endOtherAttempts: false,
  armedFrom: undefined,
  kinds: {},
  stage: armedStage,
  watchAuthorization: false,
  authorizationAlertAfter: 45 * 60_000,
  cancelUnauthorized: false,
  klarna: {
    credential: 'shop-se',
    rateShare: 1,
    environment: 'test',
    apiKey: 'klarna_test_api_not-a-real-key',
    username: undefined,
    partnerAccountId: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
  },
  ...fields,
});

/** A session of half an hour. */
export const registrationWith = (fields: Partial<Registration> = {}): Registration => ({
  deadline: { kind: 'session_timeout', millis: 1_800_000, given: 'PT30M' },
  onTimeout: 'cancel',
  requestedBy: 'arn:aws:iam::000000000000:user/test',
  ...fields,
});
