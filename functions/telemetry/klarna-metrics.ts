import type { Clock, KlarnaExpiry, KlarnaPaymentRequests } from '../application/ports.ts';
import type { KlarnaCredentials } from '../domain/account-settings.ts';
import type { PaymentRequestId } from '../domain/identifiers.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import { count, measure, warn } from './telemetry.ts';

type Klarna = KlarnaPaymentRequests & KlarnaExpiry;

/**
 * Wraps Klarna so that every response is timed. Counts the unclear ones, and logs those that refuse the credentials: the operator must
 * correct them.
 */
export const withMetrics = (klarna: Klarna, clock: Clock): Klarna => {
  const measured =
    <Rest extends readonly unknown[]>(
      ask: (...call: [KlarnaCredentials, PaymentRequestId, ...Rest]) => Promise<KlarnaResponse>,
    ) =>
    async (...call: [KlarnaCredentials, PaymentRequestId, ...Rest]): Promise<KlarnaResponse> => {
      const askedAt = clock.now();
      const response = await ask(...call);
      measure('KlarnaMillis', clock.now() - askedAt);
      if (response.kind === 'unclear' || response.kind === 'rate_limited') count('KlarnaUnclear');
      if (response.kind === 'denied') {
        count('ConfigurationFault');
        warn('klarna.denied', { fault: 'misconfigured', payment_request_id: call[1] });
      }
      return response;
    };
  return {
    read: measured(klarna.read.bind(klarna)),
    cancel: measured(klarna.cancel.bind(klarna)),
    moveExpiry: measured(klarna.moveExpiry.bind(klarna)),
  };
};
