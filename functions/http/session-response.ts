import type { SessionMember } from '../application/cancel-session.ts';
import { sessionPartOf } from '../domain/confirmation.ts';
import type { Account, Reference, SessionId } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { sessionStatusOf } from '../domain/session-status.ts';
import { viewOf } from './payment-request-view.ts';
import { Problem } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

/** A session as the API shows it: one status, and its Payment Requests, oldest first. */
export function sessionReadResponse(
  account: Account,
  sessionId: SessionId,
  records: readonly PaymentRequest[],
): HttpResponse {
  if (records.length === 0) throw unknownSession(sessionId);
  return jsonResponse(200, {
    account,
    session_id: sessionId,
    status: statusOf(records),
    payment_requests: records.map(viewOf),
  });
}

/** The response to the cancel of a session: the outcome of each of its Payment Requests, oldest first. */
export function sessionCancelResponse(
  account: Account,
  sessionId: SessionId,
  members: readonly SessionMember[],
): HttpResponse {
  if (members.length === 0) throw unknownSession(sessionId);
  return jsonResponse(200, { account, session_id: sessionId, ...outcomesOf(members) });
}

/** What has a reference, as the API shows it: one status, and the Payment Requests, oldest first. */
export function referenceReadResponse(
  account: Account,
  reference: Reference,
  records: readonly PaymentRequest[],
): HttpResponse {
  if (records.length === 0) throw unknownReference(reference);
  return jsonResponse(200, {
    account,
    reference,
    status: statusOf(records),
    payment_requests: records.map(viewOf),
  });
}

/** The response to the cancel of a reference: the outcome of each Payment Request with it, oldest first. */
export function referenceCancelResponse(
  account: Account,
  reference: Reference,
  members: readonly SessionMember[],
): HttpResponse {
  if (members.length === 0) throw unknownReference(reference);
  return jsonResponse(200, { account, reference, ...outcomesOf(members) });
}

/** The status of all members, and the outcome of each. */
const outcomesOf = (members: readonly SessionMember[]) => ({
  status: statusOf(members.map(({ record }) => record)),
  payment_requests: members.map(({ paymentRequestId, outcome, record }) => ({
    payment_request_id: paymentRequestId,
    outcome,
    state: record?.state ?? null,
  })),
});

function statusOf(records: readonly (PaymentRequest | undefined)[]) {
  const now = instantFromMillis(Date.now());
  return sessionStatusOf(
    records.map((record) => (record ? sessionPartOf(record, now) : { state: undefined, isLapsed: false })),
  );
}

const unknownReference = (reference: Reference): Problem =>
  new Problem('not-found', {
    detail: 'No Payment Request with this reference is known.',
    members: { reference },
  });

const unknownSession = (sessionId: SessionId): Problem =>
  new Problem('not-found', {
    detail: 'No Payment Request is registered for this session.',
    members: { session_id: sessionId },
  });
