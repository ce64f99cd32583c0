import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi, IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { EnvironmentOf, FunctionName } from '../functions/contract/environment.ts';
import { AccountSecrets } from './account-secrets.ts';
import { alarmDefinitions, type Watched } from './alarm-definitions.ts';
import { Alarms } from './alarms.ts';
import { CanaryDeployment } from './canary-deployment.ts';
import { CancellationApi } from './cancellation-api.ts';
import { Dashboard } from './dashboard.ts';
import { bundleFunctions } from './function-bundle.ts';
import { KlarnaWebhook } from './klarna-webhook.ts';
import { LapseFunction, type LapseFunctionProps } from './lapse-function.ts';
import { type LapseSettings, resolveSettings, type ResolvedSettings } from './lapse-settings.ts';
import { PaymentRequestTable } from './payment-request-table.ts';
import { checkRegion } from './region.ts';
import { Reconciliation } from './reconciliation.ts';
import { SessionTimer } from './session-timer.ts';
import { StateChangeEvents } from './state-change-events.ts';

/** What Lapse is to use of yours, and how it is to behave. Everything is optional; what is not given is created. */
export interface LapseProps extends LapseSettings {
  /**
   * A table with the keys and indexes of `tableSchema` and a stream of new and old images.
   * @default - one that is kept when the stack goes
   */
  readonly table?: ITable;
  /**
   * The bus that events are put on.
   * @default - one of its own
   */
  readonly bus?: IEventBus;
  /**
   * A key for the table, the queues and the secrets.
   * @default - keys that AWS owns and manages
   */
  readonly encryptionKey?: IKey;
  /**
   * The topic that every alarm is told to.
   * @default - one of its own, to which somebody has to subscribe
   */
  readonly alarmTopic?: ITopic;
  /**
   * Who may call the API.
   * @default - IAM, or JWTs where `jwtIssuer` is given
   */
  readonly authorizer?: IHttpRouteAuthorizer;
  /**
   * The folder of each function's bundle.
   * @default - bundled from the sources at synth
   */
  readonly bundles?: Readonly<Record<FunctionName, string>>;
}

const klarnaUrls = {
  KLARNA_TEST_URL: 'https://api-global.test.klarna.com',
  KLARNA_LIVE_URL: 'https://api-global.klarna.com',
};

/**
 * All of Lapse: ends a Klarna Payment Request when its checkout session ends. One per stack, since its schedule groups are named
 * after the stack.
 */
export class Lapse extends Construct {
  readonly api: HttpApi;
  /** Where Klarna's webhooks have to come to. */
  readonly webhookUrl: string;
  readonly table: ITable;
  /** How long records are kept in it after their last change. */
  readonly retentionDays: number;
  readonly bus: IEventBus;
  /** What session timers go off into, what of them was given up, and what could not be published. */
  readonly queues: Readonly<Record<'timers' | 'deadTimers' | 'unpublishedEvents', IQueue>>;
  readonly accountsSecret: ISecret;
  readonly signingKeysSecret: ISecret;
  readonly alarmTopic: ITopic;
  readonly alarms: Alarms;
  readonly dashboardName: string;
  readonly functions: Readonly<Record<FunctionName, LapseFunction>>;

  constructor(scope: Construct, id: string, props: LapseProps = {}) {
    super(scope, id);
    const { table: existing, bus, encryptionKey, alarmTopic, authorizer, bundles, ...given } = props;
    const settings = resolveSettings(given);
    checkRegion(Stack.of(this).region);

    const { maxReadUnits, maxWriteUnits } = settings;
    const records = new PaymentRequestTable(this, 'PaymentRequests', {
      existing,
      encryptionKey,
      maxReadUnits,
      maxWriteUnits,
    });
    const secrets = new AccountSecrets(this, 'Secrets', { encryptionKey });
    const timer = new SessionTimer(this, 'SessionTimer', { encryptionKey });
    const events = new StateChangeEvents(this, 'StateChanges', { bus, encryptionKey });
    const functions = this.#functions(
      { settings, records, secrets, timer, events },
      bundles ?? bundleFunctions(),
    );
    const register = functions['register-payment-request'];
    const get = functions['get-payment-request'];
    const cancel = functions['cancel-payment-request'];
    const receive = functions['receive-klarna-webhook'];
    const expire = functions['cancel-expired-session'];
    const reconcile = functions['reconcile-payment-requests'];

    for (const reader of [register, get, cancel, expire, reconcile]) {
      records.grantItems(reader, 'GetItem', 'UpdateItem');
      secrets.grantRead(reader, secrets.accounts);
    }
    records.grantItems(receive, 'UpdateItem');
    secrets.grantRead(receive, secrets.signingKeys);
    const { dueIndex, sessionIndex, stateIndex } = tableSchema;
    records.grantQuery(reconcile, dueIndex, stateIndex);
    records.grantQuery(get, sessionIndex, stateIndex);
    records.grantQuery(cancel, sessionIndex);
    for (const armer of [register, expire, reconcile]) timer.grantArm(armer);
    timer.grantRemove(cancel);
    timer.grantList(reconcile);
    timer.goOffInto(expire, settings.timerConcurrency);
    events.publishFrom(records.table, functions['publish-state-changes']);
    const sweep = new Reconciliation(this, 'Reconciliation', { reconcile, encryptionKey });
    const grantees = [...Object.values(functions).map((each) => each.function), timer.role, sweep.role];
    for (const grantee of grantees) encryptionKey?.grantEncryptDecrypt(grantee);

