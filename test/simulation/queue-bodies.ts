/** The messages in the dead-letter queues, as Scheduler and the stream's event source write them. */
import type { TimerMessage } from '../../functions/adapters/scheduler/scheduler-session-timer.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../../functions/domain/instant.ts';
import { minute } from '../support/sessions.ts';

/** A timer's message. */
export const timerBody = ({ account, paymentRequestId }: PaymentRequestKey, at: number): string =>
  JSON.stringify({
    account,
    payment_request_id: paymentRequestId,
    deadline_at: new Date(at).toISOString(),
  } satisfies TimerMessage);

/** The request to which a timer's message belongs. */
export const timerOf = (body: string): PaymentRequestKey => {
  const { account, payment_request_id } = JSON.parse(body) as TimerMessage;
  return { account: account as Account, paymentRequestId: payment_request_id as PaymentRequestId };
};

/** A batch of writes, with the time of its first and its last write. The stream has whole seconds. */
export const batchBody = (firstAt: number, lastAt: number, size: number): string =>
  JSON.stringify({
    requestContext: { condition: 'RetryAttemptsExhausted' },
    DDBStreamBatchInfo: {
      approximateArrivalOfFirstRecord: wholeSecond(firstAt),
      approximateArrivalOfLastRecord: wholeSecond(lastAt),
      batchSize: size,
    },
  });

/** The time in which a batch's writes may have been decided: up to a minute before they were done. */
export const windowOf = (body: string): { readonly since: Instant; readonly until: Instant } => {
  const { DDBStreamBatchInfo: info } = JSON.parse(body) as {
    readonly DDBStreamBatchInfo: {
      readonly approximateArrivalOfFirstRecord: string;
      readonly approximateArrivalOfLastRecord: string;
    };
  };
  return {
    since: instantFromMillis(Date.parse(info.approximateArrivalOfFirstRecord) - minute),
    until: instantFromMillis(Date.parse(info.approximateArrivalOfLastRecord) + minute),
  };
};

const wholeSecond = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`;
