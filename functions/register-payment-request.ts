/** PUT and PATCH /accounts/{account}/payment-requests/{payment_request_id}: registers a session, or moves its deadline. */
import { formatDuration } from './domain/duration.ts';
import { noQuery } from './http/query-schemas.ts';
import { accountOf, bodyOf, keyOf, queryOf } from './http/parse-request.ts';
import { callerOf } from './http/caller.ts';
import { apiHandler } from './http/api-handler.ts';
import { composeRegistration } from './composition/composition-root.ts';
import { deadlineOf, extensionBody, registrationBody, sessionResponse } from './http/registration-request.ts';

const { accounts, register, extend, warmUp } = composeRegistration();

export { warmUp };

export const handler = apiHandler(async (event) => {
  const account = await accountOf(event, accounts);
  const key = keyOf(event, account);
  queryOf(event, noQuery);
  const requestedBy = callerOf(event);
  if (event.requestContext.http.method === 'PATCH') {
    const deadline = deadlineOf(bodyOf(event, extensionBody), undefined);
    return sessionResponse(key, await extend(key, { deadline, requestedBy }, account));
  }
  const body = bodyOf(event, registrationBody);
  const { defaultSessionTimeout: millis } = account;
  const registration = {
    deadline: deadlineOf(body, millis === undefined ? undefined : { millis, given: formatDuration(millis) }),
    sessionId: body.session_id,
    reference: body.reference,
    klarnaExpiresAt: body.klarna_expires_at?.at,
    onTimeout: body.on_timeout,
    inProgressGrace: body.in_progress_grace?.millis,
    requestedBy,
  };
  return sessionResponse(key, await register(key, registration, account));
});
