import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import type { Accounts } from '../application/ports.ts';
import type { compareSession } from '../application/compare-attempts.ts';
import { type endExpiredSession, isMessageDone } from '../application/end-expired-session.ts';
import type { settleReference } from '../application/settle-reference.ts';
import { readJson } from '../contract/read-json.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import {
  type Account,
  parseAccount,
  parsePaymentRequestId,
  parseReference,
  type PaymentRequestId,
  type Reference,
} from '../domain/identifiers.ts';
import { type Instant, millisOf, parseInstant } from '../domain/instant.ts';
import { measureTimeout } from '../telemetry/timeout-metrics.ts';
import { fault, note, telemetry } from '../telemetry/telemetry.ts';

/** What the timer queue's handler needs. */
export interface TimerQueueDependencies {
  readonly accounts: Accounts;
  readonly endExpired: ReturnType<typeof endExpiredSession>;
  readonly compare: ReturnType<typeof compareSession>;
  readonly settle: ReturnType<typeof settleReference>;
  /** Hides a failed message for a while. */
  readonly delay: (receiptHandle: string, receiveCount: number) => Promise<void>;
}

const messageSchema = v.object({
  account: v.string(),
  payment_request_id: v.optional(v.string()),
  reference: v.optional(v.string()),
  deadline_at: v.string(),
  /** Absent: a timer. `attempts`: compare the attempts of a session. `reference`: settle what waits for a reference. */
  about: v.optional(v.picklist(['attempts', 'reference'])),
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
  { accounts, endExpired, compare, settle }: TimerQueueDependencies,
): Promise<boolean> {
  const message = parseMessage(body);
  const { account } = message;
  const settings = await accounts.find(account);
  if (!settings) throw new ConfigurationError(`The account ${account} has no entry and no credential.`);
  switch (message.about) {
    case 'reference': {
      const { reference, seen } = message;
      const outcome = await settle({ account, reference }, settings, seen);
      note('reference.settled', { account, payment_request_id: seen, outcome });
      return outcome !== 'held' && outcome !== 'moving';
    }
    case 'attempts': {
      const { paymentRequestId } = message;
      const { kind } = await compare({ account, paymentRequestId }, settings);
      note('session.compared', { account, payment_request_id: paymentRequestId, outcome: kind });
      return kind !== 'held';
    }
    case undefined: {
      const { paymentRequestId, deadlineAt } = message;
      const outcome = await endExpired({ account, paymentRequestId }, settings);
      note('timer.fired', {
        account,
        payment_request_id: paymentRequestId,
        outcome: measureTimeout(outcome, Date.now() - millisOf(deadlineAt)),
      });
      return isMessageDone(outcome);
    }
  }
}

type Message = { readonly account: Account } & (
  | {
      readonly about: undefined | 'attempts';
      readonly paymentRequestId: PaymentRequestId;
      readonly deadlineAt: Instant;
    }
  | {
      readonly about: 'reference';
      readonly reference: Reference;
      readonly seen: PaymentRequestId | undefined;
    }
);

const nothing: v.InferOutput<typeof messageSchema> = { account: '', deadline_at: '' };

function parseMessage(body: string): Message {
  const parsed = v.safeParse(messageSchema, readJson(body));
  const given = parsed.success ? parsed.output : nothing;
  const { about } = given;
  const account = parseAccount(given.account);
  const paymentRequestId = parsePaymentRequestId(given.payment_request_id ?? '');
  const reference = parseReference(given.reference ?? '');
  const deadlineAt = parseInstant(given.deadline_at);
  if (account && deadlineAt) {
    if (about === 'reference' && reference) return { about, account, reference, seen: paymentRequestId };
    if (about !== 'reference' && paymentRequestId) return { about, account, paymentRequestId, deadlineAt };
  }
  throw new Error('the message names no account, no Payment Request or no deadline');
}
