import * as v from 'valibot';
import { isObject } from '../contract/record-of.ts';
import type { AuthorizationResult } from '../application/record-authorization.ts';
import type { SessionResult } from '../application/register-session.ts';
import { durationFormat, formatDuration, parseDuration } from '../domain/duration.ts';
import { parsePaymentRequestId, parseSessionId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { klarnaLongestLifetime } from '../domain/payment-request.ts';
import { type Deadline, kindPattern, type Registration } from '../domain/registration.ts';
import { choice, duration, pathId, time } from './parse-request.ts';
import type { Requester } from '../domain/requester.ts';
import { viewOf } from './payment-request-view.ts';
import { erasedRequest, invalid, Problem } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

const deadlineFields = { session_timeout: v.optional(duration), deadline_at: v.optional(time) };

/** The body of a PATCH: the new deadline, as a duration from now or as a time. */
export const extensionBody = v.strictObject(deadlineFields);

/** Extra time for a customer who is paying. Klarna's longest lifetime of a request limits it. */
const grace = v.pipe(
  v.string(durationFormat),
  v.check(
    (given) => (parseDuration(given) ?? 0) <= klarnaLongestLifetime,
    `at most ${formatDuration(klarnaLongestLifetime)}, Klarna's longest lifetime`,
  ),
  duration,
);

const kindFormat = '1 to 32 lower-case letters, digits, - and _, with a letter or a digit first';

/** A kind of checkout, in the shop's own word. */
const kind = v.pipe(v.string(kindFormat), v.regex(kindPattern, kindFormat));

/** The body of a PUT of a Payment Request. */
export const registrationBody = v.strictObject({
  ...deadlineFields,
  session_id: v.optional(v.pipe(pathId, v.transform(parseSessionId))),
  reference: v.optional(pathId),
  klarna_expires_at: v.optional(time),
  on_timeout: v.optional(choice(['cancel', 'observe'])),
  kind: v.optional(kind),
  in_progress_grace: v.optional(grace),
  supersedes: v.optional(v.boolean('true or false')),
  purpose: v.optional(choice(['payment', 'token'])),
});

const { reference: _, ...withoutReference } = registrationBody.entries;

/** The body of a PUT of a reference, which is in the path. */
export const referenceRegistrationBody = v.strictObject(withoutReference);

/** How many registrations one call may have. */
export const mostRegistrations = 100;

const manyFormat = `an array of 1 to ${mostRegistrations} registrations`;
const idFormat = "Klarna's id of a Payment Request";

/** The body of a PUT of many. Each registration is checked for itself, so that a wrong one does not hold up the others. */
export const registrationsBody = v.strictObject(
  {
    registrations: v.pipe(
      v.array(v.custom<Readonly<Record<string, unknown>>>(isObject, 'an object'), manyFormat),
      v.minLength(1, manyFormat),
      v.maxLength(mostRegistrations, manyFormat),
    ),
  },
  manyFormat,
);

/** Enough for {@link mostRegistrations}, each with more than a kilobyte. */
export const registrationsLimit = 128 * 1024;

/** One of many registrations: the request, and what a PUT of it has. */
export const memberRegistrationBody = v.strictObject(
  {
    payment_request_id: v.pipe(
      v.string(idFormat),
      v.check((given) => parsePaymentRequestId(given) !== undefined, idFormat),
    ),
    ...registrationBody.entries,
  },
  idFormat,
);

/** The registration in the body of a PUT. Throws the problem where it has two deadlines. */
export const registrationOf = (
  body: v.InferOutput<typeof referenceRegistrationBody> & { readonly reference?: string | undefined },
  requester: Requester,
): Registration => ({
  deadline: deadlineOf(body),
  sessionId: body.session_id,
  reference: body.reference,
  klarnaExpiresAt: body.klarna_expires_at?.at,
  klarnaExpiresAtGiven: body.klarna_expires_at?.given,
  onTimeout: body.on_timeout,
  kind: body.kind,
  inProgressGrace: body.in_progress_grace?.millis,
  supersedes: body.supersedes,
  purpose: body.purpose,
  ...requester,
});

/** The deadline of a PUT; `undefined` where it has none. Throws the problem where it has two. */
export function deadlineOf({
  session_timeout,
  deadline_at,
}: v.InferOutput<typeof extensionBody>): Deadline | undefined {
  if (session_timeout && deadline_at) {
    throw invalid({
      field: 'session_timeout',
      given: 'given together with deadline_at',
      allowed: 'only one of session_timeout and deadline_at',
    });
  }
  if (deadline_at?.at) return { kind: 'deadline_at', at: deadline_at.at, given: deadline_at.given };
  return session_timeout && { kind: 'session_timeout', ...session_timeout };
}

/** The deadline of a PATCH. Throws the problem where there is not exactly one. */
export function newDeadlineOf(body: v.InferOutput<typeof extensionBody>): Deadline {
  const deadline = deadlineOf(body);
  if (!deadline) throw noDeadline('session_timeout or deadline_at');
  return deadline;
}

const noDeadline = (allowed: string): Problem =>
  invalid({ field: 'session_timeout', given: 'missing', allowed });

/** The response to a PUT or a PATCH. Throws the problem where there is one. */
export function sessionResponse(key: PaymentRequestKey, { outcome, record }: SessionResult): HttpResponse {
  if (outcome.kind === 'not_found' && record?.erasedAt !== undefined) throw erasedRequest(key);
  const members = { payment_request_id: key.paymentRequestId, state: record?.state ?? null };
  return jsonResponse(statusOf(outcome, members), record && viewOf(record));
}

/** The status of a registration or a change that was made. Throws the problem of any other outcome, with these members. */
export function statusOf(
  outcome: SessionResult['outcome'],
  members: Readonly<Record<string, unknown>>,
): number {
  switch (outcome.kind) {
    case 'registered':
      return 201;
    case 'changed':
    case 'unchanged':
      return 200;
    case 'invalid':
      throw invalid({ field: outcome.field, given: JSON.stringify(outcome.given), allowed: outcome.allowed });
    case 'no_deadline':
      throw noDeadline(
        'session_timeout or deadline_at; a PUT can omit both for a registered session, or if the account has a default_session_timeout',
      );
    case 'not_found':
      throw new Problem('not-found', {
        detail: 'No session is registered for this Payment Request. Register one with PUT.',
        members,
      });
    case 'already_final':
      throw new Problem('already-final', {
        detail: `The Payment Request is ${outcome.state}. Its session needs no deadline.`,
        members,
      });
    case 'cancellation_pending':
      throw new Problem('cancellation-pending', {
        detail: 'A cancel of this Payment Request is in progress. Read the record for its outcome.',
        members,
        retryAfter: 5,
      });
    case 'extension_limit':
    case 'session_full': {
      const { field, allowed } = outcome;
      const given = JSON.stringify(outcome.given);
      throw new Problem(outcome.kind === 'session_full' ? 'session-full' : 'extension-limit', {
        detail: `${field} is ${given}; allowed: ${allowed}.`,
        errors: [{ field, given, allowed }],
        members,
      });
    }
  }
}

/** The response to the shop's report that a payment is authorized. Throws the problem where there is one. */
export function authorizedResponse(key: PaymentRequestKey, result: AuthorizationResult): HttpResponse {
  const members = { payment_request_id: key.paymentRequestId };
  switch (result.outcome) {
    case 'authorized':
    case 'unchanged':
      return jsonResponse(200, viewOf(result.record));
    case 'erased':
      throw erasedRequest(key);
    case 'not_found':
      throw new Problem('not-found', {
        detail: 'There is no record of this Payment Request. Register its session with PUT.',
        members,
      });
    case 'already_final':
      throw new Problem('already-final', {
        detail: `The Payment Request is ${result.state}. A payment that has ended cannot be authorized.`,
        members: { ...members, state: result.state },
      });
  }
}
