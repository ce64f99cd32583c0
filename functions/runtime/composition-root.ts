/**
 * The only place that builds clients and adapters. One function per capability, so that a bundle holds what its handler
 * asks for and nothing else; called once per process, at module scope.
 */
import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { DynamoDbCancelJobs } from '../adapters/dynamodb/dynamodb-cancel-jobs.ts';
import {
  DynamoDbPaymentRequestStore,
  type TableOptions,
} from '../adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbQuarantine } from '../adapters/dynamodb/dynamodb-quarantine.ts';
import { toItem } from '../adapters/dynamodb/payment-request-item.ts';
import { changeOf } from '../adapters/dynamodb/stream-changes.ts';
import { EventBridgePublisher } from '../adapters/eventbridge/eventbridge-publisher.ts';
import { agentFor } from '../adapters/klarna/klarna-http.ts';
import { HttpKlarnaPaymentRequests } from '../adapters/klarna/klarna-payment-requests.ts';
import { delayMessage } from '../adapters/queue/timer-message-delay.ts';
import { ScheduledTimers } from '../adapters/scheduler/scheduled-timers.ts';
import { removeSchedule, SchedulerSessionTimer } from '../adapters/scheduler/scheduler-session-timer.ts';
import { CachedSecret } from '../adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../adapters/secrets/secret-accounts.ts';
import { SecretSigningKeys } from '../adapters/secrets/secret-signing-keys.ts';
import { cancelPaymentRequest, rehearseCancel } from '../application/cancel-payment-request.ts';
import { cancelSession } from '../application/cancel-session.ts';
import { discoverPaymentRequest } from '../application/discover-payment-request.ts';
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
import { removeOrphanTimers } from '../application/remove-orphan-timers.ts';
import { runCancelJobs } from '../application/run-cancel-jobs.ts';
import { startCancelJob, stopCancelJob } from '../application/start-cancel-job.ts';
import { noTimers, sweepTimer } from '../application/sweep-timer.ts';
import { syncKlarnaExpiry } from '../application/sync-klarna-expiry.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { unknownPaymentRequest } from '../domain/payment-request.ts';
import { connectAhead } from './connect-ahead.ts';
import { type ParsedEnvironment, parseEnvironment } from './environment.ts';
import { withMetrics } from './klarna-metrics.ts';
import { nobody, rehearseCancelling } from './rehearse-cancel.ts';
import { rehearseWebhook } from './rehearse-webhook.ts';
import { fault } from './telemetry.ts';
import { warmUpOf } from './warm-up.ts';
import { agentToNowhere, withoutNetwork } from './without-network.ts';

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

/** The settings of a client, and those of one that has everything but a network and opens the first one's connection. */
function connected(
  settings: typeof clientSettings | typeof hurriedClientSettings = clientSettings,
  answer?: () => unknown,
) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 50 });
  const { requestHandler } = settings;
  return {
    settings: { ...settings, requestHandler: { ...requestHandler, httpsAgent: agent } },
    networkless: { maxAttempts: 1, requestHandler: { ...requestHandler, ...withoutNetwork(agent, answer) } },
  };
}

export const clock: Clock = { now: () => Date.now(), wait: (millis) => wait(millis) };

const ids: Ids = { next: () => randomBytes(16).toString('hex') };

const onTimerFault = (error: unknown): void => fault('timer.fault', error);

/** What register-payment-request needs. */
export function composeRegistration() {
  const environment = parseEnvironment('register-payment-request', process.env);
  const { store, networklessStore } = storeOf(environment);
  const { timer, networklessTimer } = timerOf(environment);
  const accounts = accountsOf(environment);
  const dependencies = {
    store,
    timer,
    clock,
    ids,
    onTimerFault,
    syncExpiry: expirySyncOf(store, klarnaOf(environment)),
  };
  return {
    accounts,
    register: registerSession(dependencies),
    extend: extendSession(dependencies),
    warmUp: warmUpOf(
      () => accounts.all(),
      () => networklessStore().save(undefined, unknownPaymentRequest(nobody, instantFromMillis(clock.now()))),
      () => networklessTimer().arm(nobody, instantFromMillis(clock.now() + 86_400_000)),
    ),
  };
}

/** What get-payment-request needs. */
export function composeReading() {
  const environment = parseEnvironment('get-payment-request', process.env);
  const { store, networklessStore, jobs } = storeOf(environment);
  const accounts = accountsOf(environment);
  const klarna = klarnaOf(environment);
  return {
    accounts,
    warmUp: warmUpOf(
      () => accounts.all(),
      () => networklessStore().read(nobody),
    ),
    read: (key: Parameters<typeof store.read>[0]) => store.read(key),
    refresh: refreshPaymentRequest({ store, ...klarna }),
    discover: discoverPaymentRequest({ store, ...klarna }),
    readSession: readSession({ store, sessions: store }),
    list: listPaymentRequests({ store, list: store }),
    jobs: jobs(),
  };
}

