import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { tableSchema } from '../functions/adapters/dynamodb/table-schema.ts';
import type { EnvironmentOf, FunctionName } from '../functions/runtime/environment.ts';
import { AccountSecrets } from './account-secrets.ts';
import { CancellationApi } from './cancellation-api.ts';
import { KlarnaWebhook } from './klarna-webhook.ts';
import { LapseFunction, type LapseFunctionProps } from './lapse-function.ts';
import { PaymentRequestTable } from './payment-request-table.ts';
import { Reconciliation } from './reconciliation.ts';
import { SessionTimer } from './session-timer.ts';
import { StateChangeEvents } from './state-change-events.ts';

export interface LapseStackProps extends StackProps {
  /** The folder of each function's bundle; see `bundleFunctions`. */
  readonly bundles: Readonly<Record<FunctionName, string>>;
}

/** All of Lapse in one stack. */
export class LapseStack extends Stack {
  constructor(scope: Construct, id: string, { bundles, ...props }: LapseStackProps) {
    super(scope, id, props);
    const records = new PaymentRequestTable(this, 'PaymentRequests');
    const { table } = records;
    const secrets = new AccountSecrets(this, 'Secrets');
    const timer = new SessionTimer(this, 'SessionTimer');
    const events = new StateChangeEvents(this, 'StateChanges');

    const tableSettings = { TABLE_NAME: table.tableName, RETENTION_DAYS: '400' };
    const cache = { SECRETS_CACHE_SECONDS: '120' };
    const accounts = { ACCOUNTS_SECRET_ID: secrets.accounts.secretArn, ...cache };
    const klarna = {
      KLARNA_TEST_URL: 'https://api-global.test.klarna.com',
      KLARNA_LIVE_URL: 'https://api-global.klarna.com',
    };
    const timers = { ...timer.environment, TIMERS: 'scheduler' } as const;
    const make = <Name extends FunctionName>(
      constructId: string,
      functionName: Name,
      environment: EnvironmentOf<Name>,
      settings: Pick<LapseFunctionProps<Name>, 'timeout' | 'memorySize' | 'reservedConcurrentExecutions'>,
    ) =>
      new LapseFunction<Name>(this, constructId, {
        functionName,
        bundle: bundles[functionName],
        environment,
        ...settings,
      });

    const api = { memorySize: 512 };
    const register = make(
      'Register',
      'register-payment-request',
      { ...tableSettings, ...accounts, ...klarna, ...timers },
      { ...api, timeout: Duration.seconds(10) },
    );
    const get = make(
      'Get',
      'get-payment-request',
      { ...tableSettings, ...accounts, ...klarna },
      { ...api, timeout: Duration.seconds(15) },
    );
    const cancel = make(
      'Cancel',
      'cancel-payment-request',
      {
        ...tableSettings,
        ...accounts,
        ...klarna,
        TIMERS: timers.TIMERS,
        SCHEDULE_GROUP_NAME: timer.groupName,
      },
      { ...api, timeout: Duration.seconds(28) },
    );
    const receive = make(
      'Webhook',
      'receive-klarna-webhook',
      { ...tableSettings, ...cache, SIGNING_KEYS_SECRET_ID: secrets.signingKeys.secretArn },
      { ...api, timeout: Duration.seconds(10), reservedConcurrentExecutions: 50 },
    );
    const expire = make(
      'Expire',
      'cancel-expired-session',
      { ...tableSettings, ...accounts, ...klarna, ...timers },
      { timeout: Duration.seconds(30) },
    );
    const reconcile = make(
      'Reconcile',
      'reconcile-payment-requests',
      { ...tableSettings, ...accounts, ...klarna, ...timers },
      { timeout: Duration.seconds(55), reservedConcurrentExecutions: 1 },
    );
    const publish = make(
      'Publish',
      'publish-state-changes',
      { EVENT_BUS_NAME: events.bus.eventBusName },
      { timeout: Duration.seconds(30) },
    );

    for (const reader of [register, get, cancel, expire, reconcile]) {
      records.grantItems(reader, 'GetItem', 'UpdateItem');
      secrets.grantRead(reader, secrets.accounts);
    }
    records.grantItems(receive, 'UpdateItem');
    secrets.grantRead(receive, secrets.signingKeys);
    const { dueIndex, sessionIndex, stateIndex } = tableSchema;
    records.grantQuery(reconcile, dueIndex);
    records.grantQuery(get, sessionIndex, stateIndex);
    records.grantQuery(cancel, sessionIndex);
    for (const armer of [register, expire, reconcile]) timer.grantArm(armer);
    timer.grantRemove(cancel);
    timer.goOffInto(expire);
    events.publishFrom(table, publish);
    new Reconciliation(this, 'Reconciliation', reconcile);
    const { api: httpApi } = new CancellationApi(this, 'Api', { register, get, cancel });
    const { url } = new KlarnaWebhook(this, 'KlarnaWebhook', receive);

    const outputs = {
      ApiUrl: httpApi.apiEndpoint,
      WebhookUrl: url.url,
      AccountsSecretName: secrets.accounts.secretName,
      SigningKeysSecretName: secrets.signingKeys.secretName,
      EventBusName: events.bus.eventBusName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
