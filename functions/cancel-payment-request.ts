/** DELETE of a Payment Request or of a session, and cancel jobs: cancels what is open, unless the customer has paid. */
import { composeCancellation } from './composition/composition-root.ts';
import type { AccountSettings } from './domain/account-settings.ts';
import { cancelJobControlRoutes } from './http/cancel-job-routes.ts';
import { accountOf } from './http/parse-request.ts';
import { paymentRequestCancelRoutes } from './http/payment-request-routes.ts';
import { referenceCancelRoutes } from './http/reference-routes.ts';
import { serveRoutes } from './http/serve-routes.ts';
import { sessionCancelRoutes } from './http/session-routes.ts';

const cancellation = composeCancellation();

export const { warmUp } = cancellation;

export const handler = serveRoutes<'cancel-payment-request', AccountSettings>(
  {
    ...paymentRequestCancelRoutes(cancellation),
    ...sessionCancelRoutes(cancellation),
    ...referenceCancelRoutes(cancellation),
    ...cancelJobControlRoutes(cancellation),
  },
  (event) => accountOf(event, cancellation.accounts),
  {},
);