/** What cancel-payment-request needs. It can remove a timer and never arm one. */
export function composeCancellation() {
  const environment = parseEnvironment('cancel-payment-request', process.env);
  const { timer, networklessTimer } = removalOf(environment);
  const { store, networklessStore, jobs: jobsOf } = storeOf(environment);
  const accounts = accountsOf(environment);
  const dependencies = { store, timer, ...klarnaOf(environment), onTimerFault };
  const cancel = cancelPaymentRequest(dependencies);
  const rehearse = rehearseCancel(dependencies);
  const jobs = jobsOf();
  const session = {
    store,
    sessions: store,
    clock,
    onFault: ({ account, paymentRequestId }: PaymentRequestKey, error: unknown) =>
      fault('session-cancel.fault', error, { account, payment_request_id: paymentRequestId }),
  };
  return {
    accounts,
    warmUp: warmUpOf(
      connectToKlarna(environment, accounts),
      rehearseCancelling(clock, ids, () => ({
        store: networklessStore(),
        timer: networklessTimer(),
        klarna: networklessKlarna(),
      })),
    ),
    cancel,
    rehearse,
    cancelSession: cancelSession({ ...session, cancel }),
    rehearseSession: cancelSession({ ...session, cancel: rehearse }),
    startJob: startCancelJob({ jobs, sessions: store, clock }),
    stopJob: stopCancelJob({ jobs, clock }),
  };
}

/** What receive-klarna-webhook needs: the signing keys and the table, nothing of Klarna's API. */
export function composeWebhook() {
  const environment = parseEnvironment('receive-klarna-webhook', process.env);
  const { settings, networkless } = connected(hurriedClientSettings);
  const table = { ...tableOf(environment), client: new DynamoDBClient(settings) };
  const secret = new CachedSecret({
    client: new SecretsManagerClient(hurriedClientSettings),
    clock,
    secretId: environment.SIGNING_KEYS_SECRET_ID,
    cacheSeconds: environment.SECRETS_CACHE_SECONDS,
  });
  const receiveWith = (options: TableOptions) =>
    receiveWebhook({
      store: new DynamoDbPaymentRequestStore(options),
      quarantine: new DynamoDbQuarantine(options),
      clock,
    });
  return {
    signingKeys: new SecretSigningKeys(secret),
    receive: receiveWith(table),
    warmUp: warmUpOf(
      () => secret.names(),
      rehearseWebhook(() => receiveWith({ ...table, client: new DynamoDBClient(networkless) })),
    ),
  };
}

/** What cancel-expired-session needs. */
export function composeExpiry() {
  const environment = parseEnvironment('cancel-expired-session', process.env);
  const { store, networklessStore } = storeOf(environment);
  const { timer, networklessTimer } = timerOf(environment);
  const accounts = accountsOf(environment);
  const dependencies = { store, timer, ...klarnaOf(environment), onTimerFault };
  return {
    accounts,
    warmUp: warmUpOf(
      connectToKlarna(environment, accounts),
      rehearseCancelling(clock, ids, () => ({
        store: networklessStore(),
        timer: networklessTimer(),
        klarna: networklessKlarna(),
      })),
    ),
    endExpired: endExpiredSession(dependencies),
    delay: delayMessage(new SQSClient(clientSettings), environment.TIMER_QUEUE_URL),
  };
}

/** What reconcile-payment-requests needs. */
export function composeReconciliation() {
  const environment = parseEnvironment('reconcile-payment-requests', process.env);
  const { store, jobs } = storeOf(environment);
  const klarna = klarnaOf(environment);
  const accounts = accountsOf(environment);
  const { timer } = timerOf(environment);
  const dependencies = { store, timer, ...klarna, onTimerFault };
  const { TIMERS, SCHEDULE_GROUP_NAME } = environment;
  return {
    removeOrphans: removeOrphanTimers({
      ...dependencies,
      armedTimers:
        TIMERS === 'sweep'
          ? noTimers
          : new ScheduledTimers(new SchedulerClient(clientSettings), SCHEDULE_GROUP_NAME),
      onFault: (error) => fault('orphan.fault', error),
    }),
    // Nobody waits for the sweep.
    warmUp: warmUpOf(),
    runJobs: runCancelJobs({
      jobs: jobs(),
      list: store,
      accounts,
      clock,
      cancel: cancelPaymentRequest(dependencies),
      rehearse: rehearseCancel(dependencies),
      perSecond: environment.CANCEL_JOBS_PER_SECOND,
      onFault: ({ account, jobId, paymentRequestId }, error) =>
        fault('job.fault', error, { account, job_id: jobId, payment_request_id: paymentRequestId }),
    }),
    reconcile: reconcilePaymentRequests({
      ...dependencies,
      due: store,
      accounts,
      syncExpiry: expirySyncOf(store, klarna),
      onFault: ({ account, paymentRequestId }, error) =>
        fault('sweep.fault', error, { account, payment_request_id: paymentRequestId }),
    }),
  };
}

