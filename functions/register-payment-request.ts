/** PUT and PATCH of a Payment Request: registers its session, or moves the deadline. PUT of the settings of an account. */
import { composeRegistration } from './composition/composition-root.ts';
import type { Account } from './domain/identifiers.ts';
import { accountNameOf } from './http/parse-request.ts';
import { referenceRegistrationRoutes } from './http/reference-routes.ts';
import { registrationRoutes } from './http/registration-routes.ts';
import { serveRoutes } from './http/serve-routes.ts';
import { settingsWriteRoutes } from './http/settings-routes.ts';

const registration = composeRegistration();

export const { warmUp } = registration;

export const handler = serveRoutes<'register-payment-request', Account>(
  {
    ...registrationRoutes(registration),
    ...referenceRegistrationRoutes(registration),
    ...settingsWriteRoutes(registration),
  },
  accountNameOf,
  {},
);
