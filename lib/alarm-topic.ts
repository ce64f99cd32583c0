import { Annotations, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Your topic, or the key of a new one. */
export interface AlarmTopicProps {
  readonly existing: ITopic | undefined;
  readonly encryptionKey: IKey | undefined;
}

/**
 * The topic that alarms notify: the given one, or a new one. CloudWatch of this account may publish to it. Without this statement
 * it may not as soon as the topic has any policy, since a policy replaces SNS's default policy
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
 * A topic of a CDK app gets the statement. The policy of an imported topic must allow it already.
 */
export function alarmTopic(
  scope: Construct,
  id: string,
  { existing, encryptionKey }: AlarmTopicProps,
): ITopic {
  const topic =
    existing ??
    new Topic(scope, id, { enforceSSL: true, ...(encryptionKey && { masterKey: encryptionKey }) });
  const fromThisAccount = { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } };
  const allow = (actions: string[], resources: string[]): PolicyStatement =>
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions,
      resources,
      conditions: fromThisAccount,
    });
  const { statementAdded } = topic.addToResourcePolicy(allow(['sns:Publish'], [topic.topicArn]));
  if (!statementAdded)
    Annotations.of(scope).addWarningV2(
      'lapse:alarmTopic',
      'alarmTopic is imported: no alarm arrives unless its policy allows cloudwatch.amazonaws.com to publish.',
    );
  // An encrypted topic's key has to allow it too. In a key policy `*` means that key.
  topic.masterKey?.addToResourcePolicy(allow(['kms:Decrypt', 'kms:GenerateDataKey*'], ['*']));
  return topic;
}
