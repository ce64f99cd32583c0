import type { Clock, KlarnaAnswer, KlarnaPaymentRequests } from '../application/ports.ts';
import { count, measure } from './telemetry.ts';

/** The same Klarna, with every answer counted by its kind and timed. */
export const withMetrics = (klarna: KlarnaPaymentRequests, clock: Clock): KlarnaPaymentRequests => {
  const measured =
    (ask: KlarnaPaymentRequests['read']): KlarnaPaymentRequests['read'] =>
    async (...question): Promise<KlarnaAnswer> => {
      const askedAt = clock.now();
      const answer = await ask(...question);
      measure('KlarnaMillis', clock.now() - askedAt);
      count(`Klarna:${answer.kind}`);
      return answer;
    };
  return {
    read: measured((...question) => klarna.read(...question)),
    cancel: measured((...question) => klarna.cancel(...question)),
  };
};
