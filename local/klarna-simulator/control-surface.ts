import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import { parseInstant } from '../../functions/domain/instant.ts';
import { paymentRequestIdPattern } from '../../functions/domain/identifiers.ts';
import type { SimulatorResponse } from './simulator-response.ts';
import { decodedSegment } from './api-call.ts';
import type { Calls } from './calls.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliveries.ts';
import { authorizedEvent, onboardedEvent } from './delivery-body.ts';
import { eventTypePattern } from './event-types.ts';
import { type Faults, faultSchema } from './faults.ts';
import { givenFields, shownPaymentRequest, type SimulatedPaymentRequest } from './payment-request.ts';
import type { NewPaymentRequest, PaymentRequests } from './payment-requests.ts';
import { readBody } from '../shared/read-body.ts';
import { checkedJson } from '../shared/checked-json.ts';
import { longestBodyBytes } from './klarna-limits.ts';
import { sendResponse } from './send-response.ts';
import { type SettingsInForce, settingsSchema } from './settings.ts';
import { type Action, isOpen, states, statesThatAllow } from './state-machine.ts';

/** The path of the control surface. */
export const controlPath = '/_simulator';

export interface ControlSurfaceParts {
  readonly paymentRequests: PaymentRequests;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly settings: SettingsInForce;
  readonly clock: Clock;
}

/** The actions on a Payment Request outside Klarna's API. */
const actions = [
  'submit',
  'start',
  'approve',
  'authorize',
  'decline',
  'step-back',
  'abandon',
  'expire',
  'delete',
] as const;

type ControlAction = (typeof actions)[number];

const newPaymentRequestSchema = v.looseObject({
  payment_request_id: v.exactOptional(
    v.pipe(
      v.string(),
      v.check((given) => paymentRequestIdPattern.test(given), 'an id such as krn:payment:eu1:request:<uuid>'),
    ),
  ),
  partner_account_id: v.exactOptional(v.pipe(v.string(), v.minLength(1))),
  state: v.exactOptional(v.picklist(states)),
  previous_state: v.exactOptional(v.picklist(states)),
  state_reason: v.exactOptional(v.string()),
  payment_request_reference: v.exactOptional(v.string()),
  /** Any time, even one that Klarna's API would refuse. */
  expires_at: v.exactOptional(
    v.pipe(
      v.string(),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        const instant = parseInstant(dataset.value);
        if (instant) return instant;
        addIssue({ message: 'a time in RFC 3339, such as 2026-03-01T12:00:00Z' });
        return NEVER;
      }),
    ),
  ),
  /** Whether subscribers receive an event about it. */
  announce: v.exactOptional(v.boolean(), false),
});

/**
 * The control surface for tests, the demonstration and the page, under `/_simulator`: customer actions, faults, calls
 * and deliveries. It needs no credentials and shows none.
 */
export class ControlSurface {
  readonly #parts: ControlSurfaceParts;

