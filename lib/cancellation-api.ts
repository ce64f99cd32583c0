import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

export interface CancellationApiProps {
  readonly register: LapseFunction;
  readonly get: LapseFunction;
  readonly cancel: LapseFunction;
}

/** The HTTP API, every route of it behind IAM: who may act for an account is decided by a policy on the path. */
export class CancellationApi extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, { register, get, cancel }: CancellationApiProps) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      description: 'Lapse: registers, shows and cancels Klarna Payment Requests',
      createDefaultStage: false,
      defaultAuthorizer: new HttpIamAuthorizer(),
    });
    this.#addStage();
    const integrations = {
      register: new HttpLambdaIntegration('Register', register.live),
      get: new HttpLambdaIntegration('Get', get.live),
      cancel: new HttpLambdaIntegration('Cancel', cancel.live),
    };
    const path = '/accounts/{account}/payment-requests/{payment_request_id}';
    const { GET, PUT, PATCH, DELETE } = HttpMethod;
    this.api.addRoutes({ path, methods: [PUT, PATCH], integration: integrations.register });
    this.api.addRoutes({ path, methods: [GET], integration: integrations.get });
    this.api.addRoutes({ path: `${path}/history`, methods: [GET], integration: integrations.get });
    this.api.addRoutes({ path, methods: [DELETE], integration: integrations.cancel });
    const list = '/accounts/{account}/payment-requests';
    this.api.addRoutes({ path: list, methods: [GET], integration: integrations.get });
    const session = '/accounts/{account}/sessions/{session_id}';
    this.api.addRoutes({ path: session, methods: [GET], integration: integrations.get });
    this.api.addRoutes({ path: session, methods: [DELETE], integration: integrations.cancel });
    // What is no route is told which routes there are.
    new HttpRoute(this, 'Default', {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.get,
    });
  }

  /** The default stage has neither a throttle nor an access log of its own. */
  #addStage(): void {
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: 500, burstLimit: 1000 },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog) },
    });
  }
}
