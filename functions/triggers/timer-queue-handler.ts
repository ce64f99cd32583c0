import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import type { Accounts } from '../application/ports.ts';
import type { compareSession } from '../application/compare-attempts.ts';
import type { endExpiredSession, TimeoutOutcome } from '../application/end-expired-session.ts';
import { readJson } from '../contract/read-json.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { parseAccount, parsePaymentRequestId } from '../domain/identifiers.ts';
import { millisOf, parseInstant } from '../domain/instant.ts';
import { measureTimeout } from '../telemetry/timeout-metrics.ts';
import { fault, note, telemetry } from '../telemetry/telemetry.ts';

/** What the timer queue's handler needs. */
export interface TimerQueueDependencies {
  readonly accounts: Accounts;
  readonly endExpired: ReturnType<typeof endExpiredSession>;
  readonly compare: ReturnType<typeof compareSession>;
  /** Hides a failed message for a while. */
  readonly delay: (receiptHandle: string, receiveCount: number) => Promise<void>;
}

const messageSchema = v.object({
  account: v.string(),
  payment_request_id: v.string(),
  deadline_at: v.string(),
  /** Absent: a timer. `attempts`: the stream asks for a comparison of the attempts of a session. */
  about: v.optional(v.picklist(['attempts'])),
});

/** Handles each message separately. A failed message is reported alone, and its delay grows with every receipt. */
export const timerQueueHandler = (dependencies: TimerQueueDependencies) =>
  middy<SQSEvent, SQSBatchResponse>()
    .use(telemetry())
    .handler(async ({ Records: records }) => {
      const failed = await Promise.all(
        records.map(async (record) => {
          try {
            if (await handle(record, dependencies)) return undefined;
          } catch (error) {
            fault('timer.failed', error, { message_id: record.messageId });
          }
          await dependencies
            .delay(record.receiptHandle, Number(record.attributes.ApproximateReceiveCount))
            .catch((error: unknown) => fault('timer.delay-failed', error, { message_id: record.messageId }));
          return { itemIdentifier: record.messageId };
        }),
      );
      return { batchItemFailures: failed.filter((failure) => failure !== undefined) };
    });

/** Does what the message asks for. Returns whether that is done. */
async function handle(
  { body }: SQSRecord,
  { accounts, endExpired, compare }: TimerQueueDependencies,
): Promise<boolean> {
  const { account, paymentRequestId, deadlineAt, about } = parseMessage(body);
  const settings = await accounts.find(account);
  if (!settings) throw new ConfigurationError(`The account ${account} has no entry and no credential.`);
  if (about === 'attempts') {
    const { kind } = await compare({ account, paymentRequestId }, settings);
    note('session.compared', { account, payment_request_id: paymentRequestId, outcome: kind });
    return kind !== 'held';
  }
  const outcome = await endExpired({ account, paymentRequestId }, settings);
  note('timer.fired', {
    account,
    payment_request_id: paymentRequestId,
    outcome: measureTimeout(outcome, Date.now() - millisOf(deadlineAt)),
  });
  return isSettled(outcome);
}

/**
 * Whether the message is done. It must be delivered again where the result at Klarna is not known, or Klarna refuses our credentials.
 * The same holds where it was not the account's turn to call Klarna.
 */
function isSettled(outcome: TimeoutOutcome): boolean {
  switch (outcome.kind) {
    case 'held':
      return false;
    case 'ended':
      return outcome.cancel.outcome !== 'pending' && outcome.cancel.outcome !== 'klarna_denied';
    default:
      return true;
  }
}

function parseMessage(body: string) {
  const message = v.safeParse(messageSchema, readJson(body));
  const account = message.success ? parseAccount(message.output.account) : undefined;
  const paymentRequestId = message.success
    ? parsePaymentRequestId(message.output.payment_request_id)
    : undefined;
  const deadlineAt = message.success ? parseInstant(message.output.deadline_at) : undefined;
  if (!account || !paymentRequestId || !deadlineAt) {
    throw new Error('the message names no account, no Payment Request or no deadline');
  }
  return { account, paymentRequestId, deadlineAt, about: message.success ? message.output.about : undefined };
}
