import type { reportAuthorization } from '../application/record-authorization.ts';
import type { extendSession, registerSession } from '../application/register-session.ts';
import type { Accounts } from '../application/ports.ts';
import type { Account } from '../domain/identifiers.ts';
import { callerOf } from './caller.ts';
import { accountOf, bodyOf, checkEmptyBody, keyOf, queryOf } from './parse-request.ts';
import { noQuery } from './query-schemas.ts';
import {
  authorizedResponse,
  deadlineOf,
  extensionBody,
  newDeadlineOf,
  registrationBody,
  sessionResponse,
} from './registration-request.ts';
import type { RouteHandler } from './serve-routes.ts';

/** What PUT and PATCH of a Payment Request need. */
export interface SessionRegistration {
  readonly accounts: Accounts;
  readonly register: ReturnType<typeof registerSession>;
  readonly extend: ReturnType<typeof extendSession>;
  readonly authorize: ReturnType<typeof reportAuthorization>;
}

/** PUT of a Payment Request registers its session, PATCH moves the deadline, and POST reports that the payment is authorized. */
export const registrationRoutes = ({ accounts, register, extend, authorize }: SessionRegistration) =>
  ({
    'PUT /accounts/{account}/payment-requests/{payment_request_id}': async (event) => {
      const account = await accountOf(event, accounts);
      const key = keyOf(event, account);
      queryOf(event, noQuery);
      const body = bodyOf(event, registrationBody);
      const registration = {
        deadline: deadlineOf(body),
        sessionId: body.session_id,
        reference: body.reference,
        klarnaExpiresAt: body.klarna_expires_at?.at,
        onTimeout: body.on_timeout,
        kind: body.kind,
        inProgressGrace: body.in_progress_grace?.millis,
        supersedes: body.supersedes,
        purpose: body.purpose,
        requestedBy: callerOf(event),
      };
      return sessionResponse(key, await register(key, registration, account));
    },
    'PATCH /accounts/{account}/payment-requests/{payment_request_id}': async (event) => {
      const account = await accountOf(event, accounts);
      const key = keyOf(event, account);
      queryOf(event, noQuery);
      const deadline = newDeadlineOf(bodyOf(event, extensionBody));
      const extension = { deadline, requestedBy: callerOf(event) };
      return sessionResponse(key, await extend(key, extension, account));
    },
    'POST /accounts/{account}/payment-requests/{payment_request_id}/authorized': async (event) => {
      const key = keyOf(event, await accountOf(event, accounts));
      queryOf(event, noQuery);
      // The time is ours: a caller's clock may be wrong.
      checkEmptyBody(event);
      return authorizedResponse(key, await authorize(key, callerOf(event)));
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;
