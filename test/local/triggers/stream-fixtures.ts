import type { StreamSourceDescription } from '../../../local/template/stack-description.ts';
import type { StreamSourceOptions } from '../../../local/triggers/stream-source.ts';
import { notesTable } from '../dynamodb/notes-table.ts';

/** Lambda's defaults, with unlimited retries. */
export const notesSource: StreamSourceDescription = {
  functionId: 'Reader',
  tableName: notesTable.name,
  batchSize: 100,
  maximumBatchingWindowSeconds: 0,
  startingPosition: 'TRIM_HORIZON',
  reportBatchItemFailures: true,
  bisectBatchOnFunctionError: false,
  maximumRetryAttempts: -1,
  maximumRecordAgeSeconds: -1,
  onFailureQueueName: undefined,
};

/** Everything but the function, with short delays between retries. */
export function streamOptions(dynamoDbUrl: string): Omit<StreamSourceOptions, 'invoke'> {
  return {
    source: notesSource,
    dynamoDbUrl,
    region: 'eu-north-1',
    accountId: '123456789012',
    functionArn: 'arn:aws:lambda:eu-north-1:123456789012:function:Reader',
    sendToQueue: () => Promise.reject(new Error('no queue was expected to be told')),
    checkpointDirectory: undefined,
    onLog: () => undefined,
    retryDelay: () => 5,
  };
}
