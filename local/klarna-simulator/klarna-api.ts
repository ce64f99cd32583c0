import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { readJson } from '../../functions/contract/read-json.ts';
import {
  type SimulatorResponse,
  invalid,
  isRefusal,
  type Refusal,
  unauthorized,
} from './simulator-response.ts';
import { type ApiCall, type ApiRoute, headerOf, routeOf } from './api-call.ts';
import { callerOf } from './authorization.ts';
import type { Call, Calls } from './calls.ts';
import type { Configuration } from './configuration.ts';
import { type EnvelopeStyle, inEnvelope } from './error-envelope.ts';
import { type FaultPlan, noFault, planOf } from './fault-plan.ts';
import type { Faults } from './faults.ts';
import { isJsonObject } from '../shared/json-object.ts';
import { readBody } from '../shared/read-body.ts';
import { longestBodyBytes } from './klarna-limits.ts';
import { respondToNotificationCall, type NotificationCallsParts } from './notification-calls.ts';
import { respondToPaymentRequestCall, type PaymentRequestCallsParts } from './payment-request-calls.ts';
import { RateLimit, rateLimited } from './rate-limit.ts';
import { RememberedResponses } from './remembered-responses.ts';
import { sendResponse } from './send-response.ts';

export interface KlarnaApiParts extends PaymentRequestCallsParts, NotificationCallsParts {
  readonly database: DatabaseSync;
  readonly apiKeys: Configuration['apiKeys'];
  readonly faults: Faults;
  readonly calls: Calls;
}

/**
 * Klarna's API over HTTP, with the calls that Klarna's pages describe. Each call is recorded, and each can have a
 * fault.
 */
export class KlarnaApi {
  readonly #parts: KlarnaApiParts;
  readonly #rateLimit: RateLimit;
  readonly #remembered: RememberedResponses;

  constructor(parts: KlarnaApiParts) {
    this.#parts = parts;
    this.#rateLimit = new RateLimit(parts.settings, parts.clock);
    this.#remembered = new RememberedResponses(parts.database, parts.clock);
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { method = '' } = request;
    const route = routeOf(method, path);
    const body = await readBody(request, longestBodyBytes);
    const { headers: limitHeaders, exceeded } = this.#rateLimit.count(
      headerOf(request.headers, 'authorization') ?? '',
    );
    const { plan, call } = this.#begin(request, path, route);
    const truth = (): SimulatorResponse | Refusal =>
      exceeded ? rateLimited : this.#respond(request, `${method} ${path}`, route, body);

    if (plan.before && route) this.#interfere(plan.before, route.id);
    const style: EnvelopeStyle = path.startsWith('/v2/accounts/') ? 'errors' : 'validation_errors';
    const trueResponse = plan.effect ? rendered(truth(), style) : undefined;
    const reply =
      plan.response === 'true'
        ? trueResponse
        : typeof plan.response === 'object'
          ? rendered(plan.response, style)
          : undefined;
    this.#parts.calls.end(call, {
      status: reply?.status ?? null,
      took_effect: trueResponse?.tookEffect ?? false,
      payment_request_id: call.payment_request_id ?? idIn(trueResponse),
    });

    if (plan.delayMillis > 0) await wait(plan.delayMillis);
    if (plan.response === 'reset') request.socket.resetAndDestroy();
    else if (reply) sendResponse(response, reply, limitHeaders);
  }

  #begin(
    request: IncomingMessage,
    path: string,
    route: ApiRoute | undefined,
  ): { plan: FaultPlan; call: Call } {
    const aboutRequests = route?.resource === 'payment-requests' ? route : undefined;
    const paymentRequestId = aboutRequests?.id === '' ? undefined : aboutRequests?.id;
    const fault = aboutRequests && this.#parts.faults.takeForCall(aboutRequests.operation, paymentRequestId);
    const call = this.#parts.calls.begin({
      method: request.method ?? '',
      path,
      payment_request_id: paymentRequestId ?? null,
      correlation_id: headerOf(request.headers, 'partner-correlation-id') ?? null,
      fault: fault?.kind ?? null,
    });
    return { plan: fault ? planOf(fault, paymentRequestId) : noFault, call };
  }

  /** Changes the request in the instant before the call is handled. */
  #interfere(what: 'approve' | 'expire-and-delete', id: string): void {
    const { paymentRequests } = this.#parts;
    if (what === 'approve') {
      paymentRequests.decide(id, 'approve');
      return;
    }
    paymentRequests.move(id, 'expire');
    const request = paymentRequests.find(id);
    if (request) paymentRequests.remove(request);
  }

  #respond(
    { headers }: IncomingMessage,
    call: string,
    route: ApiRoute | undefined,
    bytes: Buffer | undefined,
  ): SimulatorResponse | Refusal {
    const caller = callerOf(headerOf(headers, 'authorization'), this.#parts.apiKeys);
    if (!caller) return unauthorized;
    // Like Klarna on a wrong path: 403 without a body.
    if (!route) return { status: 403 };
    const correlationId = headerOf(headers, 'partner-correlation-id');
    if (correlationId !== undefined && !/^[A-Za-z0-9]{1,255}$/.test(correlationId)) {
      return invalid('Partner-Correlation-Id', 'It must be at most 255 letters and digits.');
    }
    const body = readJsonBody(route, headerOf(headers, 'content-type'), bytes);
    if ('errorCode' in body) return body;
    return this.#once(headerOf(headers, 'klarna-idempotency-key'), call, route, { caller, body: body.json });
  }

  /** Handles the call, unless it was made before with the same idempotency key. */
  #once(
    idempotencyKey: string | undefined,
    name: string,
    route: ApiRoute,
    call: ApiCall,
  ): SimulatorResponse | Refusal {
    if (route.resource !== 'payment-requests') return respondToNotificationCall(this.#parts, route, call);
    const honoured = route.operation === 'create' || route.operation === 'patch' ? idempotencyKey : undefined;
    const before = honoured === undefined ? undefined : this.#remembered.find(name, honoured);
    if (before) return before;
    const reply = respondToPaymentRequestCall(this.#parts, route, call);
    if (honoured !== undefined && !isRefusal(reply)) this.#remembered.remember(name, honoured, reply);
    return reply;
  }
}

const rendered = (reply: SimulatorResponse | Refusal, style: EnvelopeStyle): SimulatorResponse =>
  isRefusal(reply) ? inEnvelope(reply, style) : reply;

/** The id of a created request, so the record of its creation has it. */
function idIn(reply: SimulatorResponse | undefined): string | null {
  const id = isJsonObject(reply?.json) ? reply.json['payment_request_id'] : undefined;
  return typeof id === 'string' ? id : null;
}

/** The JSON object of a body; empty where the call takes none. */
function readJsonBody(
  route: ApiRoute,
  contentType: string | undefined,
  bytes: Buffer | undefined,
): { readonly json: ApiCall['body'] } | Refusal {
  if (!bytes) return invalid('body', 'It must be at most 1 MB.');
  const takesNone =
    ['read', 'list', 'cancel', 'delete'].includes(route.operation) ||
    (route.resource === 'signing-keys' && route.operation === 'create');
  if (takesNone) {
    return bytes.length === 0 ? { json: {} } : invalid('body', 'There must be none.');
  }
  if (!/^application\/json *(;|$)/i.test(contentType ?? '')) {
    return { status: 400, errorCode: 'INVALID_CONTENT_TYPE', message: 'It must be application/json.' };
  }
  const json = readJson(bytes);
  return isJsonObject(json) ? { json } : invalid('body', 'It must be a JSON object.');
}
