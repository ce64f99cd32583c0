import { Duration } from 'aws-cdk-lib';
import { HttpMethod, HttpNoneAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { type IMetric, MathExpression, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { AccountSecrets } from './account-secrets.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { functionMetric, webhookVerdicts } from './lapse-metrics.ts';
import type { LapseSettings } from './lapse-settings.ts';
import type { PaymentRequestApi } from './payment-request-api.ts';
import type { PaymentRequestTable } from './payment-request-table.ts';
import type { SharedProps } from './shared-props.ts';

/** What the webhook works on. */
export interface KlarnaWebhookProps {
  readonly shared: SharedProps;
  readonly table: PaymentRequestTable;
  readonly secrets: AccountSecrets;
  /** Takes the route where the ingress is `http-api`. */
  readonly api: PaymentRequestApi;
}

/** The path of the webhook where the ingress is `http-api`. */
const webhookPath = '/klarna/webhook';

/**
 * The public address for Klarna's webhooks, and the function that checks their signatures. It has no authorizer, since a signature
 * is all that Klarna sends. Both kinds of ingress pass the same event with body and headers unchanged. The Lambda URL needs one
 * service less.
 */
export class KlarnaWebhook extends Construct {
  readonly url: string;
  readonly receive: LapseFunction;

  constructor(scope: Construct, id: string, { shared, table, secrets, api }: KlarnaWebhookProps) {
    super(scope, id);
    this.receive = new LapseFunction(this, 'Receive', {
      shared,
      functionName: 'receive-klarna-webhook',
      environment: { ...table.environment, ...secrets.signingKeysEnvironment },
      memorySize: 512,
      timeout: Duration.seconds(10),
      reservedConcurrentExecutions: shared.settings.webhookConcurrency,
    });
    // It reads a record only after a conflict with other writers.
    table.grantItems(this.receive, 'GetItem', 'UpdateItem');
    secrets.grantReadSigningKeys(this.receive);
    this.url = this.#open(shared.settings.webhookIngress, api);
    this.#watch(shared);
  }

  /** Webhooks with a valid signature, by how they compare with the record. */
  metricWebhooks(verdict: (typeof webhookVerdicts)[number], options?: MetricOptions): IMetric {
    return functionMetric('receive-klarna-webhook', `Webhook:${verdict}`, options);
  }

  /** Webhooks refused with a status, such as 400 for a wrong signature. */
  metricRefusedWebhooks(status: number, options?: MetricOptions): IMetric {
    return functionMetric('receive-klarna-webhook', `WebhookRefused:${status}`, options);
  }

  #open(ingress: NonNullable<LapseSettings['webhookIngress']>, { api, url }: PaymentRequestApi): string {
    switch (ingress) {
      case 'function-url':
        return this.receive.live.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
      case 'http-api':
        api.addRoutes({
          path: webhookPath,
          // The function itself responds to other methods.
          methods: [HttpMethod.ANY],
          integration: new HttpLambdaIntegration('Webhook', this.receive.live),
          authorizer: new HttpNoneAuthorizer(),
          // The API's default scopes need an authorizer: API Gateway refuses a route with scopes and without one.
          authorizationScopes: [],
        });
        return `${url}${webhookPath}`;
    }
  }

  #watch({ alarmTopic: topic, settings: { thresholds } }: SharedProps): void {
    new LapseAlarm(this, 'BadSignatures', {
      topic,
      description: `${thresholds.badSignatures} webhooks or more were refused for their signature in five minutes.`,
      section: 'bad-signatures',
      metric: this.metricRefusedWebhooks(400),
      threshold: thresholds.badSignatures,
    });
    new LapseAlarm(this, 'Quarantine', {
      topic,
      description: 'A webhook with a valid signature was quarantined.',
      section: 'quarantine',
      metric: functionMetric('receive-klarna-webhook', 'WebhookQuarantined'),
      threshold: 1,
    });
    new LapseAlarm(this, 'WebhookFaults', {
      topic,
      description: 'Webhooks could not be stored for ten minutes. Klarna sends them again.',
      section: 'webhook-faults',
      metric: functionMetric('receive-klarna-webhook', 'WebhookFault'),
      threshold: 1,
      periods: 2,
    });
    new LapseAlarm(this, 'WebhookSilence', {
      topic,
      description: 'Sessions were registered for two hours and no valid webhook arrived.',
      section: 'webhook-silence',
      metric: this.#registeredWithoutWebhooks(),
      threshold: 1,
      periods: 2,
    });
  }

  #registeredWithoutWebhooks(): IMetric {
    const period = Duration.hours(1);
    const webhooks = webhookVerdicts.map(
      (verdict) => [verdict, this.metricWebhooks(verdict, { period })] as const,
    );
    const sum = webhookVerdicts.map((verdict) => `FILL(${verdict}, 0)`).join(' + ');
    return new MathExpression({
      label: 'Sessions registered while no webhook arrived',
      expression: `IF(${sum} == 0, FILL(registered, 0), 0)`,
      period,
      usingMetrics: {
        registered: functionMetric('publish-state-changes', 'Registered', { period }),
        ...Object.fromEntries(webhooks),
      },
    });
  }
}
