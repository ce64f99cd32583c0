import { describe, expect, it } from 'vitest';
import type { CancelResult } from '../../../functions/application/cancel-payment-request.ts';
import type { CancelOutcome } from '../../../functions/domain/cancel-outcome.ts';
import type { Cancellation } from '../../../functions/domain/payment-request.ts';
import { cancelResponse } from '../../../functions/http/cancel-response.ts';
import { viewOf } from '../../../functions/http/payment-request-view.ts';
import { Problem, problemResponse } from '../../../functions/http/problem.ts';
import { key, noon, recordWith } from '../../support/fixtures.ts';

const cancellation = (outcome: Cancellation['outcome']): Cancellation => ({
  outcome,
  cause: 'api',
  requestedBy: 'test',
  requestedAt: noon,
  allowCompleted: false,
  sentBefore: false,
});
const ended = recordWith({ state: 'CANCELED', cancellation: cancellation('canceled') });
const paid = recordWith({ state: 'COMPLETED', cancellation: cancellation('refused') });
const waiting = recordWith({ state: 'SUBMITTED', cancellation: cancellation('pending') });
const open = recordWith({ state: 'SUBMITTED' });

/** The HTTP response of a result, which is a response or a problem. */
function responseTo(result: CancelResult) {
  const { statusCode, headers, body } = wireResponse(result);
  return { statusCode, headers, body: JSON.parse(body) as Readonly<Record<string, unknown>> };
}

function wireResponse(result: CancelResult) {
  try {
    return cancelResponse(key, result);
  } catch (error) {
    if (error instanceof Problem) return problemResponse(error);
    throw error;
  }
}

interface Case {
  readonly result: CancelResult;
  readonly status: number;
  readonly says: Readonly<Record<string, unknown>>;
  readonly retryAfter?: string;
}

const problem = (type: string, state: string | null) => ({
  type: `urn:lapse:problem:${type}`,
  payment_request_id: key.paymentRequestId,
  state,
});

/** The compiler asks for the cases of every outcome. */
const cases: Readonly<Record<CancelOutcome, readonly Case[]>> = {
  canceled: [
    {
      result: { outcome: 'canceled', record: ended },
      status: 200,
      says: { outcome: 'canceled', ...viewOf(ended) },
    },
  ],
  already_canceled: [
    {
      result: { outcome: 'already_canceled', record: ended },
      status: 200,
      says: { outcome: 'already_canceled', ...viewOf(ended) },
    },
  ],
  would_cancel: [
    {
      result: { outcome: 'would_cancel', record: open },
      status: 200,
      says: { outcome: 'would_cancel', ...viewOf(open) },
    },
  ],
  already_final: [
    {
      result: { outcome: 'already_final', state: 'COMPLETED', record: paid },
      status: 409,
      says: problem('already-final', 'COMPLETED'),
    },
    {
      // A dry run read this state at Klarna. The record does not have it yet.
      result: { outcome: 'already_final', state: 'EXPIRED', record: open },
      status: 409,
      says: problem('already-final', 'EXPIRED'),
    },
  ],
  pending: [
    {
      result: { outcome: 'pending', record: waiting },
      status: 202,
      says: { outcome: 'pending', ...viewOf(waiting) },
      retryAfter: '5',
    },
    {
      // 202 promises that the record keeps the cancel. This record does not, so the response is 503.
      result: { outcome: 'pending', record: open },
      status: 503,
      says: problem('unavailable', 'SUBMITTED'),
      retryAfter: '5',
    },
  ],
  untried: [
    {
      result: { outcome: 'untried', record: open },
      status: 503,
      says: problem('unavailable', 'SUBMITTED'),
      retryAfter: '5',
    },
  ],
  not_found: [
    { result: { outcome: 'not_found', record: undefined }, status: 404, says: problem('not-found', null) },
    { result: { outcome: 'not_found', record: open }, status: 404, says: problem('not-found', 'SUBMITTED') },
  ],
  klarna_denied: [
    {
      result: { outcome: 'klarna_denied', record: undefined },
      status: 502,
      says: {
        ...problem('klarna-denied', null),
        detail: expect.stringMatching(/^Nothing was done\./) as unknown,
      },
      retryAfter: '60',
    },
    {
      result: { outcome: 'klarna_denied', record: open },
      status: 502,
      says: { detail: expect.stringMatching(/^Nothing was done\./) as unknown },
      retryAfter: '60',
    },
    {
      result: { outcome: 'klarna_denied', record: waiting },
      status: 502,
      says: {
        detail: expect.stringMatching(/^The cancel is stored, and the sweep tries it again\./) as unknown,
      },
      retryAfter: '60',
    },
  ],
};

describe.each(Object.entries(cases))('the outcome %s of a cancel', (_, kinds) => {
  it.each(kinds)('cancelResponse returns $status', ({ result, status, says, retryAfter }) => {
    const response = responseTo(result);
    expect(response.statusCode).toBe(status);
    expect(response.headers['retry-after']).toBe(retryAfter);
    expect(response.headers['content-type']).toBe(
      status < 400 ? 'application/json' : 'application/problem+json',
    );
    expect(response.body).toMatchObject(says);
  });
});
