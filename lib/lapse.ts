import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Dashboard as CloudWatchDashboard, IMetric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { MetricName } from '../functions/contract/metric-names.ts';
import { AccountSecrets } from './account-secrets.ts';
import { alarmTopic } from './alarm-topic.ts';
import { allowLogs } from './allow-logs.ts';
import { givenBundles, openBundles } from './bundles.ts';
import { CanaryDeployment } from './canary-deployment.ts';
import { Dashboard } from './dashboard.ts';
import { FaultAlarms } from './fault-alarms.ts';
import { ForwardedEvents, type ForwardEventsProps } from './forwarded-events.ts';
import { FunctionAlarms } from './function-alarms.ts';
import { functionNetwork } from './function-network.ts';
import { instanceName, outermostStack } from './instance-name.ts';
import { klarnaUnclearAlarm } from './klarna-unclear-alarm.ts';
import { KlarnaWebhook } from './klarna-webhook.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { LapseProps } from './lapse-props.ts';
import { requireKnown } from './known-properties.ts';
import { lapseRule, type OnEventProps } from './lapse-rule.ts';
import { resolveSettings } from './resolve-settings.ts';
import { type GrantCallProps, PaymentRequestApi } from './payment-request-api.ts';
import { PaymentRequestTable } from './payment-request-table.ts';
import { quotaAlarm } from './quota-alarm.ts';
import { Reconciliation } from './reconciliation.ts';
import { checkRegion } from './region.ts';
import { SessionTimer } from './session-timer.ts';
import type { SharedProps } from './shared-props.ts';
import { StateChangeEvents } from './state-change-events.ts';

export type { EventType } from '../functions/contract/event-types.ts';
export type { ApiAction } from '../functions/contract/routes.ts';
export type { ForwardedEvents, ForwardEventsProps } from './forwarded-events.ts';
export type { LapseDomain, LapseProps } from './lapse-props.ts';
export type { EventSelection, OnEventProps } from './lapse-rule.ts';
export type { GrantCallProps } from './payment-request-api.ts';

/** All of Lapse: ends a Klarna Payment Request when its checkout session ends. */
export class Lapse extends Construct {
  /** The HTTP API. */
  readonly api: HttpApi;
  /** The table with the records: yours, or the new one. */
  readonly table: ITable;
  /** The bus that events are published on: yours, or the new one. */
  readonly bus: IEventBus;
  /** The topic that every alarm notifies: yours, or the new one. */
  readonly alarmTopic: ITopic;
  /** The functions by their names, such as `cancel-payment-request`. */
  readonly functions: Readonly<Record<FunctionName, LapseFunction>>;
  /** Where callers reach the API, without a slash at its end. */
  readonly apiUrl: string;
  /** The address to subscribe at Klarna for webhooks. */
  readonly webhookUrl: string;
  readonly #parts: Parts;

  constructor(scope: Construct, id: string, props: LapseProps = {}) {
    super(scope, id);
    const { table: existing, bus, encryptionKey, alarmTopic: topic, authorizer, domain, ...others } = props;
    const { accountsSecret, signingKeysSecret, vpc, vpcSubnets, securityGroups, bundles, ...given } = others;
    const settings = resolveSettings(given);
    checkRegion(Stack.of(this).region);
    this.alarmTopic = alarmTopic(this, 'AlarmTopic', { existing: topic, encryptionKey });
    if (encryptionKey) allowLogs(this, encryptionKey);
    using built = bundles ? givenBundles(bundles) : openBundles(this);
    const shared = {
      name: instanceName(this, longestName),
      settings,
      bundles: built.bundles,
      encryptionKey,
      network: functionNetwork(this, 'SecurityGroup', { vpc, vpcSubnets, securityGroups }),
      alarmTopic: this.alarmTopic,
    };
    const table = new PaymentRequestTable(this, 'PaymentRequests', { shared, existing });
    const secrets = new AccountSecrets(this, 'Secrets', shared, {
      accounts: accountsSecret,
      signingKeys: signingKeysSecret,
    });
    const timer = new SessionTimer(this, 'SessionTimer', { shared, table, secrets });
    const sweep = new Reconciliation(this, 'Reconciliation', { shared, table, secrets, timer });
    const events = new StateChangeEvents(this, 'StateChanges', { shared, table, timer, bus });
    const api = new PaymentRequestApi(this, 'Api', { shared, table, secrets, timer, authorizer, domain });
    const webhook = new KlarnaWebhook(this, 'Webhook', { shared, table, secrets, api });
    this.api = api.api;
    this.apiUrl = api.url;
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
    const { errors } = new FunctionAlarms(this, 'Functions', { shared, functions: this.functions });
    if (settings.canary) {
      const alarms = settings.alarms ? [errors] : [];
      new CanaryDeployment(this, 'Canary', { functions: Object.values(this.functions), alarms });
    }
    const dashboard = settings.dashboard
      ? new Dashboard(this, 'Overview', {
          name: shared.name,
          functions: this.functions,
          api: api.api,
          table: table.table,
          timerQueue: timer.queue,
          deadLetterQueues: [timer.deadLetterQueue, events.unpublished, sweep.deadLetterQueue],
        }).dashboard
      : undefined;
    this.#parts = { shared, secrets, timer, events, sweep, api, dashboard };
    if (!settings.alarms) removeAlarms(this);
  }

