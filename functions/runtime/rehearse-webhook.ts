import type { SigningKey } from '../application/ports.ts';
import type { receiveWebhook } from '../application/receive-webhook.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { readDelivery } from './klarna-delivery.ts';
import { sign, verify } from './klarna-signature.ts';
import { nobody, rehearsals } from './rehearse-cancel.ts';

const key: SigningKey = {
  id: 'warm-up',
  key: 'not a key of anybody',
  recipientAccountId: undefined,
  webhookId: undefined,
  live: undefined,
  accounts: new Map([['nobody', nobody.account]]),
};

const delivery = {
  metadata: {
    event_id: '00000000-0000-4000-8000-000000000000',
    event_type: 'payment.request.updated',
    occurred_at: '1970-01-01T00:00:00Z',
    subject_account_id: 'nobody',
  },
  payload: {
    payment_request_id: 'krn:payment:eu1:request:00000000-0000-4000-8000-000000000000',
    state: 'SUBMITTED',
  },
};

/** Verifies, reads and records a delivery, on a store that has no network, so that all of the code has run. */
export const rehearseWebhook =
  (without: () => ReturnType<typeof receiveWebhook>) => async (): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(delivery));
    const receive = without();
    for (let time = 0; time < rehearsals; time += 1) {
      verify(bytes, key.key, sign(bytes, key.key));
      await receive(readDelivery(bytes, key, instantFromMillis(Date.now())));
    }
  };
