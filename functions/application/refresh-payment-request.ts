import type { AccountSettings } from '../domain/account-settings.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { notFoundObservationOf, withEmptyRead, withRead } from '../domain/klarna-read.ts';
import type { KlarnaResponse, Proof } from '../domain/klarna-response.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  emptyResponseOf,
  type KlarnaDependencies,
  observationOf,
  readAtKlarna,
  type TimedResponse,
} from './ask-klarna.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import { recordObservation } from './record-observation.ts';
import { shortId } from './short-id.ts';

/**
 * The result of a refresh. `refreshed`: the record has Klarna's state of now. `not_found`: Klarna does not know the request.
 * `klarna_denied`: Klarna refuses our credentials. `unknown`: there was no clear response.
 */
export type RefreshOutcome = 'refreshed' | 'not_found' | 'klarna_denied' | 'unknown';

/** The outcome of a refresh, the record as it then is, and the ids and codes of Klarna's response. */
export interface Refresh<Known extends PaymentRequest | undefined = PaymentRequest | undefined> {
  readonly outcome: RefreshOutcome;
  readonly record: Known;
  readonly proof: Proof;
}

/** What a refresh needs. */
export interface RefreshDependencies extends KlarnaDependencies, ChangeDependencies {}

/** Milliseconds that Klarna has for its response to a read. */
const readBudget = 5_000;

/**
 * Reads a request at Klarna and records the response. A request with a record gets its state, or a history entry of the response
 * that is not evidence. After Klarna's expiry a 404 means EXPIRED. A request without a record gets one only if Klarna shows it,
 * by the same write as a webhook.
 *
 * @param known the record; `undefined` where there is none.
 */
export const refreshPaymentRequest =
  (dependencies: RefreshDependencies) =>
  async <Known extends PaymentRequest | undefined>(
    key: PaymentRequestKey,
    settings: AccountSettings,
    known: Known,
  ): Promise<Refresh<Known | PaymentRequest>> => {
    const until = dependencies.clock.now() + readBudget;
    const { paymentRequestId } = key;
    const asked = { settings, paymentRequestId, sessionId: known?.sessionId };
    const reading = await readAtKlarna(dependencies)(asked, until);
    const result = known
      ? await recordResponse(dependencies, known, reading)
      : await discover(dependencies, key, reading);
    return { ...result, record: result.record ?? known, proof: reading.response.proof };
  };

async function recordResponse(
  dependencies: RefreshDependencies,
  known: PaymentRequest,
  reading: TimedResponse,
): Promise<Omit<Refresh, 'proof'>> {
  const { clock, ids } = dependencies;
  const { response } = reading;
  const now = clock.instant();
  const shown =
    response.kind === 'payment_request'
      ? observationOf({ ...reading, response }, 'read', dependencies)
      : undefined;
  const isNotFound = response.kind === 'not_found';
  const notFoundId = shortId(ids);
  const empty = emptyResponseOf(response, 'read', dependencies);
  return changeRecord<RefreshOutcome>(dependencies, known, known, (stored) => {
    const fact =
      shown ??
      (isNotFound ? notFoundObservationOf(stored ?? known, notFoundId, response.proof, now) : undefined);
    if (fact) return { next: stored && withRead(stored, fact), outcome: 'refreshed' };
    const next = stored && withEmptyRead(stored, empty, isNotFound);
    return { next, outcome: outcomeWithoutState(response) };
  });
}

/** Makes the record of a request that Klarna shows and we did not have. */
async function discover(
  dependencies: RefreshDependencies,
  key: PaymentRequestKey,
  { response, askedAt }: TimedResponse,
): Promise<Omit<Refresh, 'proof'>> {
  if (response.kind !== 'payment_request') {
    return { outcome: outcomeWithoutState(response), record: undefined };
  }
  await recordObservation(dependencies)(key, observationOf({ response, askedAt }, 'read', dependencies));
  return { outcome: 'refreshed', record: await dependencies.store.read(key) };
}

function outcomeWithoutState({ kind }: KlarnaResponse): Exclude<RefreshOutcome, 'refreshed'> {
  if (kind === 'not_found') return 'not_found';
  return kind === 'denied' ? 'klarna_denied' : 'unknown';
}
