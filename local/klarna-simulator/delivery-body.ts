import { randomUUID } from 'node:crypto';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Environment } from './environment.ts';
import { completedContext } from './pii-canaries.ts';
import type { SimulatedPaymentRequest } from './payment-request.ts';
import { authorizedType } from './event-types.ts';
import type { Settings } from './settings.ts';
import type { Webhook } from './subscriptions.ts';

/** An event about a Payment Request or an account, as a webhook reports it. */
export interface KlarnaEvent {
  readonly eventId: string;
  readonly eventType: string;
  /** Default: the subscription's. */
  readonly eventVersion?: string;
  readonly occurredAt: string;
  readonly subjectAccountId: string | undefined;
  /** Undefined: of a request that the control surface made, which is reported in both. */
  readonly environment?: Environment;
  readonly payload: Readonly<Record<string, unknown>>;
}

const productInstanceId = 'krn:partner:global:account:product:payment:131c75cd-0000-4000-8000-000000000000';

/** The event about a request's newest change. */
export const eventOf = (
  request: SimulatedPaymentRequest,
  eventType: string,
  fractionalDigits: number,
): KlarnaEvent => ({
  eventId: randomUUID(),
  eventType,
  occurredAt: withDigits(request.updated_at, fractionalDigits),
  subjectAccountId: request.partner_account_id,
  ...(request.environment && { environment: request.environment }),
  payload: {
    payment_request_id: request.payment_request_id,
    payment_request_reference: request.given['payment_request_reference'],
    state: request.state,
    previous_state: request.previous_state,
    state_reason: request.state_reason,
    expires_at: request.expires_at,
    ...(request.state === 'COMPLETED' && {
      klarna_network_session_token: completedContext.klarna_network_session_token,
      state_context: completedContext,
    }),
  },
});

/** The event that a payment was authorized. The setting says which of its fields names the Payment Request. */
export const authorizedEvent = (
  request: SimulatedPaymentRequest,
  at: Instant,
  { occurredAtDigits, transactionNames }: Pick<Settings, 'occurredAtDigits' | 'transactionNames'>,
): KlarnaEvent => ({
  eventId: randomUUID(),
  eventType: authorizedType,
  occurredAt: withDigits(at, occurredAtDigits),
  subjectAccountId: request.partner_account_id,
  payload: {
    payment_transaction_id: `krn:payment:eu1:transaction:${randomUUID()}`,
    state: 'AUTHORIZED',
    ...(transactionNames === 'payment_request_id' && { payment_request_id: request.payment_request_id }),
    ...(transactionNames === 'payment_request_reference' && {
      payment_request_reference: request.given['payment_request_reference'],
    }),
  },
});

/** The event that a partner account was onboarded. Klarna sends it with version 1. */
export const onboardedEvent = (accountId: string, at: Instant): KlarnaEvent => ({
  eventId: randomUUID(),
  eventType: 'partner.account.state-change.operational',
  eventVersion: 'v1',
  occurredAt: at,
  subjectAccountId: accountId,
  payload: { account_id: accountId, state: 'OPERATIONAL', previous_state: 'PARTIALLY_OPERATIONAL' },
});

/** The body for one subscriber, as text. */
export const bodyOf = (event: KlarnaEvent, webhook: Webhook): string =>
  JSON.stringify({
    metadata: {
      event_id: event.eventId,
      event_type: event.eventType,
      event_version: event.eventVersion ?? webhook.event_version,
      occurred_at: event.occurredAt,
      subject_account_id: event.subjectAccountId ?? webhook.subject_account_id,
      recipient_account_id: webhook.recipient_account_id,
      product_instance_id: productInstanceId,
      webhook_id: webhook.webhook_id,
      live: webhook.live,
    },
    payload: event.payload,
  });

/** The time with this many fractional digits; 0 removes the decimal point, too. */
const withDigits = (instant: Instant, digits: number): string =>
  `${instant.slice(0, digits === 0 ? 19 : 20 + digits)}Z`;
