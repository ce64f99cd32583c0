import type { CancelResult } from '../application/cancel-payment-request.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { isUnsettled, type PaymentRequest } from '../domain/payment-request.ts';
import { viewOf } from './payment-request-view.ts';
import { erasedRequest, klarnaDenied, Problem } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

/** Seconds after which a caller can read the outcome of a pending cancel. */
const askAgain = 5;

/** The response to a DELETE: the outcome beside the record. Throws the problem where there is one. */
export function cancelResponse(key: PaymentRequestKey, result: CancelResult): HttpResponse {
  if (result.record?.erasedAt !== undefined) throw erasedRequest(key);
  const members = { payment_request_id: key.paymentRequestId, state: result.record?.state ?? null };
  switch (result.outcome) {
    case 'canceled':
    case 'already_canceled':
    case 'would_cancel':
      return jsonResponse(200, { outcome: result.outcome, ...viewOf(result.record) });
    case 'pending':
      if (!isKept(result.record)) {
        throw new Problem('unavailable', {
          detail: 'Klarna gave no clear response, and no cancel is stored. Repeat the call.',
          members,
          retryAfter: askAgain,
        });
      }
      return pendingResponse(result.record);
    case 'untried':
      throw new Problem('unavailable', {
        detail: 'The cancel was not tried. Repeat the call.',
        members,
        retryAfter: askAgain,
      });
    case 'already_final':
      throw new Problem('already-final', {
        detail: `The Payment Request is ${result.state}. It was not changed.`,
        members: { ...members, state: result.state },
      });
    case 'not_found':
      throw new Problem('not-found', {
        detail:
          'Klarna does not know this Payment Request. It never existed, or it expired and Klarna deleted it.',
        members,
      });
    case 'klarna_denied':
      throw klarnaDenied(
        isKept(result.record) ? 'The cancel is stored, and the sweep tries it again.' : 'Nothing was done.',
        members,
      );
  }
}

const pendingResponse = (record: PaymentRequest): HttpResponse =>
  jsonResponse(202, { outcome: 'pending', ...viewOf(record) }, { 'retry-after': String(askAgain) });

/** Whether the record has a cancel that the sweep carries on. A dry run never writes one. */
const isKept = (record: PaymentRequest | undefined): boolean => record !== undefined && isUnsettled(record);
