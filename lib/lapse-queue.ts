import { Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** A queue as all of them are: encrypted, with the key where there is one, and closed to calls without TLS. */
export const lapseQueue = (
  scope: Construct,
  id: string,
  encryptionKey: IKey | undefined,
  props: Omit<QueueProps, 'encryption' | 'encryptionMasterKey' | 'enforceSSL'>,
): Queue =>
  new Queue(scope, id, {
    ...props,
    enforceSSL: true,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
  });

/** Where ends what was given up: kept for as long as SQS keeps anything, two weeks. */
export function deadLetterQueue(scope: Construct, id: string, encryptionKey: IKey | undefined): Queue {
  const queue = lapseQueue(scope, id, encryptionKey, { retentionPeriod: Duration.days(14) });
  const reason =
    'It is a dead-letter queue itself: what ends here waits for a person, and an alarm has gone off.';
  for (const rule of ['AwsSolutions::AwsSolutions-SQS3', 'Serverless::Serverless-SQSRedrivePolicy']) {
    Validations.of(queue).acknowledge({ id: rule, reason });
  }
  return queue;
}
