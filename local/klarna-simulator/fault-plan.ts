import type { SimulatorResponse, Refusal } from './simulator-response.ts';
import { conflict, forbidden, unauthorized } from './simulator-response.ts';
import type { ApiFault } from './faults.ts';
import { rateLimited, rateLimitHeaders } from './rate-limit.ts';

/** The effect of a fault on a call. */
export interface FaultPlan {
  /** What happens to the request just before the call is handled. */
  readonly before?: 'approve' | 'expire-and-delete';
  /** Whether the call is performed. */
  readonly effect: boolean;
  /** What the caller receives: the true response, this one instead, none, or a reset connection. */
  readonly response: 'true' | 'never' | 'reset' | SimulatorResponse | Refusal;
  readonly delayMillis: number;
}

/** The plan of a call without a fault. */
export const noFault: FaultPlan = { effect: true, response: 'true', delayMillis: 0 };

const defaultSlowness = 1_000;

const page = '<!doctype html><title>Error</title><h1>Something went wrong</h1>';

/** Works out the effect of a fault on a call. Unless `effect` is given, only `empty` performs the call. */
export function planOf(fault: ApiFault, paymentRequestId: string | undefined): FaultPlan {
  const delayMillis = fault.delayMs ?? (fault.kind === 'slow' ? defaultSlowness : 0);
  const effect = 'effect' in fault && fault.effect;
  const instead = (response: Refusal | SimulatorResponse): FaultPlan => ({
    effect,
    delayMillis,
    response: 'status' in fault ? { ...response, status: fault.status } : response,
  });
  switch (fault.kind) {
    case 'conflict':
      return instead(conflict('The request is being changed by another call.'));
    case 'rate-limit':
      return instead({
        ...rateLimited,
        headers: {
          ...rateLimitHeaders(1, 0, fault.retryAfter ?? 1),
          ...(fault.retryAfter !== undefined && { 'retry-after': String(fault.retryAfter) }),
        },
      });
    case 'timeout-error':
      return instead({ status: 500, errorCode: 'TIMEOUT', message: 'The operation took too long.' });
    case 'unavailable':
      return instead({ status: 503, errorCode: 'TEMPORARY_UNAVAILABLE', message: 'Please try again later.' });
    case 'forbidden':
      return instead(forbidden);
    case 'unauthorized':
      return instead(unauthorized);
    case 'empty':
      return { ...instead({ status: 200 }), effect: fault.effect ?? true };
    case 'html':
      return instead({ status: 200, html: page });
    case 'unknown-state':
      return instead({ status: 200, json: { payment_request_id: paymentRequestId, state: 'PAUSED' } });
    case 'hang':
      return { effect, delayMillis, response: 'never' };
    case 'reset':
      return { effect, delayMillis, response: 'reset' };
    case 'slow':
      return { ...noFault, delayMillis };
    case 'approve-first':
      return { ...noFault, before: 'approve', delayMillis };
    case 'expired-and-deleted':
      return { ...noFault, before: 'expire-and-delete', delayMillis };
  }
}
