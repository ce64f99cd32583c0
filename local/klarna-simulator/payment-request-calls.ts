import type { Instant } from '../../functions/domain/instant.ts';
import {
  type SimulatorResponse,
  conflict,
  forbidden,
  invalid,
  notFound,
  type Refusal,
} from './simulator-response.ts';
import type { ApiCall, ApiRoute } from './api-call.ts';
import type { Clock } from './clock.ts';
import { readInteractionExpiry } from './interaction-expiry.ts';
import { givenFields, shownPaymentRequest, type SimulatedPaymentRequest } from './payment-request.ts';
import type { PaymentRequests } from './payment-requests.ts';
import type { SettingsInForce } from './settings.ts';

type Route = Extract<ApiRoute, { readonly resource: 'payment-requests' }>;

export interface PaymentRequestCallsParts {
  readonly paymentRequests: PaymentRequests;
  readonly clock: Clock;
  readonly settings: SettingsInForce;
}

/** Performs a call about Payment Requests, and returns Klarna's response. */
export function respondToPaymentRequestCall(
  parts: PaymentRequestCallsParts,
  route: Route,
  { caller, body }: ApiCall,
): SimulatorResponse | Refusal {
  const { partnerAccountId } = caller;
  if (route.account !== undefined && partnerAccountId !== undefined && route.account !== partnerAccountId) {
    return forbidden;
  }
  if (route.operation === 'create') return create(parts, route.account ?? partnerAccountId, body);
  const request = parts.paymentRequests.find(route.id);
  // On the acquiring partner's path the account must be the owner. On the direct path the key names the owner, if it
  // names one.
  const owner = route.account ?? partnerAccountId;
  if (!request || (owner !== undefined && (request.partner_account_id ?? owner) !== owner)) {
    return notFound('payment request');
  }
  switch (route.operation) {
    case 'read':
      return { status: 200, json: shownPaymentRequest(request) };
    case 'cancel':
      return cancel(parts, request);
    case 'patch':
      return patch(parts, request, body);
  }
}

function create(
  { paymentRequests, clock }: PaymentRequestCallsParts,
  account: string | undefined,
  body: ApiCall['body'],
): SimulatorResponse | Refusal {
  const read = readGiven(body, clock());
  if ('errorCode' in read) return read;
  const created = paymentRequests.create(
    {
      given: read.given,
      ...(account !== undefined && { partner_account_id: account }),
      ...(read.expiresAt !== undefined && { expires_at: read.expiresAt }),
    },
    { announced: true },
  );
  return { status: 201, json: shownPaymentRequest(created), tookEffect: true };
}

function patch(
  { paymentRequests, clock }: PaymentRequestCallsParts,
  request: SimulatedPaymentRequest,
  body: ApiCall['body'],
): SimulatorResponse | Refusal {
  const read = readGiven(body, clock());
  if ('errorCode' in read) return read;
  if (request.state !== 'SUBMITTED') {
    return conflict(`A payment request can be changed only while it is SUBMITTED; it is ${request.state}.`);
  }
  const updated = paymentRequests.update(request, read.given, read.expiresAt);
  return { status: 200, json: shownPaymentRequest(updated), tookEffect: true };
}

function cancel(
  { paymentRequests, settings }: PaymentRequestCallsParts,
  request: SimulatedPaymentRequest,
): SimulatorResponse | Refusal {
  const canceled = paymentRequests.move(request.payment_request_id, 'cancel');
  if (canceled) return { status: 200, json: shownPaymentRequest(canceled), tookEffect: true };
  const refusals = {
    200: { status: 200, json: shownPaymentRequest(request) },
    400: invalid('payment_request_id', `The payment request is ${request.state}.`),
    403: forbidden,
    404: notFound('payment request'),
    409: conflict(`The payment request is ${request.state}.`),
  } as const;
  return refusals[settings.current.responseToRepeatedCancel];
}

interface Given {
  readonly given: Readonly<Record<string, unknown>>;
  readonly expiresAt: Instant | undefined;
}

/** The fields that the partner may set, checked where Klarna's pages have a rule. */
function readGiven(body: ApiCall['body'], now: Instant): Given | Refusal {
  const { currency, amount, payment_request_reference: reference } = body;
  if (currency !== undefined && !(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency))) {
    return invalid('currency', 'It must be three capital letters, by ISO 4217.');
  }
  if (amount !== undefined && !(Number.isSafeInteger(amount) && Number(amount) >= 0)) {
    return invalid('amount', 'It must be a whole number of minor units.');
  }
  if (reference !== undefined && !(typeof reference === 'string' && reference.length <= 255)) {
    return invalid('payment_request_reference', 'It must be a text of at most 255 characters.');
  }
  const expiresAt = readInteractionExpiry(body, now);
  if (typeof expiresAt === 'object') return expiresAt;
  return { given: givenFields(body), expiresAt };
}
