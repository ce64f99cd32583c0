import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { millisOf } from '../../functions/domain/instant.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import {
  type SimulatorResponse,
  forbidden,
  invalid,
  isRefusal,
  notFound,
  type Refusal,
  unauthorized,
} from './simulator-response.ts';
import { type ApiCall, type ApiRoute, headerOf, routeOf } from './api-call.ts';
import { type AccountCallsParts, respondToAccountCall } from './account-calls.ts';
import type { Caller } from './caller.ts';
import type { Call, Calls } from './calls.ts';
import { inEnvironment } from './environment.ts';
import { type EnvelopeStyle, inEnvelope } from './error-envelope.ts';
import { type FaultPlan, noFault, planOf } from './fault-plan.ts';
import type { Faults } from './faults.ts';
import { isJsonObject } from '../shared/json-object.ts';
import { readBody } from '../shared/read-body.ts';
import { longestBodyBytes } from './klarna-limits.ts';
import { respondToNotificationCall, type NotificationCallsParts } from './notification-calls.ts';
import { respondToPaymentRequestCall, type PaymentRequestCallsParts } from './payment-request-calls.ts';
import { isIntegrationMetadata } from './integration-metadata.ts';
import { RateLimit, rateLimited } from './rate-limit.ts';
import { RememberedResponses } from './remembered-responses.ts';
import { sendResponse } from './send-response.ts';

export interface KlarnaApiParts extends PaymentRequestCallsParts, NotificationCallsParts, AccountCallsParts {
  readonly database: DatabaseSync;
  readonly faults: Faults;
  readonly calls: Calls;
}

/** A response before its errors are in an envelope. */
type Response = SimulatorResponse | Refusal;

/**
 * Klarna's API over HTTP, with the calls that Klarna's pages describe. Each call is recorded, and each can have a
 * fault.
 */
export class KlarnaApi {
  readonly #parts: KlarnaApiParts;
  readonly #rateLimit: RateLimit;
  readonly #remembered: RememberedResponses;
  /** The calls with an idempotency key that are not finished. */
  readonly #underWay = new Map<string, Promise<Response>>();

  constructor(parts: KlarnaApiParts) {
    this.#parts = parts;
    this.#rateLimit = new RateLimit(parts.settings, parts.clock);
    this.#remembered = new RememberedResponses(parts.database, parts.clock);
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { method = '' } = request;
    const { environment, apiPath } = inEnvironment(path);
    const route = routeOf(method, apiPath);
    const body = await readBody(request, longestBodyBytes);
    const authorization = headerOf(request.headers, 'authorization');
    const { headers: limitHeaders, exceeded } = this.#rateLimit.count(authorization ?? '');
    const { plan, call } = this.#begin(request, apiPath, route);
    const caller = this.#parts.apiKeys.callerOf(authorization, environment);
    const security = caller && this.#parts.security.check(caller, request.socket.remoteAddress ?? '');
    const truth = async (): Promise<Response> => {
      if (exceeded) return rateLimited;
      if (!caller) return unauthorized;
      if (security?.isRefused === true) return forbidden;
      return this.#respond(request, { caller, name: `${method} ${path}`, route }, body);
    };

    if (plan.before && route) this.#interfere(plan.before, route.id);
    const style: EnvelopeStyle = apiPath.startsWith('/v2/accounts/') ? 'errors' : 'validation_errors';
    const trueResponse = plan.effect ? rendered(await truth(), style) : undefined;
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
    else if (reply) {
      const date = new Date(millisOf(this.#parts.clock())).toUTCString();
      sendResponse(response, reply, { date, ...limitHeaders, ...security?.headers });
    }
  }

  #begin(
    request: IncomingMessage,
    path: string,
    route: ApiRoute | undefined,
  ): { plan: FaultPlan; call: Call } {
    const aboutRequests = route?.resource === 'payment-requests' ? route : undefined;
    const paymentRequestId = aboutRequests?.id === '' ? undefined : aboutRequests?.id;
    const fault =
      route &&
      this.#parts.faults.takeForCall(
        aboutRequests?.operation ?? 'manage',
        paymentRequestId,
        `${request.method ?? ''} ${path}`,
      );
    const call = this.#parts.calls.begin({
      method: request.method ?? '',
      path,
      payment_request_id: paymentRequestId ?? null,
      correlation_id: headerOf(request.headers, 'partner-correlation-id') ?? null,
      traceparent: headerOf(request.headers, 'traceparent') ?? null,
      integration_metadata: headerOf(request.headers, 'klarna-integration-metadata') ?? null,
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
    {
      caller,
      name,
      route,
    }: { readonly caller: Caller; readonly name: string; readonly route: ApiRoute | undefined },
    bytes: Buffer | undefined,
  ): Response | Promise<Response> {
    // Like Klarna on a wrong path: 403 without a body.
    if (!route) return { status: 403 };
    const { updateVerb, responseToOtherVerb } = this.#parts.settings.current;
    const isUpdate = route.resource === 'payment-requests' && route.operation === 'patch';
    if (isUpdate && updateVerb !== 'ANY' && !name.startsWith(`${updateVerb} `)) {
      return otherVerb[responseToOtherVerb];
    }
    const correlationId = headerOf(headers, 'partner-correlation-id');
    if (correlationId !== undefined && !/^[A-Za-z0-9]{1,255}$/.test(correlationId)) {
      return invalid('Partner-Correlation-Id', 'It must be at most 255 letters and digits.');
    }
    const metadata = headerOf(headers, 'klarna-integration-metadata');
    if (metadata !== undefined && !isIntegrationMetadata(metadata)) {
      return invalid('Klarna-Integration-Metadata', 'It must be JSON with names in SCREAMING_SNAKE_CASE.');
    }
    const body = readJsonBody(route, headerOf(headers, 'content-type'), bytes);
    if ('errorCode' in body) return body;
    const call = { caller, body: body.json };
    const key = headerOf(headers, 'klarna-idempotency-key');
    // Documented for POST and PATCH only. The older PUT of a Payment Request is the same call as its PATCH.
    const isHonoured = /^(POST|PATCH) /.test(name) || route.operation === 'patch';
    return key !== undefined && isHonoured
      ? this.#once(`${caller.partnerAccountId ?? ''} ${name}`, key, () => this.#perform(route, call))
      : this.#perform(route, call);
  }

