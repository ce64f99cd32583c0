import { Duration } from 'aws-cdk-lib';
import { HttpMethod, HttpNoneAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { AccountSecrets } from './account-secrets.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
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
      environment: {
        ...table.environment,
        ...table.quarantineEnvironment,
        ...secrets.signingKeysEnvironment,
      },
      memorySize: 512,
      timeout: Duration.seconds(10),
      reservedConcurrentExecutions: shared.settings.webhookConcurrency,
    });
    // It reads a record only after a conflict with other writers.
    table.grantItems(this.receive, 'GetItem', 'UpdateItem');
    secrets.grantReadSigningKeys(this.receive);
    this.url = this.#open(shared.settings.webhookIngress, api);
    this.#watch(shared, api.functions['register-payment-request']);
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

  #watch({ alarmTopic: topic, name, settings: { thresholds } }: SharedProps, register: LapseFunction): void {
    new LapseAlarm(this, 'BadSignatures', {
      topic,
      shoppers:
        "Nothing happens to shoppers unless the refused webhooks are Klarna's: then states arrive late.",
      first: 'Run lapse doctor: it sends a test delivery, and compares the keys at Klarna with the secret.',
      section: 'bad-signatures',
      metric: lapseMetric(name, 'BadSignature'),
      threshold: thresholds.badSignatures,
    });
    new LapseAlarm(this, 'Quarantine', {
      topic,
      shoppers: 'A change of a payment may be missing in its record, because its webhook was moved aside.',
      first: 'Run lapse quarantine list: it says why.',
      section: 'quarantine',
      metric: lapseMetric(name, 'WebhookQuarantined'),
      threshold: 1,
    });
    new LapseAlarm(this, 'WebhookFaults', {
      topic,
      shoppers:
        'States of payments arrive late: webhooks could not be stored for ten minutes, and Klarna repeats them.',
      first: 'Search the log for webhook.fault.',
      section: 'webhook-faults',
      metric: lapseMetric(name, 'WebhookFault'),
      threshold: 1,
      periods: 2,
    });
    const period = Duration.hours(1);
    new LapseAlarm(this, 'WebhookSilence', {
      topic,
      shoppers:
        'Paid orders are known late: the shop has registered sessions for two hours, and no valid webhook arrived.',
      first: 'Run lapse doctor: it compares the subscription at Klarna with the output WebhookUrl.',
      section: 'webhook-silence',
      metric: new MathExpression({
        label: 'Registrations while no webhook arrived',
        // Also where no webhook has ever arrived, so that the first metric does not exist.
        expression: 'IF(SUM([FILL(webhooks, 0), 0 * registrations]) == 0, registrations, 0)',
        period,
        usingMetrics: {
          webhooks: lapseMetric(name, 'WebhookArrival', { period }),
          registrations: register.live.metricInvocations({ period }),
        },
      }),
      threshold: 1,
      periods: 2,
    });
  }
}
