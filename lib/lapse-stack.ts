import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Lapse, type LapseProps } from './lapse.ts';

export interface LapseStackProps extends StackProps {
  readonly lapse?: LapseProps;
}

/** Lapse in a stack of its own, with everything in its outputs that the next step needs. */
export class LapseStack extends Stack {
  readonly lapse: Lapse;

  constructor(scope: Construct, id: string, { lapse, ...props }: LapseStackProps = {}) {
    super(scope, id, props);
    // `Default` adds nothing to logical ids.
    this.lapse = new Lapse(this, 'Default', lapse);
    const {
      api,
      webhookUrl,
      accountsSecret,
      signingKeysSecret,
      bus,
      alarmTopic,
      dashboardName,
      table,
      retentionDays,
      queues,
    } = this.lapse;
    const outputs = {
      ApiUrl: api.apiEndpoint,
      WebhookUrl: webhookUrl,
      AccountsSecretName: accountsSecret.secretName,
      SigningKeysSecretName: signingKeysSecret.secretName,
      EventBusName: bus.eventBusName,
      TableName: table.tableName,
      RetentionDays: String(retentionDays),
      TimerQueueUrl: queues.timers.queueUrl,
      DeadTimersQueueUrl: queues.deadTimers.queueUrl,
      UnpublishedEventsQueueUrl: queues.unpublishedEvents.queueUrl,
      AlarmTopicArn: alarmTopic.topicArn,
      DashboardUrl: `https://${this.region}.console.aws.amazon.com/cloudwatch/home?region=${this.region}#dashboards/dashboard/${dashboardName}`,
      NextCommand: `aws secretsmanager put-secret-value --region ${this.region} --secret-id ${accountsSecret.secretName} --secret-string file://accounts.json`,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
