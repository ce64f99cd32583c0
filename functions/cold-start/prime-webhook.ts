import middy from '@middy/core';
import type { SigningKey } from '../application/ports.ts';
import type { receiveWebhook } from '../application/receive-webhook.ts';
import { sign, signatureHeader, signingKeyIdHeader } from '../webhook/klarna-signature.ts';
import { nobody } from './prime-cancel.ts';
import { receiveCall, type UrlCall } from '../webhook/webhook-handler.ts';

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

const body = JSON.stringify(delivery);

const call: UrlCall = {
  requestContext: { http: { method: 'POST' } },
  headers: {
    'content-type': 'application/json',
    [signingKeyIdHeader]: key.id,
    [signatureHeader]: sign(Buffer.from(body), key.key),
  },
  body,
  isBase64Encoded: false,
};

/**
 * V8 compiles what has run so often, and does so here and not in the first calls on a seventh of a core. Each takes a millisecond
 * of init (docs/evidence/performance.md).
 */
const rounds = 6;

const passOn = (): undefined => undefined;

/** Receives a delivery of nobody's, on a store that has no network, so that all of the code has run. */
export const primeWebhook = (without: () => ReturnType<typeof receiveWebhook>) => async (): Promise<void> => {
  const receive = receiveCall({ signingKeys: { find: () => Promise.resolve(key) }, receive: without() });
  // As the handler is put together, without its log lines.
  const prime = middy<UrlCall>().use({ before: passOn, after: passOn }).handler(receive);
  for (let time = 0; time < rounds; time += 1) await prime(call, {});
};
