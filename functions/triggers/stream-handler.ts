import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { ReferenceStreamEntry, StreamEntry } from '../application/ports.ts';
import type { publishStateChanges } from '../application/publish-state-changes.ts';
import type { Unpublished } from '../domain/unpublished.ts';
import { count, failures, note, telemetry, warn } from '../telemetry/telemetry.ts';

type Image = Record<string, AttributeValue> | undefined;

/** What the stream's handler needs. */
export interface StreamHandlerDependencies {
  readonly writeOf: (images: {
    readonly NewImage?: Image;
    readonly OldImage?: Image;
  }) => Pick<StreamEntry, 'key' | 'read'> | undefined;
  readonly referenceWriteOf: (images: {
    readonly NewImage?: Image;
  }) => Pick<ReferenceStreamEntry, 'key' | 'readReference'> | undefined;
  readonly publish: ReturnType<typeof publishStateChanges>;
}

/** Milliseconds reserved for the last call of the bus, with its retries, and for what is set aside after it. */
const reserve = 16_000;

/**
 * Publishes a batch, and sets aside what cannot be published. From the first record on that must be tried again, the batch is
 * delivered again, so that the order is kept.
 */
export const streamHandler = ({ publish, ...reading }: StreamHandlerDependencies) =>
  middy<DynamoDBStreamEvent, DynamoDBBatchResponse>()
    .use(telemetry())
    .use(failures('events.failed'))
    .handler(async ({ Records: records }, context) => {
      const until = Date.now() + context.getRemainingTimeInMillis() - reserve;
      const entries = records.flatMap((record) => entriesOf(record, reading));
      const { retryFrom, published, setAside } = await publish(entries, until);
      for (const { type, detail } of published) {
        if (type === 'Session Paid Twice') count('PaidTwice');
        if (type === 'Payment Request Not Authorized') count('NotAuthorized');
        // A payment that is not authorized has an alarm of its own.
        if (type !== 'Payment Request Needs Attention' || detail.cause === 'not_authorized') continue;
        count('Attention');
        if (detail.cause === 'canceled_after_completed') count('CanceledAfterCompleted');
      }
      if (published.length > 0) note('events.published', { published: published.length });
      for (const unpublished of setAside) reportSetAside(unpublished);
      if (retryFrom === undefined) return { batchItemFailures: [] };
      warn('events.refused', { sequence_number: retryFrom });
      return { batchItemFailures: [{ itemIdentifier: retryFrom }] };
    });

function entriesOf(
  { dynamodb }: DynamoDBRecord,
  { writeOf, referenceWriteOf }: Omit<StreamHandlerDependencies, 'publish'>,
): readonly (StreamEntry | ReferenceStreamEntry)[] {
  const sequenceNumber = dynamodb?.SequenceNumber;
  const writtenAt = (dynamodb?.ApproximateCreationDateTime ?? Date.now() / 1_000) * 1_000;
  // The types of aws-lambda and of the SDK describe the same JSON.
  const images = dynamodb as { readonly NewImage?: Image; readonly OldImage?: Image } | undefined;
  const write = images && (writeOf(images) ?? referenceWriteOf(images));
  return write && sequenceNumber !== undefined ? [{ ...write, sequenceNumber, writtenAt }] : [];
}

function reportSetAside(unpublished: Unpublished): void {
  if (unpublished.kind === 'event') {
    const { event_key, payment_request_id } = unpublished.event.detail;
    warn('events.set-aside', {
      reason: unpublished.reason,
      event_key,
      payment_request_id: payment_request_id ?? undefined,
    });
    return;
  }
  const { key, sequenceNumber } = unpublished;
  warn('events.set-aside', {
    reason: 'unreadable',
    account: key.account,
    payment_request_id: key.paymentRequestId,
    sequence_number: sequenceNumber,
  });
}
