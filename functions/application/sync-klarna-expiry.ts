import { ownEventId } from '../domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../domain/instant.ts';
import {
  type ExpiryResponse,
  wantedExpiry,
  withExpiryResponse,
  withIntendedExpiry,
} from '../domain/klarna-expiry.ts';
import { asNextVersion, type PaymentRequest } from '../domain/payment-request.ts';
import { callLimit, observationOf, readAtKlarna, type TimedResponse } from './ask-klarna.ts';
import { changeRecord } from './change-record.ts';
import type {
  AccountSettings,
  Clock,
  Ids,
  KlarnaResponse,
  KlarnaExpiry,
  KlarnaPaymentRequests,
  PaymentRequestStore,
} from './ports.ts';

export interface ExpirySyncDependencies {
  readonly store: PaymentRequestStore;
  readonly klarna: Pick<KlarnaPaymentRequests, 'read'>;
  readonly klarnaExpiry: KlarnaExpiry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of an answer that could not be written down. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Sets Klarna's own expiry of the request to the deadline of its session, where the account wants that and Klarna takes it:
 * a second net, should nothing of ours be there at the deadline. When the deadline is moved meanwhile, the last to finish
 * leaves the expiry as the record has it. Never rejects, asks Klarna for no longer than one call may take, and returns the
 * record as it then stands. Where Klarna will not move it, that may be with an earlier deadline.
 */
export const syncKlarnaExpiry =
  (dependencies: ExpirySyncDependencies) =>
  async (record: PaymentRequest, settings: AccountSettings): Promise<PaymentRequest> => {
    const { store, clock, ids } = dependencies;
    const until = clock.now() + callLimit;
    let current = record;
    try {
      while (settings.syncKlarnaExpiry && clock.now() < until) {
        const { inProgressGrace } = settings;
        const noted = await noteIntention(dependencies, current, inProgressGrace);
        if (!noted) break;
        current = noted;
        const askedFor = wantedExpiry(current, inProgressGrace, instantFromMillis(clock.now()));
        if (!askedFor) break;
        const response = await ask(dependencies, settings, record, askedFor, until);
        const said: ExpiryResponse = { eventId: ownEventId('expiry', ids.next()), askedFor, ...response };
        const { record: stored } = await changeRecord(store, current, current, (latest) => ({
          next: latest && withExpiryResponse(latest, said, instantFromMillis(clock.now())),
          outcome: undefined,
        }));
        if (!stored) break;
        current = stored;
        if (said.outcome !== 'accepted') break;
      }
    } catch (error) {
      dependencies.onFault(error);
    }
    return current;
  };

/** Writes down what Klarna is going to be asked for, unless it is: whoever asks may be gone before the answer. */
async function noteIntention(
  { store, clock }: ExpirySyncDependencies,
  record: PaymentRequest,
  grace: number | undefined,
): Promise<PaymentRequest | undefined> {
  const { record: noted } = await changeRecord(store, record, record, (latest) => {
    const now = instantFromMillis(clock.now());
    const next = latest && withIntendedExpiry(latest, grace, now);
    return { next: next && next !== latest ? asNextVersion(next, now) : undefined, outcome: undefined };
  });
  return noted;
}

type ShownExpiry = Omit<ExpiryResponse, 'eventId' | 'askedFor'>;

/** Asks for the expiry; after a conflict also what the request is by now: one that is still to be begun may be asked again. */
async function ask(
  dependencies: ExpirySyncDependencies,
  settings: AccountSettings,
  { paymentRequestId }: PaymentRequest,
  askedFor: Instant,
  until: number,
): Promise<ShownExpiry> {
  const { klarnaExpiry, clock } = dependencies;
  const askedAt = clock.now();
  const response = await klarnaExpiry.moveExpiry(
    settings.klarna,
    paymentRequestId,
    askedFor,
    until - askedAt,
  );
  const { proof } = response;
  // Stryker disable next-line ConditionalExpression: only a refusal can be a conflict
  if (response.kind !== 'refused' || !response.isConflict) {
    return { outcome: outcomeOf(response), observation: seenIn({ response, askedAt }, dependencies), proof };
  }
  const observation = seenIn(
    await readAtKlarna(dependencies)(settings, paymentRequestId, until),
    dependencies,
  );
  const hasBegun = observation !== undefined && observation.state !== 'SUBMITTED';
  return { outcome: hasBegun ? 'refused' : 'unknown', observation, proof };
}

const seenIn = ({ response, askedAt }: TimedResponse, dependencies: ExpirySyncDependencies) =>
  response.kind === 'payment_request'
    ? observationOf({ response, askedAt }, 'read', dependencies)
    : undefined;

/** Refused credentials and a 404 say nothing of the expiry: a key is being changed, or a replica has not heard of the request. */
function outcomeOf(response: KlarnaResponse): ExpiryResponse['outcome'] {
  switch (response.kind) {
    case 'payment_request':
      return 'accepted';
    case 'refused':
      return 'refused';
    case 'denied':
    case 'not_found':
    case 'rate_limited':
    case 'unclear':
    case 'unknown_state':
      return 'unknown';
  }
}
