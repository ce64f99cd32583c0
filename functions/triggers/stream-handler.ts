import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { publishStateChanges, WrittenChange } from '../application/publish-state-changes.ts';
import { count, telemetry, warn } from '../telemetry/telemetry.ts';

type Image = Record<string, AttributeValue> | undefined;

export interface StreamHandlerDependencies {
  readonly changeOf: (images: {
    readonly NewImage?: Image;
    readonly OldImage?: Image;
  }) => Pick<WrittenChange, 'before' | 'after'> | undefined;
  readonly publish: ReturnType<typeof publishStateChanges>;
}

/** Publishes a batch. From the first refused record on, the batch is delivered again, so that the order is kept. */
export const streamHandler = ({ changeOf, publish }: StreamHandlerDependencies) =>
  middy<DynamoDBStreamEvent, DynamoDBBatchResponse>()
    .use(telemetry())
    .handler(async ({ Records: records }) => {
      const { retryFrom, published } = await publish(
        records.flatMap((record) => changesOf(record, changeOf)),
      );
      count('EventsPublished', published.length);
      for (const { type, detail } of published) {
        if (type === 'Payment Request Registered') count('Registered');
        if (type === 'Payment Request Needs Attention') count(`Attention:${detail.cause ?? 'unknown'}`);
      }
      if (retryFrom === undefined) return { batchItemFailures: [] };
      count('EventsRefused');
      warn('events.refused', { sequence_number: retryFrom });
      return { batchItemFailures: [{ itemIdentifier: retryFrom }] };
    });

function changesOf(
  { dynamodb }: DynamoDBRecord,
  changeOf: StreamHandlerDependencies['changeOf'],
): readonly WrittenChange[] {
  const sequenceNumber = dynamodb?.SequenceNumber;
  // The types of aws-lambda and of the SDK describe the same JSON.
  const images = dynamodb as { readonly NewImage?: Image; readonly OldImage?: Image } | undefined;
  const change = images && changeOf(images);
  return change && sequenceNumber !== undefined ? [{ ...change, sequenceNumber }] : [];
}
