import type { Clock, KlarnaAnswer, KlarnaExpiry, KlarnaPaymentRequests } from '../application/ports.ts';
import { count, measure } from './telemetry.ts';

type Klarna = KlarnaPaymentRequests & KlarnaExpiry;

/** The same Klarna, with every answer timed and counted, by its kind, and whether it says anything at all. */
export const withMetrics = (klarna: Klarna, clock: Clock): Klarna => {
  const measured =
    <Question extends readonly unknown[]>(ask: (...question: Question) => Promise<KlarnaAnswer>) =>
    async (...question: Question): Promise<KlarnaAnswer> => {
      const askedAt = clock.now();
      const answer = await ask(...question);
      measure('KlarnaMillis', clock.now() - askedAt);
      count('KlarnaAnswers');
      count(`Klarna:${answer.kind}`);
      if (answer.kind === 'unclear' || answer.kind === 'rate_limited') count('KlarnaUnclear');
      return answer;
    };
  return {
    read: measured(klarna.read.bind(klarna)),
    cancel: measured(klarna.cancel.bind(klarna)),
    moveExpiry: measured(klarna.moveExpiry.bind(klarna)),
  };
};
