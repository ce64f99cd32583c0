/**
 * The only place that builds clients and adapters. One function per capability, so that a bundle holds what its handler
 * asks for and nothing else; called once per process, at module scope.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDbPaymentRequestStore } from '../adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbQuarantine } from '../adapters/dynamodb/dynamodb-quarantine.ts';
import { changeOf } from '../adapters/dynamodb/stream-changes.ts';
import { EventBridgePublisher } from '../adapters/eventbridge/eventbridge-publisher.ts';
import { HttpKlarnaPaymentRequests } from '../adapters/klarna/klarna-payment-requests.ts';
import { delayMessage } from '../adapters/queue/timer-message-delay.ts';
import { removeSchedule, SchedulerSessionTimer } from '../adapters/scheduler/scheduler-session-timer.ts';
import { CachedSecret } from '../adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../adapters/secrets/secret-accounts.ts';
import { SecretSigningKeys } from '../adapters/secrets/secret-signing-keys.ts';
import { cancelPaymentRequest, rehearseCancel } from '../application/cancel-payment-request.ts';
import { cancelSession } from '../application/cancel-session.ts';
import { endExpiredSession } from '../application/end-expired-session.ts';
import { listPaymentRequests } from '../application/list-payment-requests.ts';
import type {
  Clock,
  Ids,
  KlarnaExpiry,
  PaymentRequestStore,
  SessionTimer,
  TimerRemoval,
} from '../application/ports.ts';
import { publishStateChanges } from '../application/publish-state-changes.ts';
import { readSession } from '../application/read-session.ts';
import { receiveWebhook } from '../application/receive-webhook.ts';
import { reconcilePaymentRequests } from '../application/reconcile-payment-requests.ts';
import { refreshPaymentRequest } from '../application/refresh-payment-request.ts';
import { extendSession, registerSession } from '../application/register-session.ts';
import { sweepTimer } from '../application/sweep-timer.ts';
import { syncKlarnaExpiry } from '../application/sync-klarna-expiry.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { type ParsedEnvironment, parseEnvironment } from './environment.ts';
import { withMetrics } from './klarna-metrics.ts';
import { fault } from './telemetry.ts';

/**
 * Every call out has a limit well inside the function's own. Without `throwOnRequestTimeout` the SDK only warns when the
 * limit has passed, and waits on.
 */
const clientSettings = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
} as const;

/** A webhook must be answered well within a second; what does not come through is a 503, and Klarna sends it again. */
const hurriedClientSettings = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;

export const clock: Clock = { now: () => Date.now(), wait: (millis) => wait(millis) };

const ids: Ids = { next: () => randomBytes(16).toString('hex') };

const onTimerFault = (error: unknown): void => fault('timer.fault', error);

/** What register-payment-request needs. */
export function composeRegistration() {
  const environment = parseEnvironment('register-payment-request', process.env);
  const store = storeOf(environment);
  const dependencies = {
    store,
    timer: timerOf(environment),
    clock,
    ids,
    onTimerFault,
    syncExpiry: expirySyncOf(store, klarnaOf(environment)),
  };
  return {
    accounts: accountsOf(environment),
    register: registerSession(dependencies),
    extend: extendSession(dependencies),
  };
}

/** What get-payment-request needs. */
export function composeReading() {
  const environment = parseEnvironment('get-payment-request', process.env);
  const store = storeOf(environment);
  return {
    accounts: accountsOf(environment),
    read: (key: Parameters<typeof store.read>[0]) => store.read(key),
    refresh: refreshPaymentRequest({ store, ...klarnaOf(environment) }),
    readSession: readSession({ store, sessions: store }),
    list: listPaymentRequests({ store, list: store }),
  };
}

/** What cancel-payment-request needs. It can remove a timer and never arm one. */
export function composeCancellation() {
  const environment = parseEnvironment('cancel-payment-request', process.env);
  const timer = environment.TIMERS === 'sweep' ? sweepTimer : removalOf(environment);
  const store = storeOf(environment);
  const dependencies = { store, timer, ...klarnaOf(environment), onTimerFault };
  const cancel = cancelPaymentRequest(dependencies);
  const rehearse = rehearseCancel(dependencies);
  const session = {
    store,
    sessions: store,
    clock,
    onFault: ({ account, paymentRequestId }: PaymentRequestKey, error: unknown) =>
      fault('session-cancel.fault', error, { account, payment_request_id: paymentRequestId }),
  };
  return {
    accounts: accountsOf(environment),
    cancel,
    rehearse,
    cancelSession: cancelSession({ ...session, cancel }),
    rehearseSession: cancelSession({ ...session, cancel: rehearse }),
  };
}

