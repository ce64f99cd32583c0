import type { CancelOutcome, CancelDryRun } from '../application/cancel-payment-request.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { isUnsettled, type PaymentRequest } from '../domain/payment-request.ts';
import { viewOf } from './payment-request-view.ts';
import { type HttpResponse, jsonResponse, klarnaDenied, Problem } from './problem.ts';

/** Seconds after which a caller may ask again what became of a cancel that is pending. */
const askAgain = 5;

/** The answer to a DELETE: the outcome beside the record, or the problem. */
export function cancelResponse(key: PaymentRequestKey, result: CancelOutcome | CancelDryRun): HttpResponse {
  const members = { payment_request_id: key.paymentRequestId, state: result.record?.state ?? null };
  switch (result.kind) {
    case 'canceled':
      return jsonResponse(200, { outcome: 'canceled', ...viewOf(result.record) });
    case 'already-canceled':
      return jsonResponse(200, { outcome: 'already_canceled', ...viewOf(result.record) });
    case 'would-cancel':
      return jsonResponse(200, { outcome: 'would_cancel', ...viewOf(result.record) });
    case 'graced':
      return pendingResponse(result.record);
    case 'pending':
      if (!isKept(result.record)) {
        throw new Problem('unavailable', {
          detail: 'Klarna gave no clear response, and no cancel is stored. Repeat the call.',
          members,
          retryAfter: askAgain,
        });
      }
      return pendingResponse(result.record);
    case 'already-final':
      throw new Problem('already-final', {
        detail: `The Payment Request is ${result.state}. It was not changed.`,
        members: { ...members, state: result.state },
      });
    case 'not-found':
      throw new Problem('not-found', {
        detail:
          'Klarna does not know this Payment Request. It never existed, or it expired and Klarna deleted it.',
        members,
      });
    case 'denied':
      throw klarnaDenied(
        isKept(result.record) ? 'The cancel is stored, and the sweep tries it again.' : 'Nothing was done.',
        members,
      );
  }
}

const pendingResponse = (record: PaymentRequest): HttpResponse =>
  jsonResponse(202, { outcome: 'pending', ...viewOf(record) }, { 'retry-after': String(askAgain) });

/** Whether the record says that somebody will see to the end of the request: what a rehearsal never makes so. */
const isKept = (record: PaymentRequest | undefined): boolean => record !== undefined && isUnsettled(record);