  constructor(parts: ControlSurfaceParts) {
    this.#parts = parts;
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const bytes = await readBody(request, longestBodyBytes);
    const reply = bytes
      ? await this.#respond(
          request.method ?? '',
          path.slice(controlPath.length),
          bytes.toString('utf8') || '{}',
        )
      : refused(400, 'The body is too long; allowed: 1 MB.');
    sendResponse(response, reply);
  }

  async #respond(method: string, path: string, body: string): Promise<SimulatorResponse> {
    const { calls, faults, deliveries, paymentRequests, settings } = this.#parts;
    switch (`${method} ${path}`) {
      case 'GET /payment-requests':
        return { status: 200, json: { payment_requests: paymentRequests.all().map(seen) } };
      case 'POST /payment-requests':
        return this.#create(body);
      case 'POST /accounts':
        return this.#onboard(body);
      case 'POST /events':
        return this.#tellOf(body);
      case 'GET /calls':
        return { status: 200, json: { calls: calls.all() } };
      case 'DELETE /calls':
        calls.clear();
        return { status: 204 };
      case 'GET /deliveries':
        return { status: 200, json: { deliveries: deliveries.all() } };
      case 'POST /deliveries/flush':
        return { status: 200, json: { attempted: await deliveries.flush() } };
      case 'GET /settings':
        return { status: 200, json: settings.current };
      case 'POST /settings':
        return this.#set(body);
      case 'GET /faults':
        return { status: 200, json: { faults: faults.all() } };
      case 'POST /faults':
        return this.#addFault(body);
      case 'DELETE /faults':
        faults.clear();
        return { status: 204 };
    }
    const [, asked] = /^GET \/payment-requests\/([^/]+)$/.exec(`${method} ${path}`) ?? [];
    if (asked !== undefined) return this.#tell(decodedSegment(asked));
    const [, id, action] = /^\/payment-requests\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (method === 'POST' && id !== undefined && action !== undefined) {
      return isControlAction(action)
        ? this.#do(action, decodedSegment(id), body)
        : refused(400, `${action} is not an action; allowed: ${actions.join(', ')}.`);
    }
    return refused(404, `There is no ${method} ${path}; allowed under ${controlPath}: ${routes.join(', ')}.`);
  }

  #create(body: string, id?: string): SimulatorResponse {
    const read = checkedJson(newPaymentRequestSchema, body);
    if ('violation' in read) return refused(400, read.violation);
    const fields = newRequestOf(read.value);
    const request = id === undefined ? fields : { ...fields, payment_request_id: id };
    const { payment_request_id: chosen } = request;
    if (chosen !== undefined && this.#parts.paymentRequests.isKnown(chosen)) {
      return refused(409, `${chosen} exists already; allowed: another payment_request_id, or none.`);
    }
    const announced = read.value.announce || id !== undefined;
    return { status: 201, json: seen(this.#parts.paymentRequests.create(request, { announced })) };
  }

  /** Klarna has onboarded a partner account: the subscribers hear of it. */
  #onboard(body: string): SimulatorResponse {
    const read = checkedJson(newAccountSchema, body);
    if ('violation' in read) return refused(400, read.violation);
    const { deliveries, clock } = this.#parts;
    deliveries.announce(onboardedEvent(read.value.account_id, clock()));
    return { status: 201, json: read.value };
  }

  /** Klarna tells of anything at all: the subscribers to its type get it, signed. */
  #tellOf(body: string): SimulatorResponse {
    const read = checkedJson(newEventSchema, body);
    if ('violation' in read) return refused(400, read.violation);
    const { event_type, event_version, occurred_at, subject_account_id, payload } = read.value;
    const { deliveries, clock } = this.#parts;
    const eventId = randomUUID();
    deliveries.announce({
      eventId,
      eventType: event_type,
      ...(event_version !== undefined && { eventVersion: event_version }),
      occurredAt: occurred_at ?? clock(),
      subjectAccountId: subject_account_id,
      payload,
    });
    return { status: 202, json: { event_id: eventId } };
  }

  /** Everything about one request, without the customer's data and the bodies that were sent. */
  #tell(id: string): SimulatorResponse {
    const { paymentRequests, calls, deliveries } = this.#parts;
    const request = paymentRequests.all().find(({ payment_request_id }) => payment_request_id === id);
    if (!request) return refused(404, `There is no ${id}; POST …/submit makes one.`);
    return {
      status: 200,
      json: {
        payment_request: { ...seen(request), state_context: undefined },
        calls: calls.all().filter(({ payment_request_id }) => payment_request_id === id),
        deliveries: deliveries
          .all()
          .filter(({ payment_request_id }) => payment_request_id === id)
          .map(({ body, ...delivery }) => ({ ...delivery, occurred_at: occurredAtOf(body) })),
      },
    };
  }

  #set(body: string): SimulatorResponse {
    const read = checkedJson(settingsSchema, body);
    if ('violation' in read) return refused(400, read.violation);
    const { settings } = this.#parts;
    settings.change(read.value);
    return { status: 200, json: settings.current };
  }

  #addFault(body: string): SimulatorResponse {
    const read = checkedJson(faultSchema, body);
    if ('violation' in read) return refused(400, read.violation);
    this.#parts.faults.add(read.value);
    return { status: 201, json: read.value };
  }

  #do(action: ControlAction, id: string, body: string): SimulatorResponse {
    if (action === 'submit') return this.#submit(id, body);
    const { paymentRequests } = this.#parts;
    const request = paymentRequests.find(id);
    if (!request) return refused(404, `There is no ${id}; POST …/submit makes one.`);
    switch (action) {
      case 'authorize': {
        const { deliveries, clock, settings } = this.#parts;
        if (request.state !== 'COMPLETED') return impossible(action, request, ['COMPLETED']);
        deliveries.announce(authorizedEvent(request, clock(), settings.current));
        return done(request);
      }
      case 'delete':
        return done(paymentRequests.remove(request));
      case 'abandon':
        return isOpen(request.state)
          ? done(paymentRequests.abandon(request))
          : impossible(action, request, ['SUBMITTED', 'IN_PROGRESS']);
      case 'approve':
      case 'decline': {
        const decided = paymentRequests.decide(id, action);
        return decided
          ? done(decided)
          : impossible(action, request, ['SUBMITTED', ...statesThatAllow(action)]);
      }
      case 'start':
      case 'step-back':
      case 'expire': {
        const moved = paymentRequests.move(id, action satisfies Action);
        return moved ? done(moved) : impossible(action, request, statesThatAllow(action));
      }
    }
  }

  #submit(id: string, body: string): SimulatorResponse {
    return paymentRequestIdPattern.test(id)
      ? this.#create(body, id)
      : refused(400, `${id} is not a valid id; allowed: one such as krn:payment:eu1:request:<uuid>.`);
  }
}

