import type { Clock, KlarnaExpiry, KlarnaPaymentRequests } from '../application/ports.ts';
import type { KlarnaCredentials } from '../domain/account-settings.ts';
import type { PaymentRequestId } from '../domain/identifiers.ts';
import { failedChecks, type KlarnaResponse } from '../domain/klarna-response.ts';
import { count, measure, warn } from './telemetry.ts';

type Klarna = KlarnaPaymentRequests & KlarnaExpiry;

/** Milliseconds for which a process does not tell of the same failed check again: the period of the alarm. */
const tellInterval = 300_000;

const toldAt = new Map<string, number>();

/**
 * Tells of each check that a call would not pass once Klarna enforces it. The operator must correct it: it is Klarna's only warning.
 */
function tellChecks(credentials: KlarnaCredentials, { checks }: KlarnaResponse, now: number): void {
  if (!checks) return;
  const { credential, clientCertificate } = credentials;
  for (const check of failedChecks(checks, clientCertificate !== undefined)) {
    const told = `${credential} ${check} ${checks[check] ?? ''}`;
    if (now - (toldAt.get(told) ?? Number.NEGATIVE_INFINITY) < tellInterval) continue;
    toldAt.set(told, now);
    count('ConfigurationFault');
    const fields = { fault: 'misconfigured', credential, status: checks[check] };
    if (check === 'certificate') warn('klarna.certificate', fields);
    else warn('klarna.address', fields);
  }
}

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
      tellChecks(call[0], response, askedAt);
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
