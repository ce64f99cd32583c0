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
import type { Environment } from './environment.ts';
import { readInteractionExpiry } from './interaction-expiry.ts';
import { givenFields, shownPaymentRequest, type SimulatedPaymentRequest } from './payment-request.ts';
import type { NewPaymentRequest, PaymentRequests } from './payment-requests.ts';
import type { SettingsInForce } from './settings.ts';
import { isJsonObject } from '../shared/json-object.ts';

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
  if (route.operation === 'create' || route.operation === 'authorize') {
    const owner = { environment: caller.environment, account: route.account ?? partnerAccountId };
    return route.operation === 'create' ? create(parts, owner, body) : authorize(parts, owner, body);
  }
  const request = parts.paymentRequests.find(route.id);
  // On the acquiring partner's path the account must be the owner. On the direct path the key names the owner, if it
  // names one.
  const owner = route.account ?? partnerAccountId;
  const isElsewhere = (request?.environment ?? caller.environment) !== caller.environment;
  if (!request || isElsewhere || (owner !== undefined && (request.partner_account_id ?? owner) !== owner)) {
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

/** Whose the request is that a call creates. */
interface Owner {
  readonly environment: Environment;
  readonly account: string | undefined;
}

function create(
  { paymentRequests, clock }: PaymentRequestCallsParts,
  owner: Owner,
  body: ApiCall['body'],
): SimulatorResponse | Refusal {
  const read = readGiven(body, clock());
  if ('errorCode' in read) return read;
  const created = paymentRequests.create(newRequest(owner, read), { announced: true });
  return { status: 201, json: shownPaymentRequest(created), tookEffect: true };
}

const newRequest = ({ environment, account }: Owner, { given, expiresAt }: Given): NewPaymentRequest => ({
  given,
  environment,
  ...(account !== undefined && { partner_account_id: account }),
  ...(expiresAt !== undefined && { expires_at: expiresAt }),
});

const stepUpConfig = 'step_up_config';

/**
 * Authorizes a payment that starts in the partner's own flow. Where the customer must approve in Klarna's flow, it creates a Payment
 * Request with the reference and the expiry of `step_up_config`.
 */
function authorize(
  { paymentRequests, clock, settings }: PaymentRequestCallsParts,
  owner: Owner,
  body: ApiCall['body'],
): SimulatorResponse | Refusal {
  const { [stepUpConfig]: config = {}, ...amounts } = body;
  if (!isJsonObject(config)) return invalid(stepUpConfig, 'It must be an object.');
  const money = readGiven(amounts, clock());
  if ('errorCode' in money) return money;
  const stepUp = readGiven(config, clock(), `${stepUpConfig}.`);
  if ('errorCode' in stepUp) return stepUp;
  const { authorizeResult: result } = settings.current;
  if (result !== 'STEP_UP_REQUIRED') return { status: 200, json: { result }, tookEffect: true };
  const { currency, amount } = money.given;
  const given = {
    ...(currency !== undefined && { currency }),
    ...(amount !== undefined && { amount }),
    ...stepUp.given,
  };
  const created = paymentRequests.create(newRequest(owner, { given, expiresAt: stepUp.expiresAt }), {
    announced: true,
  });
  return {
    status: 200,
    json: { result, payment_request: shownPaymentRequest(created) },
    tookEffect: true,
  };
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

/**
 * The fields that the partner may set, checked where Klarna's pages have a rule.
 *
 * @param prefix what the names of parameters start with, where the body is a part of the whole
 */
function readGiven(body: ApiCall['body'], now: Instant, prefix = ''): Given | Refusal {
  const { currency, amount, payment_request_reference: reference } = body;
  if (currency !== undefined && !(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency))) {
    return invalid(`${prefix}currency`, 'It must be three capital letters, by ISO 4217.');
  }
  if (amount !== undefined && !(Number.isSafeInteger(amount) && Number(amount) >= 0)) {
    return invalid(`${prefix}amount`, 'It must be a whole number of minor units.');
  }
  if (reference !== undefined && !(typeof reference === 'string' && reference.length <= 255)) {
    return invalid(`${prefix}payment_request_reference`, 'It must be a text of at most 255 characters.');
  }
  const expiresAt = readInteractionExpiry(body, now, prefix);
  if (typeof expiresAt === 'object') return expiresAt;
  return { given: givenFields(body), expiresAt };
}
