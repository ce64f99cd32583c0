import { isOpen, type PaymentRequestState } from './payment-request-state.ts';

/**
 * What a shop page needs to know of a checkout session: `paid` when the customer has approved any of its Payment Requests,
 * `open` while one may still be paid, else `ended`. An attempt that has ended never speaks for another.
 */
export type SessionStatus = 'open' | 'paid' | 'ended';

/** The status of a session from the states of its Payment Requests; `undefined` is one that Klarna has not spoken of. */
export function sessionStatusOf(states: readonly (PaymentRequestState | undefined)[]): SessionStatus {
  if (states.includes('COMPLETED')) return 'paid';
  return states.some(isOpen) ? 'open' : 'ended';
}
