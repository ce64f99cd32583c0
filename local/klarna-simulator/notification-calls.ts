import { randomUUID } from 'node:crypto';
import { type SimulatorResponse, conflict, invalid, notFound, type Refusal } from './simulator-response.ts';
import type { ApiCall, ApiRoute } from './api-call.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliveries.ts';
import { eventOf } from './delivery-body.ts';
import { eventTypePattern, eventTypes, stateChangeType } from './event-types.ts';
import type { SimulatedPaymentRequest } from './payment-request.ts';
import { states } from './state-machine.ts';
import type { SigningKey, Subscriptions, Webhook, WebhookChoice } from './subscriptions.ts';

type Route = Extract<ApiRoute, { readonly resource: 'signing-keys' | 'webhooks' }>;
type Body = ApiCall['body'];

export interface NotificationCallsParts {
  readonly subscriptions: Subscriptions;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
}

/** Performs a call about signing keys and webhooks, and returns Klarna's response. */
export function respondToNotificationCall(
  parts: NotificationCallsParts,
  route: Route,
  { body }: ApiCall,
): SimulatorResponse | Refusal {
  return route.resource === 'signing-keys'
    ? respondToSigningKeyCall(parts.subscriptions, route)
    : respondToWebhookCall(parts, route, body);
}

function respondToSigningKeyCall(
  subscriptions: Subscriptions,
  { operation, id }: Route,
): SimulatorResponse | Refusal {
  if (operation === 'create') {
    const created = subscriptions.createSigningKey();
    return created
      ? { status: 201, json: created, tookEffect: true }
      : conflict('An account may have at most 50 signing keys.');
  }
  if (operation === 'list') {
    return { status: 200, json: { signing_keys: subscriptions.signingKeys.all().map(withoutSecret) } };
  }
  const key = subscriptions.signingKeys.get(id);
  if (!key) return notFound('signing key');
  if (operation === 'read') return { status: 200, json: withoutSecret(key) };
  if (subscriptions.isInUse(id)) return conflict('A webhook is signed with this key.');
  subscriptions.signingKeys.delete(id);
  return { status: 204, tookEffect: true };
}

/** The secret is shown once, when the key is created. */
const withoutSecret = ({ signing_key_id, created_at }: SigningKey) => ({ signing_key_id, created_at });

function respondToWebhookCall(
  parts: NotificationCallsParts,
  route: Route,
  body: Body,
): SimulatorResponse | Refusal {
  const { webhooks } = parts.subscriptions;
  if (route.operation === 'create') return subscribe(parts.subscriptions, body);
  if (route.operation === 'list') return { status: 200, json: { webhooks: webhooks.all().map(shown) } };
  const webhook = webhooks.get(route.id);
  if (!webhook) return notFound('webhook');
  switch (route.operation) {
    case 'read':
      return { status: 200, json: shown(webhook) };
    case 'simulate':
      return simulate(parts, webhook, body);
    case 'delete':
      webhooks.delete(route.id);
      return { status: 204, tookEffect: true };
    case 'change': {
      const choice = readChoice(parts.subscriptions, { ...webhook, ...body });
      if ('errorCode' in choice) return choice;
      const changed = { ...webhook, ...choice };
      webhooks.put(route.id, changed);
      return { status: 200, json: shown(changed), tookEffect: true };
    }
  }
}

const shown = ({ webhook_id, url, event_types, event_version, signing_key_id, status }: Webhook) => ({
  webhook_id,
  url,
  event_types,
  event_version,
  signing_key_id,
  status,
});

function subscribe(subscriptions: Subscriptions, body: Body): SimulatorResponse | Refusal {
  const choice = readChoice(subscriptions, { status: 'ENABLED', ...body });
  if ('errorCode' in choice) return choice;
  const created = subscriptions.createWebhook(choice);
  return created
    ? { status: 201, json: shown(created), tookEffect: true }
    : conflict('There is an equal subscription.');
}

/** The fields that a webhook's owner may set, read from a whole body. */
function readChoice(subscriptions: Subscriptions, body: Body): WebhookChoice | Refusal {
  const { url, event_types, event_version, signing_key_id, status } = body;
  if (typeof url !== 'string' || !/^https?:/.test(url) || !URL.canParse(url)) {
    return invalid('url', 'It must be an http or https URL.');
  }
  if (!Array.isArray(event_types) || event_types.length === 0 || !event_types.every(isEventType)) {
    return invalid('event_types', 'It must be a list of types such as payment.request.state-change.*.');
  }
  if (event_version !== 'v2') return invalid('event_version', 'It must be v2.');
  if (typeof signing_key_id !== 'string' || !subscriptions.signingKeys.get(signing_key_id)) {
    return invalid('signing_key_id', 'It must be the id of a signing key.');
  }
  if (status !== 'ENABLED' && status !== 'DISABLED')
    return invalid('status', 'It must be ENABLED or DISABLED.');
  return { url, event_types, signing_key_id, status };
}

const isEventType = (type: unknown): type is string =>
  typeof type === 'string' && eventTypePattern.test(type);

/** Sends a delivery about a request that has never existed. */
function simulate(
  { deliveries, clock }: NotificationCallsParts,
  webhook: Webhook,
  body: Body,
): SimulatorResponse | Refusal {
  const { event_type: eventType, event_version } = body;
  if (typeof eventType !== 'string' || !eventTypes.includes(eventType)) {
    return invalid('event_type', `It must be one of ${eventTypes.join(', ')}.`);
  }
  if (event_version !== 'v2') return invalid('event_version', 'It must be v2.');
  const now = clock();
  const request: SimulatedPaymentRequest = {
    payment_request_id: `krn:payment:eu1:request:${randomUUID()}`,
    state: states.find((state) => stateChangeType(state) === eventType) ?? 'SUBMITTED',
    created_at: now,
    updated_at: now,
    expires_at: now,
    given: {},
  };
  deliveries.announceTo(webhook, eventOf(request, eventType, 9));
  return { status: 202, tookEffect: true };
}
