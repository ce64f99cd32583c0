import { randomUUID } from 'node:crypto';
import { type SimulatorResponse, conflict, invalid, notFound, type Refusal } from './simulator-response.ts';
import type { ApiCall, ManagementRoute } from './api-call.ts';
import { type Caller, isManagedBy } from './caller.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliveries.ts';
import { eventOf } from './delivery-body.ts';
import { eventTypePattern, simulatedTypes, stateChangeType } from './event-types.ts';
import type { SimulatedPaymentRequest } from './payment-request.ts';
import { states } from './state-machine.ts';
import type { SigningKey, Subscriptions, Webhook, WebhookChoice } from './subscriptions.ts';

type Route = ManagementRoute & { readonly resource: 'signing-keys' | 'webhooks' };
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
  call: ApiCall,
): SimulatorResponse | Refusal {
  return route.resource === 'signing-keys'
    ? respondToSigningKeyCall(parts.subscriptions, route, call)
    : respondToWebhookCall(parts, route, call);
}

function respondToSigningKeyCall(
  subscriptions: Subscriptions,
  { operation, id }: Route,
  { caller }: ApiCall,
): SimulatorResponse | Refusal {
  if (operation === 'create') {
    const created = subscriptions.createSigningKey(caller);
    return created
      ? {
          status: 201,
          json: { ...withoutSecret(created), signing_key: created.signing_key },
          tookEffect: true,
        }
      : conflict('An account may have at most 50 signing keys.');
  }
  if (operation === 'list') {
    return { status: 200, json: { signing_keys: subscriptions.signingKeysOf(caller).map(withoutSecret) } };
  }
  const key = subscriptions.signingKeys.get(id);
  if (!key || !isManagedBy(key, caller)) return notFound('signing key');
  if (operation === 'read') return { status: 200, json: withoutSecret(key) };
  if (subscriptions.isInUse(id)) return conflict('A webhook is signed with this key.');
  subscriptions.signingKeys.delete(id);
  return { status: 204, tookEffect: true };
}

/** The secret is shown once, when the key is created. */
const withoutSecret = ({ signing_key_id, created_at }: SigningKey) => ({ signing_key_id, created_at });

function respondToWebhookCall(
  parts: NotificationCallsParts,
  { operation, id }: Route,
  { caller, body }: ApiCall,
): SimulatorResponse | Refusal {
  const { subscriptions } = parts;
  if (operation === 'create') return subscribe(subscriptions, caller, body);
  if (operation === 'list') {
    return { status: 200, json: { webhooks: subscriptions.webhooksOf(caller).map(shown) } };
  }
  const webhook = subscriptions.webhooks.get(id);
  if (!webhook || !isManagedBy(webhook, caller)) return notFound('webhook');
  if (operation === 'read') return { status: 200, json: shown(webhook) };
  if (operation === 'simulate') return simulate(parts, webhook, body);
  if (operation === 'change') return changeWebhook(subscriptions, caller, { webhook, body });
  subscriptions.webhooks.delete(id);
  return { status: 204, tookEffect: true };
}

function changeWebhook(
  subscriptions: Subscriptions,
  caller: Caller,
  { webhook, body }: { readonly webhook: Webhook; readonly body: Body },
): SimulatorResponse | Refusal {
  const choice = readChoice(subscriptions, caller, { ...webhook, ...body });
  if ('errorCode' in choice) return choice;
  if (subscriptions.hasEqual(caller, choice, webhook.webhook_id)) return equalExists;
  const changed = { ...webhook, ...choice };
  subscriptions.webhooks.put(webhook.webhook_id, changed);
  return { status: 200, json: shown(changed), tookEffect: true };
}

const equalExists = conflict('There is an equal subscription.');

const shown = ({ webhook_id, url, event_types, event_version, signing_key_id, status }: Webhook) => ({
  webhook_id,
  url,
  event_types,
  event_version,
  signing_key_id,
  status,
});

function subscribe(subscriptions: Subscriptions, caller: Caller, body: Body): SimulatorResponse | Refusal {
  const choice = readChoice(subscriptions, caller, { status: 'ENABLED', ...body });
  if ('errorCode' in choice) return choice;
  if (subscriptions.hasEqual(caller, choice)) return equalExists;
  return { status: 201, json: shown(subscriptions.createWebhook(caller, choice)), tookEffect: true };
}

/** The fields that a webhook's owner may set, read from a whole body. */
function readChoice(subscriptions: Subscriptions, caller: Caller, body: Body): WebhookChoice | Refusal {
  const { url, event_types, event_version, signing_key_id, status } = body;
  if (typeof url !== 'string' || !/^https?:/.test(url) || !URL.canParse(url)) {
    return invalid('url', 'It must be an http or https URL.');
  }
  if (!Array.isArray(event_types) || event_types.length === 0 || !event_types.every(isEventType)) {
    return invalid('event_types', 'It must be a list of types such as payment.request.state-change.*.');
  }
  if (event_version !== 'v2') return invalid('event_version', 'It must be v2.');
  if (!subscriptions.signingKeysOf(caller).some((key) => key.signing_key_id === signing_key_id)) {
    return invalid('signing_key_id', 'It must be the id of a signing key.');
  }
  if (status !== 'ENABLED' && status !== 'DISABLED')
    return invalid('status', 'It must be ENABLED or DISABLED.');
  return { url, event_types, signing_key_id: String(signing_key_id), status };
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
  if (typeof eventType !== 'string' || !simulatedTypes.includes(eventType)) {
    return invalid('event_type', `It must be one of ${simulatedTypes.join(', ')}.`);
  }
  if (event_version !== 'v2') return invalid('event_version', 'It must be v2.');
  const now = clock();
  if (!eventType.startsWith('payment.request.')) {
    const payload = {
      payment_transaction_id: `krn:payment:eu1:transaction:${randomUUID()}`,
      state: 'AUTHORIZED',
    };
    deliveries.announceTo(webhook, {
      eventId: randomUUID(),
      eventType,
      occurredAt: now,
      subjectAccountId: undefined,
      payload,
    });
    return { status: 202, tookEffect: true };
  }
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
