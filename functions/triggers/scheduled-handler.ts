import middy from '@middy/core';
import { klarnaBudget } from '../application/cancel-payment-request.ts';
import { failures, telemetry } from '../telemetry/telemetry.ts';

/** Milliseconds reserved for work that started last: one whole attempt at Klarna and its writes. */
const reserve = klarnaBudget + 8_000;

/** A function that works until shortly before its time limit. Both times are in milliseconds since 1970. */
export const recurringHandler = <Report>(work: (until: number, timeLimit: number) => Promise<Report>) =>
  middy<unknown, Report>()
    .use(telemetry())
    .use(failures('sweep.failed'))
    .handler((_event, context) => {
      const timeLimit = Date.now() + context.getRemainingTimeInMillis();
      return work(timeLimit - reserve, timeLimit);
    });