/** What publish-state-changes needs. */
export function composePublishing() {
  const environment = parseEnvironment('publish-state-changes', process.env);
  const { settings, networkless } = connected();
  const publisherWith = (client: EventBridgeClient) =>
    new EventBridgePublisher({ client, busName: environment.EVENT_BUS_NAME, clock });
  return {
    changeOf,
    publish: publishStateChanges({ publisher: publisherWith(new EventBridgeClient(settings)) }),
    warmUp: warmUpOf(() => new EventBridgeClient(networkless).send(new PutEventsCommand({ Entries: [] }))),
  };
}

type Parsed = ParsedEnvironment<'cancel-expired-session'>;

const tableOf = (environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) => ({
  tableName: environment.TABLE_NAME,
  retentionDays: environment.RETENTION_DAYS,
});

function storeOf(environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) {
  // What a read in a rehearsal finds.
  const stored = () => ({
    Item: marshall(toItem(unknownPaymentRequest(nobody, instantFromMillis(clock.now())), 0), {
      removeUndefinedValues: true,
    }),
  });
  const { settings, networkless } = connected(clientSettings, stored);
  const storeWith = (client: DynamoDBClient) =>
    new DynamoDbPaymentRequestStore({ ...tableOf(environment), client });
  const client = new DynamoDBClient(settings);
  return {
    store: storeWith(client),
    jobs: () => new DynamoDbCancelJobs({ ...tableOf(environment), client }),
    networklessStore: () => storeWith(new DynamoDBClient(networkless)),
  };
}

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

/** A Klarna at which nobody has come further than opening the page, and every cancel succeeds. */
const networklessKlarna = () =>
  new HttpKlarnaPaymentRequests({
    urls: { test: 'https://klarna.invalid', live: 'https://klarna.invalid' },
    ids,
    agentOf: () =>
      agentToNowhere((request) => ({
        payment_request_id: nobody.paymentRequestId,
        state: request.startsWith('DELETE') ? 'CANCELED' : 'SUBMITTED',
      })),
  });

const expirySyncOf = (store: PaymentRequestStore, { klarna }: { readonly klarna: KlarnaExpiry }) =>
  syncKlarnaExpiry({
    store,
    klarnaExpiry: klarna,
    clock,
    ids,
    onFault: (error) => fault('klarna-expiry.fault', error),
  });

/** Opens the connection to Klarna that the first call will need: to the environments of the accounts there are. */
const connectToKlarna =
  (environment: Pick<Parsed, 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>, accounts: SecretAccounts) =>
  async (): Promise<void> => {
    const agents = new Map<https.Agent, URL>();
    for (const { klarna } of await accounts.all()) {
      const { KLARNA_TEST_URL, KLARNA_LIVE_URL } = environment;
      const url = new URL(klarna.environment === 'test' ? KLARNA_TEST_URL : KLARNA_LIVE_URL);
      const agent = agentFor(url.protocol, klarna);
      if (agent instanceof https.Agent) agents.set(agent, url);
    }
    await Promise.all(
      [...agents].map(([agent, { hostname, port }]) =>
        connectAhead(agent, hostname, port === '' ? 443 : Number(port)),
      ),
    );
  };

function removalOf({ TIMERS, SCHEDULE_GROUP_NAME }: Pick<Parsed, 'TIMERS' | 'SCHEDULE_GROUP_NAME'>) {
  if (TIMERS === 'sweep') return { timer: sweepTimer, networklessTimer: () => sweepTimer };
  const { settings, networkless } = connected();
  const timerWith = (scheduler: SchedulerClient): TimerRemoval => ({
    remove: (key) => removeSchedule(scheduler, SCHEDULE_GROUP_NAME, key),
  });
  return {
    timer: timerWith(new SchedulerClient(settings)),
    networklessTimer: () => timerWith(new SchedulerClient(networkless)),
  };
}

function timerOf(environment: Omit<Parsed, 'ACCOUNTS_SECRET_ID' | 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>): {
  readonly timer: SessionTimer;
  readonly networklessTimer: () => SessionTimer;
} {
  if (environment.TIMERS === 'sweep') return { timer: sweepTimer, networklessTimer: () => sweepTimer };
  const { settings, networkless } = connected();
  const sqs = new SQSClient(clientSettings);
  const timerWith = (scheduler: SchedulerClient) =>
    new SchedulerSessionTimer({
      scheduler,
      sqs,
      clock,
      groupName: environment.SCHEDULE_GROUP_NAME,
      roleArn: environment.SCHEDULE_ROLE_ARN,
      queueArn: environment.TIMER_QUEUE_ARN,
      queueUrl: environment.TIMER_QUEUE_URL,
      deadLetterQueueArn: environment.TIMER_DEAD_LETTER_QUEUE_ARN,
      shortTimerSeconds: environment.SHORT_TIMER_SECONDS,
    });
  return {
    timer: timerWith(new SchedulerClient(settings)),
    networklessTimer: () => timerWith(new SchedulerClient(networkless)),
  };
}
