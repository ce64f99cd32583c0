import type { Call } from './call.ts';
import { recordPath } from './record.ts';
import type { Account } from './status.ts';

/** The fields of a new session. */
export interface NewSession {
  readonly session_timeout: string;
  readonly on_timeout: string;
  readonly reference: string;
  readonly session_id: string;
}

/** An id as the simulator makes them. */
export const newPaymentRequestId = (): string => `krn:payment:eu1:request:${crypto.randomUUID()}`;

/** Creates a Payment Request at the simulator, as the shop's checkout does at Klarna. */
export const createAtKlarna = ({ partner_account_id }: Account, payment_request_id: string): Call => ({
  method: 'POST',
  path: '/klarna/payment-requests',
  body: {
    payment_request_id,
    announce: true,
    ...(partner_account_id !== undefined && { partner_account_id }),
  },
});

/** Registers a session with the API. */
export const registration = ({ name }: Account, id: string, session: NewSession): Call => ({
  method: 'PUT',
  path: recordPath({ account: name, payment_request_id: id }),
  body: session,
  client: { account: name, method: 'register', with: [id, session] },
});
