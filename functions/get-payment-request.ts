/** Every GET of the API: Payment Requests, their histories, the list, sessions and cancel jobs. It serves the default route too. */
import { composeReading } from './composition/composition-root.ts';
import type { Account } from './domain/identifiers.ts';
import { cancelJobReadRoutes } from './http/cancel-job-routes.ts';
import { accountNameOf } from './http/parse-request.ts';
import { paymentRequestReadRoutes } from './http/payment-request-routes.ts';
import { serveRoutes } from './http/serve-routes.ts';
import { sessionReadRoutes } from './http/session-routes.ts';

const reading = composeReading();

export const { warmUp } = reading;

export const handler = serveRoutes<'get-payment-request', Account>(
  { ...paymentRequestReadRoutes(reading), ...sessionReadRoutes(reading), ...cancelJobReadRoutes(reading) },
  accountNameOf,
);
