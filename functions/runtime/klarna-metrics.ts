import type { Clock, KlarnaAnswer, KlarnaPaymentRequests } from '../application/ports.ts';
import { count, measure } from './telemetry.ts';

/** The same Klarna, with every answer timed and counted, by its kind, and whether it says anything at all. */
export const withMetrics = (klarna: KlarnaPaymentRequests, clock: Clock): KlarnaPaymentRequests => {
  const measured =
    (ask: KlarnaPaymentRequests['read']): KlarnaPaymentRequests['read'] =>
    async (...question): Promise<KlarnaAnswer> => {
      const askedAt = clock.now();
      const answer = await ask(...question);
      measure('KlarnaMillis', clock.now() - askedAt);
      count('KlarnaAnswers');
      count(`Klarna:${answer.kind}`);
      if (answer.kind === 'unclear' || answer.kind === 'rate-limited') count('KlarnaUnclear');
      return answer;
    };
  return {
    read: measured((...question) => klarna.read(...question)),
    cancel: measured((...question) => klarna.cancel(...question)),
  };
};
