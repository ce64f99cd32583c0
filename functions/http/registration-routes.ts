import type { reportAuthorization } from '../application/record-authorization.ts';
import type { extendSession, registerSession } from '../application/register-session.ts';
import type { Accounts } from '../application/ports.ts';
import { mapConcurrently } from '../application/map-concurrently.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import { type Account, parsePaymentRequestId } from '../domain/identifiers.ts';
import { fault } from '../telemetry/telemetry.ts';
import type { IdempotentCall } from '../domain/idempotent-call.ts';
import type { Requester } from '../domain/requester.ts';
import { requesterOf } from './caller.ts';
import { repeatedRegistration } from '../application/repeat-safely.ts';
import { idempotentCallOf, oncePerKey, type RepeatSafely } from './idempotency.ts';
import { accountOf, bodyOf, checkEmptyBody, keyOf, parse, queryOf } from './parse-request.ts';
import { invalid, Problem, problemResponse, shown } from './problem.ts';
import { jsonResponse } from './response.ts';
import { noQuery } from './query-schemas.ts';
import {
  authorizedResponse,
  extensionBody,
  newDeadlineOf,
  memberRegistrationBody,
  registrationBody,
  registrationsBody,
  registrationsLimit,
  registrationOf,
  sessionResponse,
} from './registration-request.ts';
import type { RouteHandler } from './serve-routes.ts';

/** Milliseconds after which a call of many begins no other registration: each may wait for Klarna, and the function has a limit. */
const longestBegin = 5_000;

/** Registrations of one call that are made at the same time. */
const registeredAtOnce = 10;

type Given = Readonly<Record<string, unknown>>;

/** The id as it was given, where it is one. */
const idIn = ({ payment_request_id: given }: Given) =>
  (typeof given === 'string' ? parsePaymentRequestId(given) : undefined) ?? null;

/** The registrations of Payment Requests that an earlier one of the call names. They would run at the same time as that one. */
function repeatsIn(registrations: readonly Given[]): ReadonlySet<Given> {
  const ids = new Set<string>();
  return new Set(
    registrations.filter((given) => {
      const id = idIn(given);
      if (id === null) return false;
      const isRepeat = ids.has(id);
      ids.add(id);
      return isRepeat;
    }),
  );
}

/** A registration for which there was no time, or that met a fault of ours. */
const untried = (given: Given) =>
  Promise.resolve({ payment_request_id: idIn(given), outcome: 'untried' as const, problem: null });

/** For whom many are registered. */
interface Registering {
  readonly requester: Requester;
  readonly account: AccountSettings;
  readonly register: SessionRegistration['register'];
  readonly repeatSafely: RepeatSafely;
  /** The registrations that are refused because an earlier one names the same Payment Request. */
  readonly repeats: ReadonlySet<Given>;
  /** The call with its key, if it has one: each record keeps its own outcome. */
  readonly call: IdempotentCall | undefined;
  /** Called with each fault of ours. The registration counts as untried. */
  readonly onFault: (error: unknown) => void;
}

/** Registers one of many. A refusal is a part of the response: it does not hold up the others. */
async function registerOne(
  given: Given,
  { requester, account, register, repeats, repeatSafely, call, onFault }: Registering,
) {
  try {
    const { payment_request_id: _, ...body } = parse(memberRegistrationBody, given, 'registration');
    const paymentRequestId = idIn(given);
    if (!paymentRequestId) return await untried(given);
    if (repeats.has(given)) {
      const allowed = 'each Payment Request once in a call';
      throw invalid({ field: 'payment_request_id', given: shown(paymentRequestId), allowed });
    }
    const key = { account: account.account, paymentRequestId };
    const registration = registrationOf(body, requester);
    const registering = repeatedRegistration(() => register(key, registration, account));
    const { statusCode } = sessionResponse(key, await oncePerKey(repeatSafely, call, key, registering));
    const outcome = statusCode === 201 ? ('registered' as const) : ('updated' as const);
    return { payment_request_id: paymentRequestId, outcome, problem: null };
  } catch (error) {
    if (!(error instanceof Problem)) {
      onFault(error);
      fault('registrations.fault', error, { account: account.account });
      return untried(given);
    }
    const problem: unknown = JSON.parse(problemResponse(error).body);
    return { payment_request_id: idIn(given), outcome: 'refused' as const, problem };
  }
}

/** What PUT and PATCH of a Payment Request need. */
export interface SessionRegistration {
  readonly accounts: Accounts;
  readonly register: ReturnType<typeof registerSession>;
  readonly extend: ReturnType<typeof extendSession>;
  readonly authorize: ReturnType<typeof reportAuthorization>;
  readonly repeatSafely: RepeatSafely;
}

/** PUT registers the session of one Payment Request, or those of many. PATCH moves the deadline, and POST reports that the payment is authorized. */
export const registrationRoutes = ({
  accounts,
  register,
  extend,
  authorize,
  repeatSafely,
}: SessionRegistration) =>
  ({
    'PUT /accounts/{account}/payment-requests/{payment_request_id}': async (event) => {
      const account = await accountOf(event, accounts);
      const key = keyOf(event, account);
      queryOf(event, noQuery);
      const registration = registrationOf(bodyOf(event, registrationBody), requesterOf(event));
      const registering = repeatedRegistration(() => register(key, registration, account));
      const call = idempotentCallOf(event);
      return sessionResponse(key, await oncePerKey(repeatSafely, call, key, registering));
    },
    'PUT /accounts/{account}/registrations': async (event) => {
      const account = await accountOf(event, accounts);
      queryOf(event, noQuery);
      const { registrations } = bodyOf(event, registrationsBody, registrationsLimit);
      const until = Date.now() + longestBegin;
      const faults: unknown[] = [];
      const registering = {
        requester: requesterOf(event),
        account,
        register,
        repeats: repeatsIn(registrations),
        repeatSafely,
        call: idempotentCallOf(event),
        onFault: (error: unknown) => faults.push(error),
      };
      const members = await mapConcurrently(registrations, registeredAtOnce, (given) =>
        Date.now() < until ? registerOne(given, registering) : untried(given),
      );
      // Nothing was done: the whole call is to be repeated, as any other that met a fault.
      if (faults.length === registrations.length) throw faults[0];
      return jsonResponse(200, { registrations: members });
    },
    'PATCH /accounts/{account}/payment-requests/{payment_request_id}': async (event) => {
      const account = await accountOf(event, accounts);
      const key = keyOf(event, account);
      queryOf(event, noQuery);
      const deadline = newDeadlineOf(bodyOf(event, extensionBody));
      const extension = { deadline, ...requesterOf(event) };
      const extending = repeatedRegistration(() => extend(key, extension, account));
      const call = idempotentCallOf(event);
      return sessionResponse(key, await oncePerKey(repeatSafely, call, key, extending));
    },
    'POST /accounts/{account}/payment-requests/{payment_request_id}/authorized': async (event) => {
      const key = keyOf(event, await accountOf(event, accounts));
      queryOf(event, noQuery);
      // The time is ours: a caller's clock may be wrong.
      checkEmptyBody(event);
      return authorizedResponse(key, await authorize(key, requesterOf(event)));
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;
