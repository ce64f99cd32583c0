import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** Seconds before a failed timer message returns: doubled with every receipt, from 10 seconds to 15 minutes. */
export const delayAfterFailure = (receiveCount: number): number =>
  Math.min(900, 10 * 2 ** Math.min(Math.max(receiveCount, 1) - 1, 7));

/** Hides a failed message for a time that grows with every receipt. */
export const delayMessage =
  (sqs: SQSClient, queueUrl: string) =>
  async (receiptHandle: string, receiveCount: number): Promise<void> => {
    await sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: delayAfterFailure(receiveCount),
      }),
    );
  };
