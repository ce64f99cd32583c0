/** A shop's back end that ends the Payment Requests of abandoned checkouts. */
import { LapseClient } from 'lapse-client';

const lapse = new LapseClient({
  url: process.env['LAPSE_API_URL'] ?? 'http://127.0.0.1:4000',
  account: 'demo',
  // On AWS: { credentials: fromNodeProviderChain(), region: 'eu-north-1' }
  authorization: 'none',
});

/** Registers a new Payment Request: its session has twenty minutes. */
export async function checkoutBegins(paymentRequestId: string, cart: string): Promise<void> {
  await lapse.register(paymentRequestId, { session_timeout: 'PT20M', session_id: cart });
}

/** Cancels when the customer empties the basket. Returns what the shop page should show. */
export async function basketIsEmptied(paymentRequestId: string): Promise<'gone' | 'paid' | 'wait'> {
  const cancel = await lapse.cancel(paymentRequestId, { reason: 'basket emptied' });
  switch (cancel.outcome) {
    case 'canceled':
    case 'already_canceled':
    case 'not_found':
      return 'gone';
    case 'already_final':
      return cancel.state === 'COMPLETED' ? 'paid' : 'gone';
    case 'pending':
    case 'would_cancel': // the outcome of a dry run: nothing was done
      return 'wait';
  }
}
