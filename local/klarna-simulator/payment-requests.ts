import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import type { Environment } from './environment.ts';
import { Collection } from '../shared/collection.ts';
import { atomically } from '../shared/database.ts';
import type { SimulatedPaymentRequest } from './payment-request.ts';
import type { SettingsInForce } from './settings.ts';
import { type Action, isOpen, type State, transitionOf } from './state-machine.ts';
import { Timers } from './timers.ts';

/** Klarna's default: three hours. */
const lifetimeMillis = 3 * 3_600_000;

/** The fields of a new request. Klarna sets the others. */
export interface NewPaymentRequest {
  readonly payment_request_id?: string;
  readonly partner_account_id?: string;
  readonly environment?: Environment;
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
  /** Queues an event for the subscribers, in the same transaction as the change. */
  readonly announce: (request: SimulatedPaymentRequest, kind: 'state-change' | 'updated') => void;
}

/** All Payment Requests at Klarna. They expire with time, and are deleted some time later. */
export class PaymentRequests {
  readonly #parts: PaymentRequestsParts;
  readonly #requests: Collection<SimulatedPaymentRequest>;
  readonly #timers: Timers;

  constructor(parts: PaymentRequestsParts) {
    this.#parts = parts;
    this.#timers = new Timers(parts.clock, (id) => this.#settle(id));
    parts.settings.onChange(() => this.#timers.reset());
    this.#requests = new Collection(parts.database, 'payment_requests');
    for (const request of this.#requests.all()) this.#watch(request);
  }

  /** Stops the timers. */
  stop(): void {
    this.#timers.clearAll();
  }

  /** Every request, including those that Klarna has deleted. */
  all(): readonly SimulatedPaymentRequest[] {
    return this.#requests.all();
  }

  /** The request that Klarna has under this id now. */
  find(id: string): SimulatedPaymentRequest | undefined {
    this.#settle(id);
    const request = this.#requests.get(id);
    return request?.deleted_at === undefined ? request : undefined;
  }

  /** Whether the id is in use, even by a request that Klarna has deleted. */
  isKnown(id: string): boolean {
    return this.#requests.get(id) !== undefined;
  }

  /**
   * Creates a request. `announced`: subscribers receive an event about it, as they do for one created through the API.
   */
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

  /** Performs the action. `undefined` where the request's state does not allow it, or the request does not exist. */
  move(id: string, action: Action): SimulatedPaymentRequest | undefined {
    const request = this.find(id);
    return request && this.#move(request, action);
  }

  /**
   * The customer approves or declines, and opens Klarna's flow first where it is not open. `undefined` where the
   * request's state does not allow it, or the request does not exist.
   */
  decide(id: string, action: 'approve' | 'decline'): SimulatedPaymentRequest | undefined {
    return atomically(this.#parts.database, () => {
      if (this.find(id)?.state === 'SUBMITTED') this.move(id, 'start');
      return this.move(id, action);
    });
  }

  /** Changes the fields that the partner may change. */
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

  /** The customer leaves without a decision. Klarna does not see it. */
  abandon(request: SimulatedPaymentRequest): SimulatedPaymentRequest {
    const abandoned = { ...request, abandoned_at: this.#parts.clock() };
    this.#keep(abandoned);
    return abandoned;
  }

  /** Klarna deletes the request now. */
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

  /** Sets the timer for the request's next change by time, if any: its expiry or its deletion. */
  #watch(request: SimulatedPaymentRequest): void {
    const next = isOpen(request.state) ? request.expires_at : request.delete_at;
    if (next === undefined || request.deleted_at !== undefined)
      this.#timers.clear(request.payment_request_id);
    else this.#timers.set(request.payment_request_id, next);
  }

  /** Applies what time has changed. Runs when the timer fires, and before each read. */
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
