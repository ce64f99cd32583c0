/**
 * Every GET of the API: Payment Requests, their histories, the list, sessions, cancel jobs and settings. It makes page tokens, serves the
 * pages with them, and serves the default route.
 */
import { composeReading } from './composition/composition-root.ts';
import type { Account } from './domain/identifiers.ts';
import { cancelJobReadRoutes } from './http/cancel-job-routes.ts';
import { overviewRoutes } from './http/overview-routes.ts';
import { accountNameOf } from './http/parse-request.ts';
import { pageReadRoutes, pageTokenRoutes } from './http/page-routes.ts';
import { paymentRequestReadRoutes } from './http/payment-request-routes.ts';
import { serveRoutes } from './http/serve-routes.ts';
import { referenceReadRoutes } from './http/reference-routes.ts';
import { sessionReadRoutes } from './http/session-routes.ts';
import { settingsReadRoutes } from './http/settings-routes.ts';

const reading = composeReading();

export const { warmUp } = reading;

export const handler = serveRoutes<'get-payment-request', Account>(
  {
    ...paymentRequestReadRoutes(reading),
    ...sessionReadRoutes(reading),
    ...pageTokenRoutes(reading),
    ...referenceReadRoutes(reading),
    ...cancelJobReadRoutes(reading),
    ...settingsReadRoutes(reading),
  },
  accountNameOf,
  overviewRoutes(reading),
  pageReadRoutes(reading),
);
