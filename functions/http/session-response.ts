import { hash } from 'node:crypto';
import type { ReferenceCancelResult, SessionMember } from '../application/cancel-session.ts';
import { type AwaitedReference, awaitedUntil } from '../domain/awaited-reference.ts';
import { sessionPartOf } from '../domain/confirmation.ts';
import type { Account, Reference, ReferenceKey, SessionId } from '../domain/identifiers.ts';
import { formatInstant, type Instant, instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { payableUntil, secondsUntil } from '../domain/session-clock.ts';
import { sessionStatusOf } from '../domain/session-status.ts';
import { viewOf } from './payment-request-view.ts';
import { Problem } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

/**
 * A session as the API shows it: one status, and its Payment Requests, oldest first. The tag is of everything but the clock. A caller
 * who knows that tag gets 304 until the session changes, and counts down by itself.
 */
export function sessionReadResponse(
  account: Account,
  sessionId: SessionId,
  records: readonly PaymentRequest[],
  { ifNoneMatch, now = instantFromMillis(Date.now()) }: ReadingConditions = {},
): HttpResponse {
  if (records.length === 0) throw unknownSession(sessionId);
  const shown = {
    account,
    session_id: sessionId,
    status: statusOf(records, now),
    payment_requests: records.map(viewOf),
  };
  const end = payableUntil(records);
  const { status, payment_requests, ...names } = shown;
  return taggedResponse([shown, end ?? null], ifNoneMatch, () => ({
    ...names,
    status,
    ...clockView(end, now),
    payment_requests,
  }));
}

/** A session as its page sees it: the status and the clock, and nothing of what a back end alone may know. It has a tag likewise. */
export function pageSessionResponse(
  sessionId: SessionId,
  records: readonly PaymentRequest[],
  { ifNoneMatch, now = instantFromMillis(Date.now()) }: ReadingConditions = {},
): HttpResponse {
  if (records.length === 0) throw unknownSession(sessionId);
  const end = payableUntil(records);
  const shown = { session_id: sessionId, status: statusOf(records, now) };
  return taggedResponse([shown, end ?? null], ifNoneMatch, () => ({ ...shown, ...clockView(end, now) }));
}

/** The time of this machine, and the time that is left. */
const clockView = (end: Instant | undefined, now: Instant) => ({
  server_time: formatInstant(now),
  seconds_left: end === undefined ? null : secondsUntil(end, now),
});

/** 304 to a caller who knows the tag of this content; else the body. */
function taggedResponse(
  content: unknown,
  ifNoneMatch: string | undefined,
  bodyOf: () => unknown,
): HttpResponse {
  const etag = `W/"${hash('sha256', JSON.stringify(content)).slice(0, 32)}"`;
  const headers = { etag, 'cache-control': 'private, no-cache' };
  if (isNamedIn(ifNoneMatch, etag)) return { statusCode: 304, headers, body: '' };
  return jsonResponse(200, bodyOf(), headers);
}

/** What a response depends on apart from the records. */
interface ReadingConditions {
  /** The header `If-None-Match`. */
  readonly ifNoneMatch?: string | undefined;
  /** @default the time of the call */
  readonly now?: Instant;
}

/** Tags are compared weakly, as RFC 9110 (13.1.2) says for `If-None-Match`. */
const isNamedIn = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .some((tag) => tag === '*' || tag === etag || `W/${tag}` === etag);

/** The response to the cancel of a session: the outcome of each of its Payment Requests, oldest first. */
export function sessionCancelResponse(
  account: Account,
  sessionId: SessionId,
  members: readonly SessionMember[],
): HttpResponse {
  if (members.length === 0) throw unknownSession(sessionId);
  return jsonResponse(200, { account, session_id: sessionId, ...outcomesOf(members) });
}

/** What has a reference, as the API shows it: one status, what waits for it, and the Payment Requests, oldest first. */
export function referenceReadResponse(
  { account, reference }: ReferenceKey,
  records: readonly PaymentRequest[],
  awaited: AwaitedReference | undefined,
  statusCode = 200,
): HttpResponse {
  if (records.length === 0 && !awaited) throw unknownReference(reference);
  return jsonResponse(statusCode, {
    account,
    reference,
    status: statusOf([...records, ...(awaited?.status === 'waiting' ? [undefined] : [])]),
    awaited: awaited ? awaitedView(awaited) : null,
    payment_requests: records.map(viewOf),
  });
}

/** The response to the cancel of a reference: the outcome of each Payment Request with it, and the cancel that waits for one. */
export function referenceCancelResponse(
  { account, reference }: ReferenceKey,
  { members, awaited }: ReferenceCancelResult,
): HttpResponse {
  if (members.length === 0 && !awaited) throw unknownReference(reference);
  const { status, ...outcomes } = outcomesOf(members);
  return jsonResponse(awaited ? 202 : 200, {
    account,
    reference,
    status: awaited && status === 'ended' ? 'open' : status,
    awaited: awaited ? awaitedView(awaited) : null,
    ...outcomes,
  });
}

const time = (instant: Instant | undefined): string | null => (instant ? formatInstant(instant) : null);

/** What waits for a reference, as the API shows it. */
export const awaitedView = ({ status, session, cancel, since, ...awaited }: AwaitedReference) => ({
  status,
  payment_request_id: status === 'joined' ? (awaited.paymentRequestId ?? null) : null,
  session_id: session?.sessionId ?? null,
  deadline_at: time(session?.deadlineAt),
  on_timeout: session?.registered.onTimeout ?? null,
  cancellation: cancel
    ? {
        reason: cancel.reason ?? null,
        requested_by: cancel.requestedBy,
        requested_at: time(cancel.requestedAt),
      }
    : null,
  since: time(since),
  until: time(awaitedUntil({ status, session, cancel, since, ...awaited })),
  updated_at: time(awaited.updatedAt),
});

/** The status of all members, and the outcome of each. */
const outcomesOf = (members: readonly SessionMember[]) => ({
  status: statusOf(members.map(({ record }) => record)),
  payment_requests: members.map(({ paymentRequestId, outcome, record }) => ({
    payment_request_id: paymentRequestId,
    outcome,
    state: record?.state ?? null,
  })),
});

/** The status of several requests. One that waits to be seen counts as open: its state is not known. */
function statusOf(
  records: readonly (PaymentRequest | undefined)[],
  now: Instant = instantFromMillis(Date.now()),
) {
  return sessionStatusOf(
    records.map((record) => (record ? sessionPartOf(record, now) : { state: undefined, isLapsed: false })),
  );
}

const unknownReference = (reference: Reference): Problem =>
  new Problem('not-found', {
    detail: 'No Payment Request with this reference is known.',
    members: { reference },
  });

/** The problem of a session of which no Payment Request is known. */
export const unknownSession = (sessionId: SessionId): Problem =>
  new Problem('not-found', {
    detail: 'No Payment Request is registered for this session.',
    members: { session_id: sessionId },
  });