/** An event of any family, version and time: also one that Klarna would not send. */
const newEventSchema = v.strictObject({
  event_type: v.pipe(
    v.string(),
    v.check(
      (given) => eventTypePattern.test(given) && !given.endsWith('*'),
      'a type such as payment.dispute.opened',
    ),
  ),
  event_version: v.exactOptional(v.string()),
  occurred_at: v.exactOptional(v.string()),
  subject_account_id: v.exactOptional(v.string()),
  payload: v.exactOptional(recordOf(v.string(), v.unknown()), {}),
});

const newAccountSchema = v.strictObject({ account_id: v.pipe(v.string(), v.minLength(1)) });

const routes = [
  'GET and POST /payment-requests',
  'GET /payment-requests/{id}',
  `POST /payment-requests/{id}/{${actions.join('|')}}`,
  'POST /accounts',
  'POST /events',
  'GET and DELETE /calls',
  'GET /deliveries',
  'POST /deliveries/flush',
  'GET and POST /settings',
  'GET, POST and DELETE /faults',
];

const isControlAction = (text: string): text is ControlAction =>
  (actions as readonly string[]).includes(text);

function newRequestOf({
  payment_request_id,
  partner_account_id,
  state,
  previous_state,
  state_reason,
  expires_at,
  announce: _,
  ...given
}: v.InferOutput<typeof newPaymentRequestSchema>): NewPaymentRequest {
  return {
    ...(payment_request_id !== undefined && { payment_request_id }),
    ...(partner_account_id !== undefined && { partner_account_id }),
    ...(state !== undefined && { state }),
    ...(previous_state !== undefined && { previous_state }),
    ...(state_reason !== undefined && { state_reason }),
    ...(expires_at !== undefined && { expires_at }),
    given: givenFields(given),
  };
}

/** The time of the event in a delivery. */
const occurredAtOf = (body: string): string =>
  (JSON.parse(body) as { readonly metadata: { readonly occurred_at: string } }).metadata.occurred_at;

/** A request as Klarna shows it, with what only the simulator knows. */
const seen = (request: SimulatedPaymentRequest) => ({
  ...shownPaymentRequest(request),
  partner_account_id: request.partner_account_id,
  abandoned_at: request.abandoned_at,
  deleted_at: request.deleted_at,
});

const done = (request: SimulatedPaymentRequest): SimulatorResponse => ({ status: 200, json: seen(request) });

const refused = (status: number, error: string): SimulatorResponse => ({ status, json: { error } });

const impossible = (
  action: string,
  { state }: SimulatedPaymentRequest,
  from: readonly string[],
): SimulatorResponse =>
  refused(409, `A request that is ${state} cannot ${action}; allowed from ${from.join(', ')}.`);
