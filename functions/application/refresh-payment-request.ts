import { notFoundObservationOf, withEmptyRead, withRead } from '../domain/klarna-read.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { emptyResponseOf, type KlarnaDependencies, observationOf, readAtKlarna } from './ask-klarna.ts';
import { changeRecord } from './change-record.ts';
import type { AccountSettings, KlarnaResponse, PaymentRequestStore } from './ports.ts';

/**
 * `not_found`: Klarna does not know the request. `klarna_denied`: it refuses our credentials. `unknown`: it gave no answer that says
 * anything. Each is in the history.
 */
export type RefreshOutcome = 'refreshed' | 'not_found' | 'klarna_denied' | 'unknown';

export interface Refresh {
  readonly outcome: RefreshOutcome;
  readonly record: PaymentRequest;
  /** Ids and codes of Klarna's answer. */
  readonly proof: Readonly<Record<string, string>>;
}

/** Milliseconds that Klarna has to answer a read. */
export const readBudget = 5_000;

/**
 * Asks Klarna for the state, and takes it in or writes down that there was no answer. A request that Klarna does not know any
 * more, after its own expiry, is EXPIRED.
 */
export const refreshPaymentRequest =
  (dependencies: KlarnaDependencies & { readonly store: PaymentRequestStore }) =>
  async (known: PaymentRequest, settings: AccountSettings): Promise<Refresh> => {
    const { store, clock, ids } = dependencies;
    const until = clock.now() + readBudget;
    const reading = await readAtKlarna(dependencies)(settings, known.paymentRequestId, until);
    const { response } = reading;
    const now = instantFromMillis(clock.now());
    const shown =
      response.kind === 'payment_request'
        ? observationOf({ ...reading, response }, 'read', dependencies)
        : undefined;
    const isNotFound = response.kind === 'not_found';
    const notFoundId = ids.next();
    const empty = emptyResponseOf(response, 'read', dependencies);
    const { record, outcome } = await changeRecord<RefreshOutcome>(store, known, known, (stored) => {
      const fact =
        shown ??
        (isNotFound ? notFoundObservationOf(stored ?? known, notFoundId, response.proof, now) : undefined);
      if (fact) return { next: stored && withRead(stored, fact, now), outcome: 'refreshed' };
      const next = stored && withEmptyRead(stored, empty, isNotFound, now);
      return { next, outcome: outcomeWithoutState(response) };
    });
    return { outcome, record: record ?? known, proof: response.proof };
  };

/** What asking came to where Klarna showed no request. */
export function outcomeWithoutState({ kind }: KlarnaResponse): Exclude<RefreshOutcome, 'refreshed'> {
  if (kind === 'not_found') return 'not_found';
  return kind === 'denied' ? 'klarna_denied' : 'unknown';
}
