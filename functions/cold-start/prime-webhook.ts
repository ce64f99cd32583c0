import middy from '@middy/core';
import type { SigningKey } from '../domain/signing-key.ts';
import type { receiveWebhook } from '../application/receive-webhook.ts';
import { sign, signatureHeader, signingKeyIdHeader } from '../webhook/klarna-signature.ts';
import { primingKey } from './prime-cancel.ts';
import { receiveCall, type UrlCall } from '../webhook/webhook-handler.ts';

/** A subject that no account has. */
const subject = 'prime';

const key: SigningKey = {
  id: 'prime',
  key: 'used for priming only',
  recipientAccountId: undefined,
  webhookId: undefined,
  live: undefined,
  accounts: new Map([[subject, primingKey.account]]),
};

const delivery = {
  metadata: {
    event_id: '00000000-0000-4000-8000-000000000000',
    event_type: 'payment.request.updated',
    event_version: 'v2',
    occurred_at: '2026-01-01T00:00:00Z',
    subject_account_id: subject,
  },
  payload: {
    payment_request_id: 'krn:payment:eu1:request:00000000-0000-4000-8000-000000000000',
    state: 'SUBMITTED',
  },
};

/** The call is made in a function, so that the bundles without a webhook leave it out. */
function signedCall(): UrlCall {
  const body = JSON.stringify(delivery);
  return {
    requestContext: { http: { method: 'POST' } },
    headers: {
      'content-type': 'application/json',
      [signingKeyIdHeader]: key.id,
      [signatureHeader]: sign(Buffer.from(body), key.key),
    },
    body,
    isBase64Encoded: false,
  };
}

/** V8 compiles code after some runs: during init, not in the first calls. Each round takes 1 ms (docs/evidence/performance.md). */
const rounds = 4;

const passOn = (): undefined => undefined;

/** Receives a signed delivery on a store without a network, so that the whole path is loaded and compiled. */
export const primeWebhook = (offline: () => ReturnType<typeof receiveWebhook>) => async (): Promise<void> => {
  const receive = receiveCall({
    signingKeys: { find: () => Promise.resolve(key) },
    receive: offline(),
    onArrival: () => Promise.resolve(),
  });
  // The same chain as the handler's, without its log lines.
  const prime = middy<UrlCall>().use({ before: passOn, after: passOn }).handler(receive);
  const call = signedCall();
  for (let round = 0; round < rounds; round += 1) await prime(call, {});
};
