import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { delayAfterFailure, delayMessage } from '../../../functions/adapters/queue/timer-message-delay.ts';

it.each([
  [1, 10],
  [2, 20],
  [3, 40],
  [4, 80],
  [5, 160],
  [6, 320],
  [7, 640],
  [8, 900],
  [9, 900],
  [1000, 900],
  [0, 10],
  [-1, 10],
])('a message that was received %i times comes back after %i seconds', (receives, seconds) => {
  expect(delayAfterFailure(receives)).toBe(seconds);
});

it('delayMessage changes the visibility of the message', async () => {
  const client = new SQSClient({ region: 'eu-north-1' });
  const sqs = mockClient(client);
  sqs.resolves({});
  await delayMessage(client, 'https://queue')('receipt', 3);
  expect(sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input)).toEqual([
    { QueueUrl: 'https://queue', ReceiptHandle: 'receipt', VisibilityTimeout: 40 },
  ]);
});

it('delayMessage throws the error of SQS', async () => {
  const client = new SQSClient({ region: 'eu-north-1' });
  const fault = new Error('the receipt is not valid any more');
  mockClient(client).rejects(fault);
  await expect(delayMessage(client, 'https://queue')('receipt', 1)).rejects.toBe(fault);
});
