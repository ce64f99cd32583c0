import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IMetric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { MetricName } from '../functions/contract/metric-names.ts';
import { AccountSecrets } from './account-secrets.ts';
import { alarmTopic } from './alarm-topic.ts';
import { givenBundles, openBundles } from './bundles.ts';
import { CanaryDeployment } from './canary-deployment.ts';
import { Dashboard } from './dashboard.ts';
import { FaultAlarms } from './fault-alarms.ts';
import { FunctionAlarms } from './function-alarms.ts';
import { klarnaUnclearAlarm } from './klarna-unclear-alarm.ts';
import { KlarnaWebhook } from './klarna-webhook.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { LapseProps } from './lapse-props.ts';
import { resolveSettings } from './resolve-settings.ts';
import { PaymentRequestApi } from './payment-request-api.ts';
import { PaymentRequestTable } from './payment-request-table.ts';
import { quotaAlarm } from './quota-alarm.ts';
import { Reconciliation } from './reconciliation.ts';
import { checkRegion } from './region.ts';
import { SessionTimer } from './session-timer.ts';
import { StateChangeEvents } from './state-change-events.ts';

export type { LapseProps } from './lapse-props.ts';

/**
 * All of Lapse: ends a Klarna Payment Request when its checkout session ends. A stack can hold one, since the schedule groups are
 * named after the stack.
 */
export class Lapse extends Construct {
  readonly api: HttpApi;
  readonly table: ITable;
  readonly bus: IEventBus;
  readonly alarmTopic: ITopic;
  readonly functions: Readonly<Record<FunctionName, LapseFunction>>;
  /** The address to subscribe at Klarna for webhooks. */
  readonly webhookUrl: string;
  readonly #parts: Parts;

  constructor(scope: Construct, id: string, props: LapseProps = {}) {
    super(scope, id);
    const { table: existing, bus, encryptionKey, alarmTopic: topic, authorizer, bundles, ...given } = props;
    const settings = resolveSettings(given);
    checkRegion(Stack.of(this).region);
    this.alarmTopic = alarmTopic(this, 'AlarmTopic', topic);
    using built = bundles ? givenBundles(bundles) : openBundles(this);
    const shared = {
      name: Stack.of(this).stackName,
      settings,
      bundles: built.bundles,
      encryptionKey,
      alarmTopic: this.alarmTopic,
    };
    const table = new PaymentRequestTable(this, 'PaymentRequests', { shared, existing });
    const secrets = new AccountSecrets(this, 'Secrets', shared);
    const timer = new SessionTimer(this, 'SessionTimer', { shared, table, secrets });
    const sweep = new Reconciliation(this, 'Reconciliation', { shared, table, secrets, timer });
    const events = new StateChangeEvents(this, 'StateChanges', { shared, table: table.table, bus });
    const api = new PaymentRequestApi(this, 'Api', { shared, table, secrets, timer, authorizer });
    const webhook = new KlarnaWebhook(this, 'Webhook', {
      shared,
      table,
      secrets,
      api: api.api,
      register: api.functions['register-payment-request'],
    });
    this.api = api.api;
    this.table = table.table;
    this.bus = events.bus;
    this.webhookUrl = webhook.url;
    this.functions = {
      ...api.functions,
      'receive-klarna-webhook': webhook.receive,
      'cancel-expired-session': timer.expire,
      'reconcile-payment-requests': sweep.reconcile,
      'publish-state-changes': events.publish,
    };
    klarnaUnclearAlarm(this, 'KlarnaUnclear', shared);
    new FaultAlarms(this, 'Faults', shared);
    quotaAlarm(this, 'Quotas', { shared, table: table.table, timersDelayed: timer.delayed });
    const { rollback } = new FunctionAlarms(this, 'Functions', { shared, functions: this.functions });
    if (settings.canary)
      new CanaryDeployment(this, 'Canary', { functions: Object.values(this.functions), alarms: rollback });
    const { dashboardName } = new Dashboard(this, 'Overview', {
      name: shared.name,
      functions: this.functions,
      api: api.api,
      table: table.table,
      timerQueue: timer.queue,
      deadLetterQueues: [timer.deadLetterQueue, events.unpublished, sweep.deadLetterQueue],
    }).dashboard;
    const { retentionDays } = settings;
    this.#parts = { name: shared.name, secrets, timer, events, api, dashboardName, retentionDays };
  }

  /**
   * Allows a principal to make every API call for one account. Throws where the API has another authorizer than IAM.
   *
   * @param account the account's name in the secret `accounts`
   */
  grantCall(grantee: IGrantable, account: string): Grant {
    return this.#parts.api.grantCall(grantee, account);
  }

  /** Adds the outputs that the command line and the next steps need. Their logical ids are their names: one Lapse per stack. */
  addOutputs(): void {
    const { secrets, timer, events, retentionDays } = this.#parts;
    const { region } = Stack.of(this);
    const outputs = {
      ApiUrl: this.api.apiEndpoint,
      WebhookUrl: this.webhookUrl,
      AccountsSecretName: secrets.accounts.secretName,
      SigningKeysSecretName: secrets.signingKeys.secretName,
      EventBusName: this.bus.eventBusName,
      TableName: this.table.tableName,
      RetentionDays: String(retentionDays),
      TimerQueueUrl: timer.queue.queueUrl,
      DeadTimersQueueUrl: timer.deadLetterQueue.queueUrl,
      UnpublishedEventsQueueUrl: events.unpublished.queueUrl,
      AlarmTopicArn: this.alarmTopic.topicArn,
      DashboardUrl: `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${this.#parts.dashboardName}`,
      NextCommand: `aws secretsmanager put-secret-value --region ${region} --secret-id ${secrets.accounts.secretName} --secret-string file://accounts.json`,
    };
    for (const [name, value] of Object.entries(outputs)) {
      new CfnOutput(this, name, { value }).overrideLogicalId(name);
    }
  }

  /**
   * A metric that the functions write, for alarms and dashboards of your own (docs/reference/metrics.md). By default over five
   * minutes.
   */
  metric(metricName: MetricName, options?: MetricOptions): IMetric {
    return lapseMetric(this.#parts.name, metricName, options);
  }
}

interface Parts {
  readonly name: string;
  readonly secrets: AccountSecrets;
  readonly timer: SessionTimer;
  readonly events: StateChangeEvents;
  readonly api: PaymentRequestApi;
  readonly dashboardName: string;
  readonly retentionDays: number;
}
