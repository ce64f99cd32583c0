import { isOpen, type PaymentRequestState } from './payment-request-state.ts';

/**
 * The status of a checkout session for a shop page. `paid`: the customer approved at least one of its Payment Requests, and that can still
 * be a payment. `open`: at least one can still be paid. `ended`: none can. A request that has ended never hides another one.
 */
export type SessionStatus = 'open' | 'paid' | 'ended';

/** What the status of a session depends on, of one of its Payment Requests. */
export interface SessionPart {
  /** `undefined` is a state that Klarna has not told yet. */
  readonly state: PaymentRequestState | undefined;
  /** The customer approved, and the payment was not authorized in time. Known only where the account watches that. */
  readonly isLapsed: boolean;
}

/** The status of a session from its Payment Requests. */
export function sessionStatusOf(parts: readonly SessionPart[]): SessionStatus {
  if (parts.some(({ state, isLapsed }) => state === 'COMPLETED' && !isLapsed)) return 'paid';
  return parts.some(({ state }) => isOpen(state)) ? 'open' : 'ended';
}
