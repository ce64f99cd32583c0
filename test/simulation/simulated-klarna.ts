import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { EventId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import { isFinal, type PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { hour, minute } from '../support/sessions.ts';
import type { FaultKind } from './engine.ts';

/** What Klarna's documentation leaves open, and what differs between responses. */
export interface KlarnaManners {
  /** A COMPLETED request can still be canceled. */
  readonly lax: boolean;
  /** Times have whole seconds, as in Klarna's samples; else milliseconds. */
  readonly wholeSeconds: boolean;
  /** Responses say when the state changed and when the request expires. */
  readonly tellsTimes: boolean;
  readonly tellsExpiry: boolean;
  /** Responses and webhooks have the previous state. */
  readonly tellsPrevious: boolean;
  /** The response to a cancel of a final request. */
  readonly cancelOfEnded: 'klarna-409' | 'klarna-404';
  /** An expired request is deleted at once; else it can be read as EXPIRED. */
  readonly deletesExpired: boolean;
  /** How far Klarna's clock is ahead of ours. */
  readonly aheadMillis: number;
  /** What the event of an authorization names. */
  readonly namesPayment: 'id' | 'reference' | 'nothing';
}

/** One thing that Klarna reports about a request in a webhook. */
export interface Said {
  readonly key: PaymentRequestKey;
  readonly eventId: EventId;
  readonly state: PaymentRequestState;
  readonly previousState: PaymentRequestState | undefined;
  readonly reason: string | undefined;
  readonly occurredAt: Instant;
}

/** Klarna's event that a payment is authorized. */
export interface SaidAuthorization {
  readonly key: PaymentRequestKey;
  readonly eventId: EventId;
  readonly occurredAt: Instant;
  readonly names: KlarnaManners['namesPayment'];
}

/** Who changed the state of a request. */
export type Mover = 'shopper' | 'klarna' | 'cancel' | 'cancel-with-leave';

/** One Payment Request as it is at Klarna. */
export interface TrueRequest {
  readonly key: PaymentRequestKey;
  expiresAt: number;
  state: PaymentRequestState;
  previousState: PaymentRequestState | undefined;
  changedAt: number;
  deleted: boolean;
  /** Every state that it had, oldest first, and everything that Klarna reported about it, true or not. */
  readonly life: { readonly state: PaymentRequestState; readonly at: number; readonly by: Mover }[];
  readonly said: Said[];
  /** The DELETEs that arrived. */
  cancels: number;
  /** When the shop authorized the payment. */
  authorizedAt?: number;
}

/**
 * Klarna with the requests of several accounts, as documented, in either reading where the documentation is unclear.
 */
export class SimulatedKlarna {
  readonly requests = new Map<string, TrueRequest>();
  readonly #manners: KlarnaManners;
  readonly #now: () => number;
  readonly #say: (said: Said) => void;
  readonly #onExpirySet: (request: TrueRequest) => void;
  readonly #sayAuthorized: (said: SaidAuthorization) => void;
  readonly #idOf: (key: PaymentRequestKey, nth: number) => EventId;

  /**
   * @param onExpirySet called with a request whose expiry has been set or changed.
   * @param idOf the id of a request's nth event. Ids say nothing about the order.
   */
  constructor(
    manners: KlarnaManners,
    now: () => number,
    say: (said: Said) => void,
    onExpirySet: (request: TrueRequest) => void,
    idOf: (key: PaymentRequestKey, nth: number) => EventId,
    sayAuthorized: (said: SaidAuthorization) => void,
  ) {
    this.#manners = manners;
    this.#now = now;
    this.#say = say;
    this.#onExpirySet = onExpirySet;
    this.#idOf = idOf;
    this.#sayAuthorized = sayAuthorized;
  }

  of(key: PaymentRequestKey): TrueRequest | undefined {
    return this.requests.get(nameOf(key));
  }

  create(key: PaymentRequestKey, lifetimeMillis: number): void {
    const now = this.#now();
    const request: TrueRequest = {
      key,
      expiresAt: now + lifetimeMillis,
      state: 'SUBMITTED',
      previousState: undefined,
      changedAt: now,
      deleted: false,
      life: [{ state: 'SUBMITTED', at: now, by: 'shopper' }],
      said: [],
      cancels: 0,
    };
    this.requests.set(nameOf(key), request);
    this.tell(request, 'SUBMITTED', 'SUBMITTED', undefined);
    this.#onExpirySet(request);
  }

  /** Moves the request to a state if Klarna's states allow it. Returns `false` if they do not. */
  move(
    key: PaymentRequestKey,
    from: readonly PaymentRequestState[],
    to: PaymentRequestState,
    by: Mover,
    reason?: string,
  ) {
    const request = this.of(key);
    if (!request || request.deleted || !from.includes(request.state)) return false;
    request.previousState = request.state;
    request.state = to;
    request.changedAt = this.#now();
    request.life.push({ state: to, at: request.changedAt, by });
    this.tell(request, to, request.previousState, reason);
    return true;
  }

  /** The shop authorizes the payment, within an hour of the approval. Returns `false` if Klarna refuses. */
  authorize(key: PaymentRequestKey): boolean {
    const request = this.of(key);
    const approvedAt = request?.life.findLast(({ state }) => state === 'COMPLETED')?.at;
    if (!request || request.deleted || request.state !== 'COMPLETED' || approvedAt === undefined)
      return false;
    if (request.authorizedAt !== undefined || this.#now() - approvedAt >= hour) return false;
    request.authorizedAt = this.#now();
    this.#sayAuthorized({
      key,
      eventId: this.#idOf(key, 1_000),
      occurredAt: this.#timeOf(this.#now()),
      names: this.#manners.namesPayment,
    });
    return true;
  }

  /** Klarna accepts an expiry from 15 minutes to 48 hours away until the customer has started to pay. */
  moveExpiry(key: PaymentRequestKey, expiresAt: Instant, fault: FaultKind | undefined): KlarnaResponse {
    const instead = faultyResponse(fault);
    if (instead && fault !== 'klarna-500-done') return instead;
    const request = this.of(key);
    if (!request || request.deleted) return notFound;
    const at = millisOf(expiresAt) - this.#manners.aheadMillis;
    const away = at - this.#now();
    if (request.state !== 'SUBMITTED') return conflict;
    if (away < 15 * minute || away > 48 * hour) return badRequest;
    request.expiresAt = at;
    this.#onExpirySet(request);
    return instead ?? this.#shown(key);
  }

  /** Klarna ends an open request at its expiry and deletes it. Returns `false` if there is nothing to end. */
  expire(key: PaymentRequestKey): boolean {
    if (!this.move(key, ['SUBMITTED', 'IN_PROGRESS'], 'EXPIRED', 'klarna')) return false;
    const request = this.of(key);
    if (request) request.deleted = this.#manners.deletesExpired;
    return true;
  }

  /** Reports something in a webhook, true or not. */
  tell(
    request: TrueRequest,
    state: PaymentRequestState,
    previousState: PaymentRequestState | undefined,
    reason: string | undefined,
  ): void {
    const said: Said = {
      key: request.key,
      eventId: this.#idOf(request.key, request.said.length),
      state,
      previousState: this.#manners.tellsPrevious ? previousState : undefined,
      reason,
      occurredAt: this.#timeOf(this.#now()),
    };
    request.said.push(said);
    this.#say(said);
  }

  read(key: PaymentRequestKey, fault: FaultKind | undefined): KlarnaResponse {
    return faultyResponse(fault) ?? this.#shown(key);
  }

  cancel(key: PaymentRequestKey, withLeave: boolean, fault: FaultKind | undefined): KlarnaResponse {
    const request = this.of(key);
    if (request) request.cancels += 1;
    const instead = faultyResponse(fault);
    if (instead && fault !== 'klarna-500-done') return instead;
    if (!request || request.deleted) return notFound;
    const { lax, cancelOfEnded } = this.#manners;
    // Until the authorization is final, some of Klarna's pages say.
    const from: readonly PaymentRequestState[] =
      lax && request.authorizedAt === undefined
        ? ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED']
        : ['SUBMITTED', 'IN_PROGRESS'];
    const by = withLeave ? 'cancel-with-leave' : 'cancel';
    if (!this.move(key, from, 'CANCELED', by, 'PARTNER_CANCELED')) {
      return isFinal(request.state) ? (faultyResponse(cancelOfEnded) ?? conflict) : conflict;
    }
    return instead ?? this.#shown(key);
  }

  #shown(key: PaymentRequestKey): KlarnaResponse {
    const request = this.of(key);
    if (!request || request.deleted) return notFound;
    const { tellsTimes, tellsExpiry, tellsPrevious } = this.#manners;
    return {
      kind: 'payment_request',
      state: request.state,
      previousState: tellsPrevious ? request.previousState : undefined,
      stateReason: undefined,
      updatedAt: tellsTimes ? this.#timeOf(request.changedAt) : undefined,
      expiresAt: tellsExpiry ? this.#timeOf(request.expiresAt) : undefined,
      proof: { status: '200' },
    };
  }

  #timeOf(millis: number): Instant {
    const { wholeSeconds, aheadMillis } = this.#manners;
    const shown = millis + aheadMillis;
    return instantFromMillis(wholeSeconds ? Math.floor(shown / 1000) * 1000 : shown);
  }
}

