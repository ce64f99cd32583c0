import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { UnpublishedEvents } from '../../application/ports.ts';
import { eventTypes } from '../../contract/event-types.ts';
import { readJson } from '../../contract/read-json.ts';
import { parseAccount, parsePaymentRequestId } from '../../domain/identifiers.ts';
import { formatInstant, parseInstant } from '../../domain/instant.ts';
import type { StateChangeEvent } from '../../domain/state-change-event.ts';
import type { Unpublished } from '../../domain/unpublished.ts';

/** The queue of unpublished events: one message for each event or write, so that each can be replayed alone. */
export class UnpublishedQueue implements UnpublishedEvents {
  readonly #sqs: SQSClient;
  readonly #queueUrl: string;

  constructor(sqs: SQSClient, queueUrl: string) {
    this.#sqs = sqs;
    this.#queueUrl = queueUrl;
  }

  async keep(unpublished: Unpublished): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody: messageOf(unpublished) }),
    );
  }
}

/** The body of a message. */
export function messageOf(unpublished: Unpublished): string {
  if (unpublished.kind === 'event') {
    const { reason, event } = unpublished;
    return JSON.stringify({ unpublished: 'event', reason, detail_type: event.type, detail: event.detail });
  }
  const { key, sequenceNumber, writtenAt } = unpublished;
  return JSON.stringify({
    unpublished: 'write',
    account: key.account,
    payment_request_id: key.paymentRequestId,
    sequence_number: sequenceNumber,
    written_at: formatInstant(writtenAt),
  });
}

const messageSchema = v.variant('unpublished', [
  v.object({
    unpublished: v.literal('event'),
    reason: v.string(),
    detail_type: v.picklist(eventTypes),
    // The detail goes out as it came in: another version may have written it.
    detail: v.looseObject({
      event_key: v.string(),
      account: v.string(),
      payment_request_id: v.nullable(v.string()),
      recorded_at: v.pipe(
        v.string(),
        v.check((text) => parseInstant(text) !== undefined),
      ),
    }),
  }),
  v.object({
    unpublished: v.literal('write'),
    account: v.string(),
    payment_request_id: v.string(),
    sequence_number: v.string(),
    written_at: v.string(),
  }),
]);

/** What a message holds; `undefined` if {@link messageOf} did not write it. */
export function unpublishedOf(body: string): Unpublished | undefined {
  const parsed = v.safeParse(messageSchema, readJson(body));
  if (!parsed.success) return undefined;
  const message = parsed.output;
  if (message.unpublished === 'event') {
    const { reason, detail_type: type, detail } = message;
    return {
      kind: 'event',
      reason,
      event: { type, detail: detail as unknown as StateChangeEvent['detail'] },
    };
  }
  const account = parseAccount(message.account);
  const paymentRequestId = parsePaymentRequestId(message.payment_request_id);
  const writtenAt = parseInstant(message.written_at);
  if (!account || !paymentRequestId || !writtenAt) return undefined;
  return {
    kind: 'write',
    key: { account, paymentRequestId },
    sequenceNumber: message.sequence_number,
    writtenAt,
  };
}
