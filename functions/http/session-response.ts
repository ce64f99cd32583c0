import type { SessionMember } from '../application/cancel-session.ts';
import type { Account, SessionId } from '../domain/identifiers.ts';
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
    status: sessionStatusOf(records.map(({ state }) => state)),
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
  return jsonResponse(200, {
    account,
    session_id: sessionId,
    status: sessionStatusOf(members.map(({ record }) => record?.state)),
    payment_requests: members.map(({ paymentRequestId, outcome, record }) => ({
      payment_request_id: paymentRequestId,
      outcome,
      state: record?.state ?? null,
    })),
  });
}

const unknownSession = (sessionId: SessionId): Problem =>
  new Problem('not-found', {
    detail: 'No Payment Request is registered for this session.',
    members: { session_id: sessionId },
  });
