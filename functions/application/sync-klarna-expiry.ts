import type { AccountSettings } from '../domain/account-settings.ts';
import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import {
  type ExpiryResponse,
  wantedExpiry,
  withExpiryResponse,
  withIntendedExpiry,
} from '../domain/klarna-expiry.ts';
import type { KlarnaResponse, Proof } from '../domain/klarna-response.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { callLimit } from '../domain/next-call.ts';
import { type AskedFor, observationOf, readAtKlarna, type TimedResponse } from './ask-klarna.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { Ids, KlarnaExpiry, KlarnaPaymentRequests } from './ports.ts';
import { shortId } from './short-id.ts';

/** What moving Klarna's expiry needs. */
export interface ExpirySyncDependencies extends ChangeDependencies {
  readonly klarna: Pick<KlarnaPaymentRequests, 'read'>;
  readonly klarnaExpiry: KlarnaExpiry;
  readonly ids: Ids;
  /** Called with the fault if a response could not be recorded. */
  readonly onFault: (error: unknown) => void;
  /** Called where Klarna refuses an expiry, with the ids and codes of its response. */
  readonly onRefused?: (key: PaymentRequestKey, proof: Proof) => void;
}

/**
 * Moves Klarna's expiry of the request to the deadline of its session, where the account wants that and Klarna takes it. So
 * Klarna ends the request even if our timer fails. If the deadline moves meanwhile, the last caller leaves the expiry as the
 * record has it. Never rejects, takes no longer than one call may, and returns the record as it then is. Where Klarna refuses to
 * move the expiry, the deadline may be earlier.
 */
export const syncKlarnaExpiry =
  (dependencies: ExpirySyncDependencies) =>
  async (record: PaymentRequest, settings: AccountSettings): Promise<PaymentRequest> => {
    const { clock, ids } = dependencies;
    const until = clock.now() + callLimit;
    let current = record;
    try {
      while (settings.syncKlarnaExpiry && clock.now() < until) {
        const { inProgressGrace } = settings;
        const noted = await noteIntention(dependencies, current, inProgressGrace);
        if (!noted) break;
        current = noted;
        const askedFor = wantedExpiry(current, inProgressGrace, clock.instant());
        if (!askedFor) break;
        const { paymentRequestId } = record;
        const asked = { settings, paymentRequestId, sessionId: current.sessionId, askedFor, until };
        const response: ExpiryResponse = {
          eventId: ownEventId('expiry', shortId(ids)),
          askedFor,
          ...(await moveExpiry(dependencies, asked)),
        };
        const { record: stored } = await changeRecord(dependencies, current, current, (latest) => ({
          next: latest && withExpiryResponse(latest, response, clock.instant()),
          outcome: undefined,
        }));
        if (response.outcome === 'refused') dependencies.onRefused?.(record, response.proof);
        if (!stored) break;
        current = stored;
        if (response.outcome !== 'accepted') break;
      }
    } catch (error) {
      dependencies.onFault(error);
    }
    return current;
  };

/** Records which expiry Klarna is going to be asked for: the function may end before the response. */
async function noteIntention(
  dependencies: ExpirySyncDependencies,
  record: PaymentRequest,
  grace: number | undefined,
): Promise<PaymentRequest | undefined> {
  const { record: noted } = await changeRecord(dependencies, record, record, (latest) => {
    const next = latest && withIntendedExpiry(latest, grace, dependencies.clock.instant());
    return { next, outcome: undefined };
  });
  return noted;
}

/** A call for a new expiry. `until` is in milliseconds since 1970. */
interface ExpiryCall extends AskedFor {
  readonly askedFor: Instant;
  readonly until: number;
}

type ShownExpiry = Omit<ExpiryResponse, 'eventId' | 'askedFor'>;

/** Asks for the expiry. After a conflict it reads the request, because one that is still SUBMITTED may be asked for again. */
async function moveExpiry(dependencies: ExpirySyncDependencies, asked: ExpiryCall): Promise<ShownExpiry> {
  const { klarnaExpiry, clock } = dependencies;
  const { settings, paymentRequestId, sessionId, askedFor, until } = asked;
  const askedAt = clock.now();
  const response = await klarnaExpiry.moveExpiry(settings.klarna, paymentRequestId, askedFor, {
    timeoutMillis: until - askedAt,
    sessionId,
  });
  const { proof } = response;
  // Stryker disable next-line ConditionalExpression: only a refusal can be a conflict
  if (response.kind !== 'refused' || !response.isConflict) {
    return { outcome: outcomeOf(response), observation: seenIn({ response, askedAt }, dependencies), proof };
  }
  const observation = seenIn(await readAtKlarna(dependencies)(asked, until), dependencies);
  const hasBegun = observation !== undefined && observation.state !== 'SUBMITTED';
  return { outcome: hasBegun ? 'refused' : 'unknown', observation, proof };
}

const seenIn = (
  { response, askedAt }: Pick<TimedResponse, 'response' | 'askedAt'>,
  dependencies: ExpirySyncDependencies,
) =>
  response.kind === 'payment_request'
    ? observationOf({ response, askedAt }, 'read', dependencies)
    : undefined;

/** Refused credentials and a 404 tell nothing about the expiry: a key may be changing, or a replica may be behind. */
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
