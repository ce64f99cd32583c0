import type { Account, PaymentRequestKey, Reference } from '../../functions/domain/identifiers.ts';
import { sign } from '../../functions/webhook/klarna-signature.ts';
import { completedDelivery, deliveryWith } from '../support/klarna-deliveries.ts';
import type { Said, SaidAuthorization } from './simulated-klarna.ts';

export const subjectOf = (account: Account): string => `krn:partner:global:account:test:${account}`;
export const signingKeyIdOf = (account: Account): string => `signing-key-of-${account}`;
export const signatureOf = (bytes: Uint8Array, key = 'no_key'): string => sign(bytes, key);

/** The shop's own reference of a request. */
export const referenceOf = ({ account, paymentRequestId }: PaymentRequestKey): Reference =>
  `order-${account}-${paymentRequestId.slice(-2)}` as Reference;

/** The body of Klarna's event that a payment is authorized. */
export const authorizedBodyOf = ({ key, eventId, occurredAt, names }: SaidAuthorization) => ({
  metadata: {
    event_id: eventId,
    event_type: 'payment.transaction.state-change.authorized',
    event_version: 'v2',
    occurred_at: occurredAt,
    subject_account_id: subjectOf(key.account),
  },
  payload: {
    ...(names === 'id' && { payment_request_id: key.paymentRequestId }),
    ...(names === 'reference' && { payment_request_reference: referenceOf(key) }),
  },
});

/**
 * The body of Klarna's delivery. For COMPLETED, it includes the customer's data that Klarna sends with it.
 *
 * @param occurredAt the time that the body tells
 */
export function bodyOf(
  { key, eventId, state, previousState, reason, occurredAt: happenedAt }: Said,
  occurredAt: string = happenedAt,
  tellsReference = false,
) {
  const metadata = {
    event_id: eventId,
    event_type: `payment.request.state-change.${state.toLowerCase().replace('_', '-')}`,
    occurred_at: occurredAt,
    subject_account_id: subjectOf(key.account),
  };
  const payload = {
    payment_request_id: key.paymentRequestId,
    state,
    previous_state: previousState,
    state_reason: reason,
    ...(tellsReference && { payment_request_reference: referenceOf(key) }),
  };
  if (state !== 'COMPLETED') return deliveryWith(metadata, payload);
  const completed = completedDelivery(metadata);
  return { ...completed, payload: { ...(completed['payload'] as object), ...payload } };
}
