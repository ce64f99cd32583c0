import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

export interface CancellationApiProps {
  readonly register: LapseFunction;
  readonly get: LapseFunction;
  readonly cancel: LapseFunction;
  readonly authorizer: IHttpRouteAuthorizer;
  /** Scopes of which a JWT must have one. */
  readonly scopes: readonly string[];
  /** Calls a second, and at once above that. */
  readonly rateLimit: number;
  readonly burstLimit: number;
  readonly logRetentionDays: RetentionDays;
}

/**
 * The HTTP API, every route of it behind the authorizer. With IAM a policy on the path decides who may act for an account; with
 * a JWT the function looks for the account in the token.
 */
export class CancellationApi extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, props: CancellationApiProps) {
    super(scope, id);
    const { register, get, cancel, authorizer, scopes } = props;
    this.api = new HttpApi(this, 'Api', {
      description: 'Lapse: registers, shows and cancels Klarna Payment Requests',
      createDefaultStage: false,
      defaultAuthorizer: authorizer,
      ...(scopes.length > 0 && { defaultAuthorizationScopes: [...scopes] }),
    });
    this.#addStage(props);
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
    const jobs = '/accounts/{account}/cancel-jobs';
    const job = `${jobs}/{job_id}`;
    this.api.addRoutes({ path: job, methods: [PUT, DELETE], integration: integrations.cancel });
    this.api.addRoutes({ path: job, methods: [GET], integration: integrations.get });
    this.api.addRoutes({ path: `${job}/report`, methods: [GET], integration: integrations.get });
    this.api.addRoutes({ path: jobs, methods: [GET], integration: integrations.get });
    // What is no route is told which routes there are.
    new HttpRoute(this, 'Default', {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.get,
    });
  }

  /** The default stage has neither a throttle nor an access log of its own. */
  #addStage({ rateLimit, burstLimit, logRetentionDays }: CancellationApiProps): void {
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit, burstLimit },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: accessLogFormat },
    });
  }
}

/** A line of JSON a call. Not in it: who called and from where, which may be a person. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    request_id: '$context.requestId',
    at: '$context.requestTimeEpoch',
    route: '$context.routeKey',
    path: '$context.path',
    status: '$context.status',
    milliseconds: '$context.responseLatency',
    integration_error: '$context.integrationErrorMessage',
    authorizer_error: '$context.authorizer.error',
  }),
);
