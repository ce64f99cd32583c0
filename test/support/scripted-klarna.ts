import type { KlarnaExpiry, KlarnaPaymentRequests } from '../../functions/application/ports.ts';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { key } from './fixtures.ts';

type Operation = 'read' | 'cancel' | 'expiry';
type Step = KlarnaResponse | ((klarna: ScriptedKlarna) => KlarnaResponse);

/** One call that Klarna received. */
export interface KlarnaCall {
  readonly operation: Operation;
  readonly paymentRequestId: PaymentRequestId;
  readonly credentials: KlarnaCredentials;
}

/**
 * The tests' one double of Klarna, in memory. Use cases call it as a port; klarna-server.ts serves it over HTTP.
 *
 * It responds from the state of each request, unless a test has scripted the response to that call.
 */
export class ScriptedKlarna implements KlarnaPaymentRequests, KlarnaExpiry {
  /** The states that differ from the one of the constructor. `undefined`: Klarna does not know the request. */
  readonly states = new Map<PaymentRequestId, PaymentRequestState | undefined>();
  /** Klarna's pages disagree on it. Lapse must work either way. */
  cancelsCompleted = false;
  expiresAt: Instant | undefined;
  /** The response to a call instead of the true one. `undefined`: the true one. Scripted steps come first. */
  instead: ((call: KlarnaCall) => KlarnaResponse | undefined) | undefined;
  /** What each call waits for before Klarna responds. */
  delay: (() => Promise<unknown>) | undefined;
  readonly received: KlarnaCall[] = [];
  /** The requests that a call has canceled, in order. */
  readonly canceled: PaymentRequestId[] = [];
  /** Milliseconds that each read and each cancel was given. */
  readonly limits: number[] = [];
  /** The most calls that were waiting for a response at one time. */
  mostInFlight = 0;
  #inFlight = 0;
  #initial: PaymentRequestState | undefined;
  #steps: Record<Operation, Step[]> = { read: [], cancel: [], expiry: [] };

  /** @param initial the state of every request. `undefined`: Klarna knows no request. */
  constructor(initial: PaymentRequestState | undefined) {
    this.#initial = initial;
  }

  /** The state of the request of fixtures.ts. */
  get state(): PaymentRequestState | undefined {
    return this.stateOf(key.paymentRequestId);
  }

  set state(state: PaymentRequestState | undefined) {
    this.states.set(key.paymentRequestId, state);
  }

  stateOf(id: PaymentRequestId): PaymentRequestState | undefined {
    return this.states.has(id) ? this.states.get(id) : this.#initial;
  }

  /** Scripts the next responses to one kind of call, in order. */
  responses(operation: Operation, ...steps: readonly Step[]): this {
    this.#steps[operation].push(...steps);
    return this;
  }

  /** Forgets all calls and scripts, and sets the state of every request. */
  reset(initial: PaymentRequestState | undefined): this {
    this.#initial = initial;
    this.states.clear();
    this.received.splice(0);
    this.canceled.splice(0);
    this.limits.splice(0);
    this.#steps = { read: [], cancel: [], expiry: [] };
    this.instead = undefined;
    this.cancelsCompleted = false;
    this.expiresAt = undefined;
    return this;
  }

  read(credentials: KlarnaCredentials, id: PaymentRequestId, limit: number): Promise<KlarnaResponse> {
    this.limits.push(limit);
    return this.#respond({ operation: 'read', paymentRequestId: id, credentials }, () => this.shown(id));
  }

  cancel(credentials: KlarnaCredentials, id: PaymentRequestId, limit: number): Promise<KlarnaResponse> {
    this.limits.push(limit);
    return this.#respond({ operation: 'cancel', paymentRequestId: id, credentials }, () => {
      const state = this.stateOf(id);
      const isOpen = state === 'SUBMITTED' || state === 'IN_PROGRESS';
      if (!isOpen && !(state === 'COMPLETED' && this.cancelsCompleted)) {
        return state ? conflict : this.shown(id);
      }
      this.states.set(id, 'CANCELED');
      this.canceled.push(id);
      return this.shown(id);
    });
  }

  moveExpiry(
    credentials: KlarnaCredentials,
    id: PaymentRequestId,
    expiresAt: Instant,
  ): Promise<KlarnaResponse> {
    return this.#respond({ operation: 'expiry', paymentRequestId: id, credentials }, () => {
      if (this.stateOf(id) !== 'SUBMITTED') return conflict;
      this.expiresAt = expiresAt;
      return this.shown(id);
    });
  }

  /** What a read shows now. */
  shown(id = key.paymentRequestId): KlarnaResponse {
    const state = this.stateOf(id);
    return state
      ? { kind: 'payment_request', state, expiresAt: this.expiresAt, proof: { status: '200' } }
      : notFound;
  }

  /** The kinds of the calls, in order. */
  get calls(): readonly Operation[] {
    return this.received.map(({ operation }) => operation);
  }

  /** How many cancels Klarna received. */
  get cancels(): number {
    return this.calls.filter((operation) => operation === 'cancel').length;
  }

  async #respond(call: KlarnaCall, truth: () => KlarnaResponse): Promise<KlarnaResponse> {
    this.received.push(call);
    const step = this.#steps[call.operation].shift();
    const scripted = typeof step === 'function' ? step(this) : step;
    const response = scripted ?? this.instead?.(call) ?? truth();
    if (!this.delay) return response;
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    await this.delay();
    this.#inFlight -= 1;
    return response;
  }
}

const notFound: KlarnaResponse = { kind: 'not_found', proof: { status: '404' } };

/** Klarna refuses because of the state of the request (409). */
export const conflict: KlarnaResponse = { kind: 'refused', isConflict: true, proof: { status: '409' } };

/** The credentials are wrong (401), or may not do this (403). */
export const denied = (status: 401 | 403 = 401): KlarnaResponse => ({
  kind: 'denied',
  proof: { status: String(status) },
});

/** The request is in a state that Lapse does not know. */
export const unknownState: KlarnaResponse = {
  kind: 'unknown_state',
  proof: { status: '200', state: 'PAUSED' },
};

/** A server error: Klarna may have done what was asked. */
export const serverError: KlarnaResponse = {
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { status: '500' },
};

/** No response: a timeout or a reset. */
export const unclear: KlarnaResponse = {
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { error: 'TimeoutError' },
};
