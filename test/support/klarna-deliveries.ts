import { sign, signatureHeader, signingKeyIdHeader } from '../../functions/webhook/klarna-signature.ts';
import type { QuarantinedDelivery } from '../../functions/domain/quarantined-delivery.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { account, key as paymentRequestKey, noon } from './fixtures.ts';
import { functionUrlEvent, type UrlCall } from './lambda-events.ts';
import { planted } from './planted-secrets.ts';

export const subject = 'krn:partner:global:account:test:M4CIYH2N';
export const recipient = 'krn:partner:global:account:test:M48JWZF8';
export const webhookId = 'krn:partner:global:notification:webhook:8932d175-0000-4000-8000-000000000000';
export const eventId = '62bb5d9f-33d3-43d0-9d84-1018eb573ed6';
export const signingKeyId =
  'krn:partner:global:notification:signing-key:120e5b7e-0000-4000-8000-000000000000';

/** A signing key that may speak for one account; bound to nothing else unless a test says so. */
export const signingKeyWith = (fields: Partial<SigningKey> = {}): SigningKey => ({
  id: signingKeyId,
  key: planted.signingKey,
  recipientAccountId: undefined,
  webhookId: undefined,
  live: undefined,
  accounts: new Map([[subject, account]]),
  ...fields,
});

/** A delivery that was signed well, and was for another account than its key then spoke for. */
export const quarantinedDelivery: QuarantinedDelivery = {
  signingKeyId,
  deliveryId: 'e1',
  reason: 'other_account',
  receivedAt: noon,
  bodySha256: 'ab',
  facts: {
    eventId: 'e1',
    eventType: 'payment.request.state-change.canceled',
    eventVersion: 'v2',
    occurredAt: '2026-03-01T11:59:00Z',
    subjectAccountId: subject,
    paymentRequestId: paymentRequestKey.paymentRequestId,
    state: 'CANCELED',
  },
};

type Members = Readonly<Record<string, unknown>>;

/** A delivery as Klarna's pages compose it; `undefined` leaves a field out. */
export const deliveryWith = (metadata: Members = {}, payload: Members = {}): Members => ({
  metadata: {
    event_id: eventId,
    event_type: 'payment.request.state-change.canceled',
    event_version: 'v2',
    occurred_at: '2026-03-01T12:00:00Z',
    recipient_account_id: recipient,
    subject_account_id: subject,
    product_instance_id: 'krn:partner:global:account:product:payment:131c75cd-0000-4000-8000-000000000000',
    webhook_id: webhookId,
    live: false,
    ...metadata,
  },
  payload: {
    payment_request_id: paymentRequestKey.paymentRequestId,
    state: 'CANCELED',
    previous_state: 'SUBMITTED',
    state_reason: 'PARTNER_CANCELED',
    ...payload,
  },
});

/** A completed delivery with everything of the customer's that Klarna puts into one. */
export const completedDelivery = (metadata: Members = {}): Members =>
  deliveryWith(
    { event_type: 'payment.request.state-change.completed', ...metadata },
    {
      state: 'COMPLETED',
      previous_state: 'IN_PROGRESS',
      state_reason: undefined,
      klarna_network_session_token: planted.token,
      state_context: {
        klarna_network_session_token: planted.token,
        klarna_customer: {
          customer_profile: {
            given_name: planted.name,
            family_name: planted.name,
            email: planted.email,
            address: { street_address: planted.address },
          },
        },
      },
    },
  );

/** The bytes of a delivery: of a text its own, of anything else those of its JSON. */
export const bytesOf = (body: unknown): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8');

/** The headers that Klarna sends with a body. */
export const signedHeaders = (
  bytes: Uint8Array,
  key = signingKeyWith(),
): Readonly<Record<string, string>> => ({
  'content-type': 'application/json; charset=utf-8',
  'content-length': String(bytes.length),
  [signatureHeader]: sign(bytes, key.key),
  [signingKeyIdHeader]: key.id,
});

/** A delivery as the Lambda URL passes it on, signed. */
export function signedEvent(body: unknown, key = signingKeyWith(), call: UrlCall = {}) {
  const bytes = bytesOf(body);
  return functionUrlEvent({
    ...call,
    body: bytes,
    headers: { ...signedHeaders(bytes, key), ...call.headers },
  });
}
