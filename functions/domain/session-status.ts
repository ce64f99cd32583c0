import { isOpen, type PaymentRequestState } from './payment-request-state.ts';

/**
 * The status of a checkout session for a shop page. `paid`: the customer approved at least one of its Payment Requests.
 * `open`: at least one can still be paid. `ended`: none can. A request that has ended never hides another one.
 */
export type SessionStatus = 'open' | 'paid' | 'ended';

/** The status of a session from the states of its Payment Requests. `undefined` is a state that Klarna has not told yet. */
export function sessionStatusOf(states: readonly (PaymentRequestState | undefined)[]): SessionStatus {
  if (states.includes('COMPLETED')) return 'paid';
  return states.some(isOpen) ? 'open' : 'ended';
}