/** What receive-klarna-webhook needs: the signing keys and the table, nothing of Klarna's API. */
export function composeWebhook() {
  const environment = parseEnvironment('receive-klarna-webhook', process.env);
  const table = { ...tableOf(environment), client: new DynamoDBClient(hurriedClientSettings) };
  return {
    signingKeys: new SecretSigningKeys(
      new CachedSecret({
        client: new SecretsManagerClient(hurriedClientSettings),
        clock,
        secretId: environment.SIGNING_KEYS_SECRET_ID,
        cacheSeconds: environment.SECRETS_CACHE_SECONDS,
      }),
    ),
    receive: receiveWebhook({
      store: new DynamoDbPaymentRequestStore(table),
      quarantine: new DynamoDbQuarantine(table),
      clock,
    }),
  };
}

/** What cancel-expired-session needs. */
export function composeExpiry() {
  const environment = parseEnvironment('cancel-expired-session', process.env);
  const dependencies = {
    store: storeOf(environment),
    timer: timerOf(environment),
    ...klarnaOf(environment),
    onTimerFault,
  };
  return {
    accounts: accountsOf(environment),
    endExpired: endExpiredSession(dependencies),
    delay: delayMessage(new SQSClient(clientSettings), environment.TIMER_QUEUE_URL),
  };
}

/** What reconcile-payment-requests needs. */
export function composeReconciliation() {
  const environment = parseEnvironment('reconcile-payment-requests', process.env);
  const store = storeOf(environment);
  const klarna = klarnaOf(environment);
  return {
    reconcile: reconcilePaymentRequests({
      store,
      due: store,
      accounts: accountsOf(environment),
      timer: timerOf(environment),
      ...klarna,
      syncExpiry: expirySyncOf(store, klarna),
      onTimerFault,
      onFault: ({ account, paymentRequestId }, error) =>
        fault('sweep.fault', error, { account, payment_request_id: paymentRequestId }),
    }),
  };
}

/** What publish-state-changes needs. */
export function composePublishing() {
  const environment = parseEnvironment('publish-state-changes', process.env);
  const client = new EventBridgeClient(clientSettings);
  return {
    changeOf,
    publish: publishStateChanges({
      publisher: new EventBridgePublisher({ client, busName: environment.EVENT_BUS_NAME, clock }),
    }),
  };
}

type Parsed = ParsedEnvironment<'cancel-expired-session'>;

const tableOf = (environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) => ({
  tableName: environment.TABLE_NAME,
  retentionDays: environment.RETENTION_DAYS,
});

const storeOf = (environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) =>
  new DynamoDbPaymentRequestStore({ ...tableOf(environment), client: new DynamoDBClient(clientSettings) });

const accountsOf = (
  environment: Pick<Parsed, 'ACCOUNTS_SECRET_ID' | 'SECRETS_CACHE_SECONDS' | 'MAX_SESSION_SECONDS'>,
) =>
  new SecretAccounts(
    new CachedSecret({
      client: new SecretsManagerClient(clientSettings),
      clock,
      secretId: environment.ACCOUNTS_SECRET_ID,
      cacheSeconds: environment.SECRETS_CACHE_SECONDS,
    }),
    environment.MAX_SESSION_SECONDS * 1_000,
  );

const klarnaOf = (environment: Pick<Parsed, 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>) => ({
  klarna: withMetrics(
    new HttpKlarnaPaymentRequests({
      urls: { test: environment.KLARNA_TEST_URL, live: environment.KLARNA_LIVE_URL },
      ids,
    }),
    clock,
  ),
  clock,
  ids,
  chance: () => Math.random(),
});

const expirySyncOf = (store: PaymentRequestStore, { klarna }: { readonly klarna: KlarnaExpiry }) =>
  syncKlarnaExpiry({
    store,
    klarnaExpiry: klarna,
    clock,
    ids,
    onFault: (error) => fault('klarna-expiry.fault', error),
  });

function removalOf({ SCHEDULE_GROUP_NAME }: Pick<Parsed, 'SCHEDULE_GROUP_NAME'>): TimerRemoval {
  const scheduler = new SchedulerClient(clientSettings);
  return { remove: (key) => removeSchedule(scheduler, SCHEDULE_GROUP_NAME, key) };
}

const timerOf = (
  environment: Omit<Parsed, 'ACCOUNTS_SECRET_ID' | 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>,
): SessionTimer =>
  environment.TIMERS === 'sweep'
    ? sweepTimer
    : new SchedulerSessionTimer({
        scheduler: new SchedulerClient(clientSettings),
        sqs: new SQSClient(clientSettings),
        clock,
        groupName: environment.SCHEDULE_GROUP_NAME,
        roleArn: environment.SCHEDULE_ROLE_ARN,
        queueArn: environment.TIMER_QUEUE_ARN,
        queueUrl: environment.TIMER_QUEUE_URL,
        deadLetterQueueArn: environment.TIMER_DEAD_LETTER_QUEUE_ARN,
        shortTimerSeconds: environment.SHORT_TIMER_SECONDS,
      });
