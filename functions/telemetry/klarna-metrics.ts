import type { Clock, KlarnaExpiry, KlarnaPaymentRequests } from '../application/ports.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import { count, measure } from './telemetry.ts';

type Klarna = KlarnaPaymentRequests & KlarnaExpiry;

/** Wraps Klarna so that every response is timed and counted by its kind, and unclear responses are counted. */
export const withMetrics = (klarna: Klarna, clock: Clock): Klarna => {
  const measured =
    <Question extends readonly unknown[]>(ask: (...question: Question) => Promise<KlarnaResponse>) =>
    async (...question: Question): Promise<KlarnaResponse> => {
      const askedAt = clock.now();
      const response = await ask(...question);
      measure('KlarnaMillis', clock.now() - askedAt);
      count('KlarnaResponses');
      count(`Klarna:${response.kind}`);
      if (response.kind === 'unclear' || response.kind === 'rate_limited') count('KlarnaUnclear');
      return response;
    };
  return {
    read: measured(klarna.read.bind(klarna)),
    cancel: measured(klarna.cancel.bind(klarna)),
    moveExpiry: measured(klarna.moveExpiry.bind(klarna)),
  };
};
