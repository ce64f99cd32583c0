import * as v from 'valibot';
import { closedObject, wholeNumber } from '../shared/checked-json.ts';

/** The calls about Payment Requests that a fault can apply to. */
const operations = ['create', 'read', 'cancel', 'patch', 'authorize'] as const;

export type Operation = (typeof operations)[number];

const millis = wholeNumber(0, 86_400_000);

/** The options of every fault. `times` counts down. */
const common = {
  times: v.exactOptional(wholeNumber(1, 1_000_000), 1),
  payment_request_id: v.exactOptional(v.string()),
};

const apiFault = {
  ...common,
  /** `any` is any call about Payment Requests. `manage` is one about keys, webhooks and the account. */
  on: v.exactOptional(v.picklist([...operations, 'any', 'manage']), 'any'),
  /** The only method and path that it applies to, such as `POST /v2/notification/webhooks`. */
  call: v.exactOptional(v.string()),
  /** Milliseconds before the response. */
  delayMs: v.exactOptional(millis),
};

/** Whether the call is performed before this response. */
const effect = v.exactOptional(v.boolean());

const status = v.exactOptional(wholeNumber(200, 599));

const webhookFault = { ...common, on: v.exactOptional(v.literal('webhook'), 'webhook') };

/** A fault as a request names it. An option that its kind does not use is refused. */
export const faultSchema = v.variant('kind', [
  closedObject({
    ...apiFault,
    kind: v.picklist([
      'conflict',
      'timeout-error',
      'unavailable',
      'forbidden',
      'unauthorized',
      'empty',
      'html',
      'unknown-state',
    ]),
    effect,
    status,
  }),
  closedObject({
    ...apiFault,
    kind: v.literal('rate-limit'),
    effect,
    /** Seconds in the header `Retry-After`, which Klarna does not document. */
    retryAfter: v.exactOptional(wholeNumber(0, 86_400)),
  }),
  closedObject({ ...apiFault, kind: v.picklist(['hang', 'reset']), effect }),
  closedObject({ ...apiFault, kind: v.picklist(['slow', 'approve-first', 'expired-and-deleted']) }),
  closedObject({ ...webhookFault, kind: v.literal('delay'), delayMs: v.exactOptional(millis, 1_000) }),
  closedObject({ ...webhookFault, kind: v.picklist(['wrong-signature', 'duplicate', 'reorder', 'lose']) }),
]);

export type Fault = v.InferOutput<typeof faultSchema>;
export type ApiFault = Exclude<Fault, { readonly on: 'webhook' }>;
type WebhookFault = Extract<Fault, { readonly on: 'webhook' }>;

/** The faults that are still to apply, oldest first. They are in memory only: a restart clears them. */
export class Faults {
  #waiting: Fault[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ ...fault });
  }

  all(): readonly Fault[] {
    return this.#waiting;
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The fault that applies to this call. Uses it up once. */
  takeForCall(
    operation: Operation | 'manage',
    paymentRequestId: string | undefined,
    call: string,
  ): ApiFault | undefined {
    return this.#take(
      (fault): fault is ApiFault =>
        fault.on !== 'webhook' &&
        (fault.on === operation || (fault.on === 'any' && operation !== 'manage')) &&
        (fault.call === undefined || fault.call === call) &&
        isFor(fault, paymentRequestId),
    );
  }

  /** The fault among these kinds that applies to this delivery. Uses it up once. */
  takeForDelivery(
    kinds: readonly WebhookFault['kind'][],
    paymentRequestId: string | undefined,
  ): WebhookFault | undefined {
    return this.#take(
      (fault): fault is WebhookFault =>
        fault.on === 'webhook' && kinds.includes(fault.kind) && isFor(fault, paymentRequestId),
    );
  }

  #take<Kind extends Fault>(befalls: (fault: Fault) => fault is Kind): Kind | undefined {
    const found = this.#waiting.find(befalls);
    if (!found) return undefined;
    this.#waiting = this.#waiting
      .map((fault) => (fault === found ? { ...fault, times: fault.times - 1 } : fault))
      .filter(({ times }) => times > 0);
    return found;
  }
}

const isFor = (fault: Fault, paymentRequestId: string | undefined): boolean =>
  fault.payment_request_id === undefined || fault.payment_request_id === paymentRequestId;