    const { api } = new CancellationApi(this, 'Api', {
      register,
      get,
      cancel,
      authorizer: authorizer ?? authorizerOf(settings),
      scopes: settings.jwt?.scopes ?? [],
      rateLimit: settings.apiRateLimit,
      burstLimit: settings.apiBurstLimit,
      logRetentionDays: settings.logRetentionDays,
    });
    const webhook = new KlarnaWebhook(this, 'KlarnaWebhook', {
      receive,
      ingress: settings.webhookIngress,
      api,
    });

    const watched: Watched = {
      functions,
      api,
      table: records.table,
      timerQueue: timer.queue,
      deadLetterQueues: {
        timers: timer.deadLetterQueue,
        events: events.unpublished,
        sweep: sweep.deadLetterQueue,
      },
      sessionGroupName: timer.groupName,
    };
    this.alarmTopic = alarmTopic ?? new Topic(this, 'AlarmTopic', { enforceSSL: true });
    this.alarms = new Alarms(this, 'Alarms', {
      definitions: alarmDefinitions(watched, settings.thresholds),
      topic: this.alarmTopic,
    });
    this.dashboardName = new Dashboard(this, 'Overview', watched).dashboard.dashboardName;
    if (settings.canary) {
      new CanaryDeployment(this, 'Canary', Object.values(functions), ({ functionName }) =>
        ['Errors', 'Throttles'].flatMap((kind) => this.alarms.byId[`${kind}-${functionName}`] ?? []),
      );
    }

    this.api = api;
    this.webhookUrl = webhook.url;
    this.table = records.table;
    this.retentionDays = settings.retentionDays;
    this.bus = events.bus;
    // See lapse-function.ts for the assertions.
    this.queues = {
      timers: timer.queue,
      deadTimers: timer.deadLetterQueue,
      unpublishedEvents: events.unpublished,
    };
    this.accountsSecret = secrets.accounts as ISecret;
    this.signingKeysSecret = secrets.signingKeys as ISecret;
    this.functions = functions;
  }

  #functions(
    { settings, records, secrets, timer, events }: Parts,
    bundles: Readonly<Record<FunctionName, string>>,
  ): Readonly<Record<FunctionName, LapseFunction>> {
    const make = <Name extends FunctionName>(
      constructId: string,
      functionName: Name,
      environment: EnvironmentOf<Name>,
      limits: Pick<LapseFunctionProps<Name>, 'timeout' | 'memorySize' | 'reservedConcurrentExecutions'>,
    ): LapseFunction =>
      new LapseFunction<Name>(this, constructId, {
        functionName,
        bundle: bundles[functionName],
        environment,
        logRetentionDays: settings.logRetentionDays,
        ...limits,
      });
    const table = { TABLE_NAME: records.table.tableName, RETENTION_DAYS: String(settings.retentionDays) };
    const cache = { SECRETS_CACHE_SECONDS: '120', SECRETS_STALE_SECONDS: '900' };
    const accounts = {
      ...cache,
      ACCOUNTS_SECRET_ID: secrets.accounts.secretArn,
      MAX_SESSION_SECONDS: String(settings.maxSessionSeconds),
    };
    const signingKeys = { ...cache, SIGNING_KEYS_SECRET_ID: secrets.signingKeys.secretArn };
    const seconds = (count: number): Duration => Duration.seconds(count);
    const timers = { ...timer.environment, TIMERS: settings.timers };
    // Somebody waits for these.
    const memorySize = 512;
    return {
      'register-payment-request': make(
        'Register',
        'register-payment-request',
        { ...table, ...accounts, ...klarnaUrls, ...timers },
        { memorySize, timeout: seconds(10) },
      ),
      'get-payment-request': make(
        'Get',
        'get-payment-request',
        { ...table, ...accounts, ...klarnaUrls },
        { memorySize, timeout: seconds(15) },
      ),
      'cancel-payment-request': make(
        'Cancel',
        'cancel-payment-request',
        {
          ...table,
          ...accounts,
          ...klarnaUrls,
          TIMERS: settings.timers,
          SCHEDULE_GROUP_NAME: timer.groupName,
        },
        { memorySize, timeout: seconds(28) },
      ),
      'receive-klarna-webhook': make(
        'Webhook',
        'receive-klarna-webhook',
        { ...table, ...signingKeys },
        { memorySize, timeout: seconds(10), reservedConcurrentExecutions: settings.webhookConcurrency },
      ),
      'cancel-expired-session': make(
        'Expire',
        'cancel-expired-session',
        { ...table, ...accounts, ...klarnaUrls, ...timers },
        { timeout: seconds(30) },
      ),
      'reconcile-payment-requests': make(
        'Reconcile',
        'reconcile-payment-requests',
        {
          ...table,
          ...accounts,
          ...klarnaUrls,
          ...timers,
          CANCEL_JOBS_PER_SECOND: String(settings.cancelJobsPerSecond),
        },
        // A whole core: after an outage it is what bounds how many sessions a run ends, and a run that finds nothing is short.
        { memorySize: 1_769, timeout: seconds(55), reservedConcurrentExecutions: 1 },
      ),
      'publish-state-changes': make(
        'Publish',
        'publish-state-changes',
        { EVENT_BUS_NAME: events.bus.eventBusName },
        { timeout: seconds(30) },
      ),
    };
  }
}

interface Parts {
  readonly settings: ResolvedSettings;
  readonly records: PaymentRequestTable;
  readonly secrets: AccountSecrets;
  readonly timer: SessionTimer;
  readonly events: StateChangeEvents;
}

const authorizerOf = ({ jwt }: ResolvedSettings): IHttpRouteAuthorizer =>
  jwt
    ? new HttpJwtAuthorizer('Jwt', jwt.issuer, { jwtAudience: [...jwt.audience] })
    : new HttpIamAuthorizer();
