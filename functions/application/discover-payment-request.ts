import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { type KlarnaDependencies, observationOf, readAtKlarna } from './ask-klarna.ts';
import type { AccountSettings, PaymentRequestStore } from './ports.ts';
import { recordObservation } from './record-observation.ts';
import { outcomeWithoutState, readBudget } from './refresh-payment-request.ts';

/** `not_found`: Klarna does not know it either. `klarna_denied`: it refuses our credentials. `unknown`: it gave no answer that says anything. */
export type Discovery =
  | { readonly outcome: 'refreshed'; readonly record: PaymentRequest | undefined }
  | { readonly outcome: 'not_found' | 'klarna_denied' | 'unknown'; readonly record: undefined };

/**
 * Asks Klarna about a request that nobody has a record of. One that Klarna knows gets its record by the write that its webhook
 * would have made; no other does.
 */
export const discoverPaymentRequest =
  (dependencies: KlarnaDependencies & { readonly store: PaymentRequestStore }) =>
  async (key: PaymentRequestKey, settings: AccountSettings): Promise<Discovery> => {
    const { store, clock } = dependencies;
    const until = clock.now() + readBudget;
    const { response, askedAt } = await readAtKlarna(dependencies)(settings, key.paymentRequestId, until);
    if (response.kind !== 'payment_request') {
      return { outcome: outcomeWithoutState(response), record: undefined };
    }
    await recordObservation(dependencies)(key, observationOf({ response, askedAt }, 'read', dependencies));
    return { outcome: 'refreshed', record: await store.read(key) };
  };
