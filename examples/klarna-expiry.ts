/**
 * A shop's back end that sets Klarna's own expiry when it makes a Payment Request, and registers the same times. Klarna then ends the
 * request even if Lapse is down at the deadline.
 */
import { klarnaExpiry, type KlarnaExpiry, LapseClient } from 'lapse-client';

const lapse = new LapseClient({
  url: process.env['LAPSE_API_URL'] ?? 'http://127.0.0.1:4000',
  account: 'demo',
  // On AWS: { credentials: fromNodeProviderChain(), region: 'eu-north-1' }
  authorization: 'none',
});

const partnerAccountId = 'krn:partner:global:account:test:M4CIYH2N';

/** How long a checkout lasts, and how much longer a customer who is paying may go on. */
const session = { timeout: 'PT20M', grace: 'PT5M' } as const;

/** The flow where the shop makes the Payment Request itself. */
export async function createPaymentRequest(order: Readonly<Record<string, unknown>>): Promise<string> {
  const expiry = klarnaExpiry(session);
  const { customer_interaction_config } = expiry;
  const created = await klarna('/payment/requests', { ...order, customer_interaction_config });
  return register(created, expiry);
}

/**
 * The flow where the shop authorizes first. Klarna makes a Payment Request only where it wants to see the customer. Returns its id, or
 * Klarna's result where there is none.
 */
export async function authorizePayment(
  order: Readonly<Record<string, unknown>>,
): Promise<{ readonly paymentRequestId: string } | { readonly result: unknown }> {
  const expiry = klarnaExpiry(session);
  const { result, payment_request } = await klarna('/payment/authorize', {
    ...order,
    step_up_config: expiry.step_up_config,
  });
  if (result !== 'STEP_UP_REQUIRED') return { result };
  return { paymentRequestId: await register(payment_request, expiry) };
}

async function register(created: unknown, { deadline_at, klarna_expires_at }: KlarnaExpiry): Promise<string> {
  const id = idOf(created);
  await lapse.register(id, { deadline_at, klarna_expires_at, in_progress_grace: session.grace });
  return id;
}

async function klarna(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
  const url = process.env['KLARNA_URL'] ?? 'http://127.0.0.1:4002';
  const response = await fetch(`${url}/v2/accounts/${partnerAccountId}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${process.env['KLARNA_API_KEY'] ?? 'klarna_test_api_local-not-a-real-key'}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`Klarna responded to ${path} with ${response.status}.`);
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

function idOf(created: unknown): string {
  if (typeof created === 'object' && created !== null && 'payment_request_id' in created) {
    return String(created.payment_request_id);
  }
  throw new Error("Klarna's response has no payment_request_id.");
}
