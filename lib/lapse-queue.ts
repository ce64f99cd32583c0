import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** A queue as Lapse makes them: encrypted, with the given key if there is one, and closed to calls without TLS. */
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
