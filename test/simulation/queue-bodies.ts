/** The messages in the dead-letter queues, as Scheduler and the stream's event source write them. */
import { unpublishedOf } from '../../functions/adapters/queue/unpublished-queue.ts';
import type { TimerMessage } from '../../functions/adapters/scheduler/scheduler-session-timer.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis, plusMillis } from '../../functions/domain/instant.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { traceIdOf } from '../../functions/domain/trace.ts';
import { minute } from '../support/sessions.ts';

/** A timer's message. */
export const timerBody = ({ account, paymentRequestId }: PaymentRequestKey, at: number): string =>
  JSON.stringify({
    account,
    payment_request_id: paymentRequestId,
    deadline_at: new Date(at).toISOString(),
    trace_id: traceIdOf(paymentRequestId),
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

/** A time in which writes may have been decided, of one request or of all. */
interface Window {
  readonly key?: PaymentRequestKey;
  readonly since: Instant;
  readonly until: Instant;
}

/**
 * What waits in the queue of unpublished events: events, and the times of writes. A write may have been decided up to a minute before
 * it was done.
 */
export function waitingIn(bodies: readonly string[]): {
  readonly events: readonly StateChangeEvent[];
  readonly windows: readonly Window[];
} {
  const events: StateChangeEvent[] = [];
  const windows: Window[] = [];
  for (const body of bodies) {
    const unpublished = unpublishedOf(body);
    if (unpublished?.kind === 'event') events.push(unpublished.event);
    else if (unpublished) {
      const { key, writtenAt } = unpublished;
      windows.push({ key, since: plusMillis(writtenAt, -minute), until: plusMillis(writtenAt, minute) });
    } else windows.push(windowOf(body));
  }
  return { events, windows };
}

function windowOf(body: string): Window {
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
}

const wholeSecond = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`;
