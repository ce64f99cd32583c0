/** PUT and PATCH of a Payment Request: registers its session, or moves the deadline. */
import { composeRegistration } from './composition/composition-root.ts';
import type { AccountSettings } from './domain/account-settings.ts';
import { accountOf } from './http/parse-request.ts';
import { registrationRoutes } from './http/registration-routes.ts';
import { serveRoutes } from './http/serve-routes.ts';

const registration = composeRegistration();

export const { warmUp } = registration;

export const handler = serveRoutes<'register-payment-request', AccountSettings>(
  registrationRoutes(registration),
  (event) => accountOf(event, registration.accounts),
);
