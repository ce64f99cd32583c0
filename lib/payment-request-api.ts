import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  DomainName,
  HttpApi,
  type HttpMethod,
  HttpRoute,
  HttpRouteKey,
  type IHttpRouteAuthorizer,
  type IStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { ARecord, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { type ApiAction, apiActions, routeKeys, routes, shopActions } from '../functions/contract/routes.ts';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { AccountSecrets } from './account-secrets.ts';
import { routesOf } from './api-actions.ts';
import { requireKnown } from './known-properties.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import type { LapseDomain } from './lapse-props.ts';
import { addPageRoutes } from './page-routes.ts';
import type { ResolvedSettings } from './resolve-settings.ts';
import type { PaymentRequestTable } from './payment-request-table.ts';
import type { SessionTimer } from './session-timer.ts';
import type { SharedProps } from './shared-props.ts';

/** What the API works on, and who may call it. */
export interface PaymentRequestApiProps {
  readonly shared: SharedProps;
  readonly table: PaymentRequestTable;
  readonly secrets: AccountSecrets;
  readonly timer: SessionTimer;
  /** Your authorizer. Undefined: JWTs where the settings name an issuer, else IAM. */
  readonly authorizer: IHttpRouteAuthorizer | undefined;
  /** Your domain. Undefined: the address that AWS generates. */
  readonly domain: LapseDomain | undefined;
}

/** What a principal may call. */
export interface GrantCallProps {
  /** The account's name in Lapse: 1 to 32 of `a-z`, `0-9` and `-`. For many accounts, the start of their names and a `*`: `m4*`. */
  readonly account: string;
  /**
   * What it may do for the account.
   * @default - what a shop needs: everything but `settings`
   */
  readonly actions?: readonly ApiAction[];
}

/**
 * The HTTP API and its three functions. Every route has the authorizer. With IAM, policies on the path decide who may call for
 * which account. With JWTs, the function compares the account with the token's claim.
 */
export class PaymentRequestApi extends Construct {
  readonly api: HttpApi;
  /** Where callers reach the API, without a slash at its end. */
  readonly url: string;
  readonly functions: Readonly<Record<ApiFunctionName, LapseFunction>>;
  readonly #authorizer: IHttpRouteAuthorizer;

  constructor(scope: Construct, id: string, props: PaymentRequestApiProps) {
    super(scope, id);
    const { settings, alarmTopic } = props.shared;
    this.functions = {
      'register-payment-request': this.#createRegister(props),
      'get-payment-request': this.#createGet(props),
      'cancel-payment-request': this.#createCancel(props),
    };
    this.#authorizer = props.authorizer ?? authorizerOf(settings);
    const scopes = settings.jwt?.scopes ?? [];
    this.api = new HttpApi(this, 'Api', {
      description: 'Lapse: registers, shows and cancels Klarna Payment Requests',
      createDefaultStage: false,
      defaultAuthorizer: this.#authorizer,
      ...(scopes.length > 0 && { defaultAuthorizationScopes: [...scopes] }),
    });
    const stage = this.#addStage(props.shared);
    if (props.domain) this.#addDomain(props.domain, stage);
    this.url = props.domain ? `https://${props.domain.name}` : this.api.apiEndpoint;
    this.#addRoutes();
    if (settings.pageOrigins.length > 0)
      addPageRoutes(this.api, stage, { get: this.functions['get-payment-request'], settings });
    new LapseAlarm(this, 'ApiServerErrors', {
      topic: alarmTopic,
      shoppers:
        "The shop's calls fail: sessions are not registered or not canceled until the shop repeats them.",
      first: 'Search the log for api.fault.',
      section: 'api-errors',
      metric: this.api.metricServerError({ period: Duration.minutes(5), statistic: Stats.SUM }),
      threshold: settings.thresholds.apiServerErrors,
    });
  }

  /** How a caller proves who it is. `CUSTOM`: by an authorizer of yours. */
  get authorization(): 'AWS_IAM' | 'JWT' | 'CUSTOM' {
    if (this.#authorizer instanceof HttpIamAuthorizer) return 'AWS_IAM';
    return this.#authorizer instanceof HttpJwtAuthorizer ? 'JWT' : 'CUSTOM';
  }

  /** Allows a principal calls for one account. Throws where the API has another authorizer than IAM, which does not look at policies. */
  grantCall(grantee: IGrantable, { account, actions = shopActions }: GrantCallProps): Grant {
    if (!/^(?:[a-z0-9-]{1,32}|[a-z0-9-]{1,31}\*)$/.test(account))
      throw new Error(
        `account is ${account}; allowed: 1 to 32 of a-z, 0-9 and -, or the start of names and a *.`,
      );
    if (actions.length === 0 || actions.some((action) => !apiActions.includes(action)))
      throw new Error(`actions is ${JSON.stringify(actions)}; allowed: ${apiActions.join(', ')}.`);
    if (!(this.#authorizer instanceof HttpIamAuthorizer))
      throw new Error('grantCall needs the IAM authorizer; this API has another one.');
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: routesOf(account, actions).map(([method, path]) =>
        this.api.arnForExecuteApi(method, path, '$default'),
      ),
    });
  }

  #createRegister({ shared, table, secrets, timer }: PaymentRequestApiProps): LapseFunction {
    const register = new LapseFunction(this, 'Register', {
      shared,
      functionName: 'register-payment-request',
      environment: { ...table.environment, ...secrets.accountsEnvironment, ...timer.environment },
      memorySize,
      timeout: Duration.seconds(10),
    });
    table.grantItems(register, 'GetItem', 'BatchGetItem', 'UpdateItem');
    table.grantQuery(register, tableSchema.sessionIndex, tableSchema.referenceIndex);
    secrets.grantReadAccounts(register);
    timer.grantArm(register);
    return register;
  }

  #createGet({ shared, table, secrets }: PaymentRequestApiProps): LapseFunction {
    const get = new LapseFunction(this, 'Get', {
      shared,
      functionName: 'get-payment-request',
      environment: { ...table.environment, ...secrets.accountsEnvironment, ...secrets.pageEnvironment },
      memorySize,
      timeout: Duration.seconds(15),
    });
    table.grantItems(get, 'GetItem', 'BatchGetItem', 'UpdateItem');
    const { dueIndex, openIndex, sessionIndex, referenceIndex, attentionIndex } = tableSchema;
    table.grantQuery(get, dueIndex, openIndex, sessionIndex, referenceIndex, attentionIndex);
    secrets.grantReadAccounts(get);
    secrets.grantReadPageKeys(get);
    return get;
  }

  #createCancel({ shared, table, secrets, timer }: PaymentRequestApiProps): LapseFunction {
    const cancel = new LapseFunction(this, 'Cancel', {
      shared,
      functionName: 'cancel-payment-request',
      environment: {
        ...table.environment,
        ...table.jobsEnvironment,
        ...secrets.accountsEnvironment,
        ...timer.removalEnvironment,
      },
      memorySize,
      timeout: Duration.seconds(28),
    });
    table.grantItems(cancel, 'GetItem', 'BatchGetItem', 'UpdateItem');
    table.grantQuery(cancel, tableSchema.sessionIndex, tableSchema.referenceIndex);
    secrets.grantReadAccounts(cancel);
    timer.grantRemove(cancel);
    return cancel;
  }

  #addRoutes(): void {
    const integrationOf = (name: ApiFunctionName): HttpLambdaIntegration =>
      new HttpLambdaIntegration(name, this.functions[name].live);
    const integrations = {
      'register-payment-request': integrationOf('register-payment-request'),
      'get-payment-request': integrationOf('get-payment-request'),
      'cancel-payment-request': integrationOf('cancel-payment-request'),
    };
    for (const key of routeKeys) {
      const [method, path] = key.split(' ') as [HttpMethod, string];
      this.api.addRoutes({ path, methods: [method], integration: integrations[routes[key].by] });
    }
    // Responds 404 to an unknown path, and 405 to a method that a path does not have.
    new HttpRoute(this, 'Default', {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations['get-payment-request'],
    });
  }

  /** API Gateway's own default stage has neither a throttle nor an access log. */
  #addStage({ settings, encryptionKey }: SharedProps): IStage {
    const { apiRateLimit, apiBurstLimit, logRetentionDays } = settings;
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: logRetentionDays,
      ...(encryptionKey && { encryptionKey }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: apiRateLimit, burstLimit: apiBurstLimit },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: accessLogFormat },
    });
  }

  /** Maps the domain to the root of the API: its functions compare the path with their parameters. */
  #addDomain(domain: LapseDomain, stage: IStage): void {
    requireKnown('domain', domain, { name: true, certificate: true, hostedZone: true });
    const { name, certificate, hostedZone } = domain;
    if (!Token.isUnresolved(name) && !hostName.test(name))
      throw new Error(`domain.name is ${name}; allowed: a name in lower case such as lapse.shop.example.`);
    const domainName = new DomainName(this, 'Domain', { domainName: name, certificate });
    new ApiMapping(this, 'Mapping', { api: this.api, domainName, stage });
    if (!hostedZone) return;
    const target = new ApiGatewayv2DomainProperties(
      domainName.regionalDomainName,
      domainName.regionalHostedZoneId,
    );
    new ARecord(this, 'Record', {
      zone: hostedZone,
      recordName: `${name}.`,
      target: RecordTarget.fromAlias(target),
    });
  }
}

/** The names that API Gateway takes: lower case, at least two labels. */
const hostName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/** The functions that the API invokes. */
type ApiFunctionName = (typeof routes)[keyof typeof routes]['by'];

/** A caller waits for these functions: twice the default, for its processor. */
const memorySize = 512;

const authorizerOf = ({ jwt }: ResolvedSettings): IHttpRouteAuthorizer =>
  jwt
    ? new HttpJwtAuthorizer('Jwt', jwt.issuer, { jwtAudience: [...jwt.audience] })
    : new HttpIamAuthorizer();

/**
 * One line of JSON for each call, so the functions themselves log only what it does not say. It leaves out caller and address, which may
 * identify a person. It costs by its bytes: what the path and CloudWatch's own time say is not repeated. `error` has the errors of the
 * integration and of the authorizer.
 */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    request_id: '$context.requestId',
    method: '$context.httpMethod',
    path: '$context.path',
    status: '$context.status',
    milliseconds: '$context.responseLatency',
    error: '$context.integrationErrorMessage $context.authorizer.error',
  }),
);