  /** Allows a principal to call the API for one account. Throws where the API has another authorizer than IAM. */
  grantCall(grantee: IGrantable, props: GrantCallProps): Grant {
    requireKnown('grantCall', props, { account: true, actions: true });
    return this.#parts.api.grantCall(grantee, props);
  }

  /** Adds a rule on the bus for events of Lapse. Several Lapse on one bus are told apart by their accounts only. */
  onEvent(id: string, props: OnEventProps = {}): Rule {
    requireKnown('onEvent', props, { types: true, accounts: true, target: true, description: true });
    return lapseRule(this, id, this.bus, props);
  }

  /** Sends events to an https address, with repetition, a dead-letter queue and alarms. Call it once for each address. */
  forwardEvents(props: ForwardEventsProps, id = 'ForwardedEvents'): ForwardedEvents {
    requireKnown('forwardEvents', props, {
      url: true,
      apiKeySecret: true,
      headerName: true,
      maxPerSecond: true,
      types: true,
      accounts: true,
    });
    const { shared } = this.#parts;
    const forwarded = new ForwardedEvents(this, id, shared, { ...props, bus: this.bus });
    if (!shared.settings.alarms) removeAlarms(forwarded);
    return forwarded;
  }

  /**
   * Adds the outputs that the command line and the next steps need, to the stack that CloudFormation deploys. Their logical ids are
   * their names.
   *
   * @param prefix stands before each name: 1 to 32 of `A-Z`, `a-z` and `0-9`. A second Lapse of a stack needs one.
   */
  addOutputs(prefix = ''): void {
    if (!/^[A-Za-z0-9]{0,32}$/.test(prefix))
      throw new Error(`prefix is ${prefix}; allowed: 1 to 32 of A-Z, a-z and 0-9.`);
    const stack = outermostStack(this);
    if (stack.node.tryFindChild(`${prefix}ApiUrl`))
      throw new Error(`prefix is ${prefix || 'empty'}; allowed: one that no other Lapse of the stack has.`);
    for (const [name, value] of Object.entries(this.#outputs())) {
      new CfnOutput(stack, `${prefix}${name}`, { value }).overrideLogicalId(`${prefix}${name}`);
    }
  }

  #outputs(): Readonly<Record<string, string>> {
    const { shared, secrets, timer, sweep, events, api, dashboard } = this.#parts;
    const { region } = Stack.of(this);
    return {
      ApiUrl: this.apiUrl,
      ApiAuthorization: api.authorization,
      WebhookUrl: this.webhookUrl,
      KlarnaTestUrl: shared.settings.klarnaTestUrl,
      KlarnaLiveUrl: shared.settings.klarnaLiveUrl,
      AccountsSecretName: secrets.accounts.secretName,
      SigningKeysSecretName: secrets.signingKeys.secretName,
      ...(secrets.pageKeys && { PageKeysSecretName: secrets.pageKeys.secretName }),
      CredentialsPrefix: secrets.credentialsPrefix,
      ...(shared.encryptionKey && { EncryptionKeyArn: shared.encryptionKey.keyArn }),
      EventBusName: this.bus.eventBusName,
      ...(events.archives && { EventArchives: events.archives.list, EventBusArn: this.bus.eventBusArn }),
      TableName: this.table.tableName,
      RetentionDays: String(shared.settings.retention.records),
      TombstoneRetentionDays: String(shared.settings.retention.tombstones),
      ScheduleGroupName: timer.groupName,
      TimerQueueUrl: timer.queue.queueUrl,
      DeadTimersQueueUrl: timer.deadLetterQueue.queueUrl,
      SweepFailuresQueueUrl: sweep.deadLetterQueue.queueUrl,
      UnpublishedEventsQueueUrl: events.unpublished.queueUrl,
      FunctionNames: Object.entries(this.functions)
        .map(([name, each]) => `${name}=${each.function.functionName}`)
        .join(' '),
      MetricsStack: shared.name,
      AlarmTopicArn: this.alarmTopic.topicArn,
      ...(dashboard && {
        DashboardUrl: `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`,
      }),
      NextCommand: `aws secretsmanager put-secret-value --region ${region} --secret-id ${secrets.accounts.secretName} --secret-string file://accounts.json`,
    };
  }

  /**
   * A metric that the functions write, for alarms and dashboards of your own (docs/reference/metrics.md). By default over five
   * minutes.
   */
  metric(metricName: MetricName, options?: MetricOptions): IMetric {
    return lapseMetric(this.#parts.shared.name, metricName, options);
  }
}

interface Parts {
  readonly shared: SharedProps;
  readonly secrets: AccountSecrets;
  readonly timer: SessionTimer;
  readonly events: StateChangeEvents;
  readonly sweep: Reconciliation;
  readonly api: PaymentRequestApi;
  readonly dashboard: CloudWatchDashboard | undefined;
}

/** Scheduler's longest name of a group is 64 characters, and a group's name is this one with `-sessions` or `-sweep`. */
const longestName = 64 - '-sessions'.length;

/** The parts make their alarms in any case: only here is decided whether the stack has them. */
function removeAlarms(part: Construct): void {
  for (const alarm of part.node.findAll()) {
    if (alarm instanceof LapseAlarm) alarm.node.scope?.node.tryRemoveChild(alarm.node.id);
  }
}
