import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import { Collection } from './collection.ts';
import { atomically } from '../shared/database.ts';
import type { SimulatedPaymentRequest } from './payment-request.ts';
import type { SettingsInForce } from './settings.ts';
import { type Action, isOpen, type State, transitionOf } from './state-machine.ts';
import { Timers } from './timers.ts';

/** Klarna's default: three hours. */
const lifetimeMillis = 3 * 3_600_000;

/** What there is to say about a new request; what is left out Klarna decides. */
export interface NewPaymentRequest {
  readonly payment_request_id?: string;
  readonly partner_account_id?: string;
  readonly state?: State;
  readonly previous_state?: State;
  readonly state_reason?: string;
  readonly expires_at?: Instant;
  readonly given: Readonly<Record<string, unknown>>;
}

export interface PaymentRequestsParts {
  readonly database: DatabaseSync;
  readonly clock: Clock;
  readonly settings: SettingsInForce;
  /** Tells the subscribers, in the same transaction as the change that it is about. */
  readonly announce: (request: SimulatedPaymentRequest, kind: 'state-change' | 'updated') => void;
}

/** All Payment Requests that Klarna has, with the passing of time: they expire, and a while later they are gone. */
export class PaymentRequests {
  readonly #parts: PaymentRequestsParts;
  readonly #requests: Collection<SimulatedPaymentRequest>;
  readonly #timers: Timers;

  constructor(parts: PaymentRequestsParts) {
    this.#parts = parts;
    this.#timers = new Timers(parts.clock, (id) => this.#settle(id));
    parts.settings.onChange(() => this.#timers.lookAgain());
    this.#requests = new Collection(parts.database, 'payment_requests');
    for (const request of this.#requests.all()) this.#watch(request);
  }

  /** Stops the passing of time. */
  stop(): void {
    this.#timers.clearAll();
  }

  /** Everything there ever was, what Klarna has deleted included. */
  all(): readonly SimulatedPaymentRequest[] {
    return this.#requests.all();
  }

  /** What Klarna knows under this id now. */
  find(id: string): SimulatedPaymentRequest | undefined {
    this.#settle(id);
    const request = this.#requests.get(id);
    return request?.deleted_at === undefined ? request : undefined;
  }

  /** Whether the id is taken, if only by what Klarna has deleted. */
  isKnown(id: string): boolean {
    return this.#requests.get(id) !== undefined;
  }

  /** Makes a request. `announced`: subscribers hear of its state, as they do of what is made through the API. */
  create(fields: NewPaymentRequest, { announced }: { readonly announced: boolean }): SimulatedPaymentRequest {
    const now = this.#parts.clock();
    const state = fields.state ?? 'SUBMITTED';
    const request: SimulatedPaymentRequest = {
      payment_request_id: `krn:payment:eu1:request:${randomUUID()}`,
      expires_at: state === 'EXPIRED' ? now : plusMillis(now, lifetimeMillis),
      ...fields,
      state,
      created_at: now,
      updated_at: now,
      ...(state === 'EXPIRED' && { delete_at: this.#deletionAfter(now) }),
    };
    this.#keep(request, announced ? 'state-change' : undefined);
    return request;
  }

  /** Does the deed. `undefined` if the request's state does not allow it, or there is no such request. */
  move(id: string, action: Action): SimulatedPaymentRequest | undefined {
    const request = this.find(id);
    return request && this.#move(request, action);
  }

  /**
   * The customer approves or declines, opening Klarna's flow first where that is still to be done. `undefined` if the
   * request's state does not allow it, or there is no such request.
   */
  decide(id: string, action: 'approve' | 'decline'): SimulatedPaymentRequest | undefined {
    return atomically(this.#parts.database, () => {
      if (this.find(id)?.state === 'SUBMITTED') this.move(id, 'start');
      return this.move(id, action);
    });
  }

  /** Changes what the partner may change. */
  update(
    request: SimulatedPaymentRequest,
    given: Readonly<Record<string, unknown>>,
    expiresAt = request.expires_at,
  ): SimulatedPaymentRequest {
    const updated = {
      ...request,
      given: { ...request.given, ...given },
      expires_at: expiresAt,
      updated_at: this.#parts.clock(),
    };
    this.#keep(updated, 'updated');
    return updated;
  }

  /** The customer leaves without a word. Klarna notices nothing. */
  abandon(request: SimulatedPaymentRequest): SimulatedPaymentRequest {
    const abandoned = { ...request, abandoned_at: this.#parts.clock() };
    this.#keep(abandoned);
    return abandoned;
  }

  /** Klarna forgets it now. */
  remove(request: SimulatedPaymentRequest): SimulatedPaymentRequest {
    const removed = { ...request, deleted_at: this.#parts.clock() };
    this.#keep(removed);
    return removed;
  }

  #move(request: SimulatedPaymentRequest, action: Action): SimulatedPaymentRequest | undefined {
    const transition = transitionOf(request.state, action, this.#parts.settings.current);
    if (!transition) return undefined;
    const now = this.#parts.clock();
    const { state_reason: _, ...kept } = request;
    const moved: SimulatedPaymentRequest = {
      ...kept,
      state: transition.to,
      previous_state: request.state,
      ...(transition.reason !== undefined && { state_reason: transition.reason }),
      updated_at: now,
      ...(transition.to === 'EXPIRED' && { delete_at: this.#deletionAfter(now) }),
    };
    this.#keep(moved, 'state-change');
    return moved;
  }

  #keep(request: SimulatedPaymentRequest, announcement?: 'state-change' | 'updated'): void {
    atomically(this.#parts.database, () => {
      this.#requests.put(request.payment_request_id, request);
      if (announcement) this.#parts.announce(request, announcement);
    });
    this.#watch(request);
  }

  /** What time does next to the request, if anything: it expires, or it is deleted. */
  #watch(request: SimulatedPaymentRequest): void {
    const next = isOpen(request.state) ? request.expires_at : request.delete_at;
    if (next === undefined || request.deleted_at !== undefined)
      this.#timers.clear(request.payment_request_id);
    else this.#timers.set(request.payment_request_id, next);
  }

  /** Does what time has done to the request: called when its timer rings, and before anybody looks. */
  #settle(id: string): void {
    const request = this.#requests.get(id);
    if (!request || request.deleted_at !== undefined) return;
    const now = this.#parts.clock();
    if (isOpen(request.state) && request.expires_at <= now) this.#move(request, 'expire');
    else if (request.delete_at !== undefined && request.delete_at <= now) this.remove(request);
  }

  #deletionAfter(now: Instant): Instant {
    return plusMillis(now, this.#parts.settings.current.deletionDelayMs);
  }
}
