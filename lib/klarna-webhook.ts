import { type HttpApi, HttpMethod, HttpNoneAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';
import type { LapseSettings } from './lapse-settings.ts';

export interface KlarnaWebhookProps {
  readonly receive: LapseFunction;
  readonly ingress: NonNullable<LapseSettings['webhookIngress']>;
  /** Where the route goes, if it is one. */
  readonly api: HttpApi;
}

/** The path of the webhook where it comes in by the HTTP API. */
export const webhookPath = '/klarna/webhook';

/**
 * The address that Klarna's webhooks come to: open to the world, since Klarna signs what it sends and nothing else. Both ways
 * bring the function the same event, body and headers unchanged; the Lambda URL is a service less on the way.
 */
export class KlarnaWebhook extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { receive, ingress, api }: KlarnaWebhookProps) {
    super(scope, id);
    switch (ingress) {
      case 'function-url':
        this.url = receive.live.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
        return;
      case 'http-api':
        api.addRoutes({
          path: webhookPath,
          // The function itself says what it thinks of other methods.
          methods: [HttpMethod.ANY],
          integration: new HttpLambdaIntegration('Webhook', receive.live),
          authorizer: new HttpNoneAuthorizer(),
        });
        this.url = `${api.apiEndpoint}${webhookPath}`;
    }
  }
}
