import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { asNextVersion, type PaymentRequest } from '../domain/payment-request.ts';
import { isOpen } from '../domain/payment-request-state.ts';
import { klarnaEndOf } from '../domain/reconciliation.ts';
import { applyObservation } from '../domain/transition.ts';
import { type KlarnaDependencies, observationOf, readAtKlarna } from './ask-klarna.ts';
import { changeRecord } from './change-record.ts';
import type { AccountSettings, KlarnaAnswer, PaymentRequestStore } from './ports.ts';

/** `klarna_denied`: Klarna refuses our credentials. `unknown`: it gave no answer that says anything. Either way the record is as it was. */
export type RefreshOutcome = 'refreshed' | 'absent' | 'klarna_denied' | 'unknown';

export interface Refresh {
  readonly outcome: RefreshOutcome;
  readonly record: PaymentRequest;
  /** Ids and codes of Klarna's answer. */
  readonly proof: Readonly<Record<string, string>>;
}

/** Milliseconds that Klarna has to answer a read. */
export const readBudget = 5_000;

/** Asks Klarna for the state and takes it in. A request that Klarna does not know any more, after its own expiry, is EXPIRED. */
export const refreshPaymentRequest =
  (dependencies: KlarnaDependencies & { readonly store: PaymentRequestStore }) =>
  async (known: PaymentRequest, settings: AccountSettings): Promise<Refresh> => {
    const { store, clock, ids } = dependencies;
    const key: PaymentRequestKey = known;
    const reading = await readAtKlarna(dependencies)(
      settings,
      key.paymentRequestId,
      clock.now() + readBudget,
    );
    const { answer } = reading;
    const { proof } = answer;
    const now = instantFromMillis(clock.now());
    const end = klarnaEndOf(known);
    const gone = answer.kind === 'not-found' && isOpen(known.state) && end <= now;
    const observation =
      answer.kind === 'payment-request'
        ? observationOf({ ...reading, answer }, 'read', dependencies)
        : gone
          ? {
              state: 'EXPIRED' as const,
              occurredAt: end,
              eventId: ownEventId('absence', ids.next()),
              source: 'absence' as const,
              observedAt: now,
              proof,
            }
          : undefined;
    if (!observation) {
      return { outcome: outcomeWithoutState(answer), record: known, proof };
    }
    const { record } = await changeRecord(store, key, known, (stored) => ({
      next: stored && asNextVersion(applyObservation(stored, observation).record, now),
      outcome: undefined,
    }));
    return { outcome: 'refreshed', record: record ?? known, proof };
  };

/** What asking came to where Klarna showed no request. */
export function outcomeWithoutState({ kind }: KlarnaAnswer): Exclude<RefreshOutcome, 'refreshed'> {
  if (kind === 'not-found') return 'absent';
  return kind === 'denied' ? 'klarna_denied' : 'unknown';
}