const notFound: KlarnaResponse = { kind: 'not_found', proof: { status: '404' } };
const conflict: KlarnaResponse = { kind: 'refused', isConflict: true, proof: { status: '409' } };

const badRequest: KlarnaResponse = { kind: 'refused', proof: { status: '400' } };

/** The call has no response. */
export const unresolved: KlarnaResponse = {
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { error: 'TimeoutError' },
};

function faultyResponse(fault: FaultKind | undefined): KlarnaResponse | undefined {
  switch (fault) {
    case 'klarna-500':
    case 'klarna-500-done':
      return {
        kind: 'unclear',
        retryAfterMillis: undefined,
        proof: { status: '500', error_code: 'TIMEOUT' },
      };
    case 'klarna-409':
      return conflict;
    case 'klarna-404':
      return notFound;
    case 'klarna-429':
      return { kind: 'rate_limited', retryAfterMillis: 1_000, proof: { status: '429' } };
    case 'klarna-401':
      return { kind: 'denied', proof: { status: '401' } };
    case 'klarna-unknown-state':
      return { kind: 'unknown_state', proof: { status: '200' } };
    default:
      return undefined;
  }
}

/** Whether the request was canceled without leave after the customer had approved. */
export const wasCanceledAfterPaid = ({ life }: TrueRequest): boolean => {
  const paid = life.findIndex(({ state }) => state === 'COMPLETED');
  return paid >= 0 && life.slice(paid).some(({ state, by }) => state === 'CANCELED' && by === 'cancel');
};