  #perform(route: ApiRoute, call: ApiCall): Response | Promise<Response> {
    switch (route.resource) {
      case 'payment-requests':
        return respondToPaymentRequestCall(this.#parts, route, call);
      case 'signing-keys':
      case 'webhooks':
        return respondToNotificationCall(this.#parts, { ...route, resource: route.resource }, call);
      default:
        return respondToAccountCall(this.#parts, { ...route, resource: route.resource }, call);
    }
  }

  /** Performs the call, unless it was made before with the same idempotency key. */
  async #once(
    name: string,
    idempotencyKey: string,
    perform: () => Response | Promise<Response>,
  ): Promise<Response> {
    const before = this.#remembered.find(name, idempotencyKey);
    if (before) return before;
    const id = `${name} ${idempotencyKey}`;
    const underWay = this.#underWay.get(id);
    if (underWay) return { ...(await underWay), tookEffect: false };
    const performed = Promise.resolve(perform());
    this.#underWay.set(id, performed);
    try {
      const reply = await performed;
      if (!isRefusal(reply)) this.#remembered.remember(name, idempotencyKey, reply);
      return reply;
    } finally {
      this.#underWay.delete(id);
    }
  }
}

/** The responses to an update with a verb that Klarna does not take. */
const otherVerb = {
  400: invalid('body', 'There is no such operation.'),
  403: { status: 403 },
  404: notFound('resource'),
  405: { status: 405, errorCode: 'METHOD_NOT_ALLOWED', message: 'There is no such operation.' },
} as const;

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
  const { resource, operation } = route;
  const takesNone =
    ['read', 'list', 'cancel', 'delete', 'release'].includes(operation) ||
    (resource === 'signing-keys' && operation === 'create');
  if (takesNone) {
    return bytes.length === 0 ? { json: {} } : invalid('body', 'There must be none.');
  }
  // Its one field is optional.
  if (resource === 'api-keys' && bytes.length === 0) return { json: {} };
  if (!/^application\/json *(;|$)/i.test(contentType ?? '')) {
    return { status: 400, errorCode: 'INVALID_CONTENT_TYPE', message: 'It must be application/json.' };
  }
  const json = readJson(bytes);
  return isJsonObject(json) ? { json } : invalid('body', 'It must be a JSON object.');
}
