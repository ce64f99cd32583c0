/**
 * Builds clients and adapters from a function's environment, for the composition root alone. Each has a twin without
 * a network, for priming while the function starts.
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
import { DynamoDbAccountViews } from '../adapters/dynamodb/dynamodb-account-views.ts';
import { DynamoDbAccounts } from '../adapters/dynamodb/dynamodb-accounts.ts';
import { DynamoDbAwaitedReferences } from '../adapters/dynamodb/dynamodb-awaited-references.ts';
import { DynamoDbCancelJobs } from '../adapters/dynamodb/dynamodb-cancel-jobs.ts';
import { DynamoDbPaymentRequestStore } from '../adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbKeptAuthorizations } from '../adapters/dynamodb/dynamodb-kept-authorizations.ts';
import { DynamoDbQuarantine } from '../adapters/dynamodb/dynamodb-quarantine.ts';
import { DynamoDbOpenPaymentRequests } from '../adapters/dynamodb/dynamodb-open-payment-requests.ts';
import { DynamoDbCredentialNotes } from '../adapters/dynamodb/dynamodb-credential-notes.ts';
import { DynamoDbRateBudgets } from '../adapters/dynamodb/dynamodb-rate-budgets.ts';
import { DynamoDbWebhookArrivals } from '../adapters/dynamodb/dynamodb-webhook-arrivals.ts';
import { DynamoDbSweepLease } from '../adapters/dynamodb/dynamodb-sweep-lease.ts';
import { toItem } from '../adapters/dynamodb/stored-payment-request.ts';
import { referenceWriteOf, writeOf } from '../adapters/dynamodb/stream-changes.ts';
import { EventBridgePublisher } from '../adapters/eventbridge/eventbridge-publisher.ts';
import { agentFor } from '../adapters/klarna/klarna-http.ts';
import { HttpKlarnaPaymentRequests } from '../adapters/klarna/klarna-payment-requests.ts';
import { TimerQueueHandOver } from '../adapters/queue/timer-queue-hand-over.ts';
import { UpdateVerbs } from '../adapters/klarna/update-verbs.ts';
import { delayMessage } from '../adapters/queue/timer-message-delay.ts';
import { UnpublishedQueue } from '../adapters/queue/unpublished-queue.ts';
import { removeSchedule, SchedulerSessionTimer } from '../adapters/scheduler/scheduler-session-timer.ts';
import { CachedSecret, type SecretOptions } from '../adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../adapters/secrets/secret-accounts.ts';
import { SecretCredentials } from '../adapters/secrets/secret-credentials.ts';
import { pageKeyRefreshSeconds, SecretPageKeys } from '../adapters/secrets/secret-page-keys.ts';
import { SecretSigningKeys, signingKeyViolations } from '../adapters/secrets/secret-signing-keys.ts';
import { writeAccountSettings } from '../application/account-settings.ts';
import { cachedAccounts, credentialNames, findAccount } from '../application/find-account.ts';
import { paceCalls } from '../application/pace-calls.ts';
import type {
  Clock,
  CredentialNotes,
  Ids,
  RateBudgets,
  SessionTimer,
  TimerRemoval,
} from '../application/ports.ts';
import { sweepSessionTimer } from '../adapters/sweep/sweep-session-timer.ts';
import type { KlarnaCredentials } from '../domain/account-settings.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { type Account, parseCredentialName, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis, parseInstant } from '../domain/instant.ts';
import { unknownPaymentRequest } from '../domain/payment-request.ts';
import { preconnect } from '../cold-start/preconnect.ts';
import type { ParsedEnvironment } from '../contract/environment.ts';
import { withMetrics } from '../telemetry/klarna-metrics.ts';
import { count, currentTraceId, fault, measure, note, warn } from '../telemetry/telemetry.ts';
import { primingKey } from '../cold-start/prime-cancel.ts';
import { offlineAgent, offlineClient } from '../cold-start/offline-client.ts';

/**
 * Every outgoing call has a limit well inside the function's own. Without `throwOnRequestTimeout`, the SDK only warns
 * after the limit and keeps waiting.
 */
const clientSettings = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
} as const;

/** A webhook needs a response well within a second. A call that takes longer results in 503, and Klarna retries. */
const hurriedClientSettings = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;

/** The settings of a client, and a function that makes a client without a network from it, for priming. */
function connected(
  settings: typeof clientSettings | typeof hurriedClientSettings = clientSettings,
  response?: () => unknown,
) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 50 });
  return {
    settings: { ...settings, requestHandler: { ...settings.requestHandler, httpsAgent: agent } },
    offline: <Client extends { readonly config: object }>(client: Client): Client =>
      offlineClient(client, agent, response),
  };
}

/** The clock of the machine. */
export const clock: Clock = {
  now: () => Date.now(),
  instant: () => instantFromMillis(Date.now()),
  wait: (millis) => wait(millis),
};

/** Ids of 128 random bits in hex. */
export const ids: Ids = { next: () => randomBytes(16).toString('hex') };

const chance = (): number => Math.random();

/**
 * How a write of a record is retried while other writers are faster. Two of them and Klarna's part end within the shortest time limit,
 * which is the 10 seconds of a registration.
 */
export const retries = { clock, ids, chance, conflictBudget: 2_500 } as const;

/** The same for a webhook, which gets its response well within a second. Klarna repeats it after a 503. */
export const webhookRetries = { clock, ids, chance, conflictBudget: 500 } as const;

type Parsed = ParsedEnvironment<'cancel-expired-session'>;

const tableOf = (environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) => ({
  tableName: environment.TABLE_NAME,
  retentionDays: environment.RETENTION_DAYS,
  onUnreadable: ({ account, paymentRequestId }: PaymentRequestKey, attributes: readonly string[]) =>
    warn('record.unreadable', {
      account,
      payment_request_id: paymentRequestId,
      attributes: attributes.join(' '),
    }),
});

/** The table: the records, and the cancel jobs for functions that need them. */
export function storeOf(environment: Pick<Parsed, 'TABLE_NAME' | 'RETENTION_DAYS'>) {
  // The item that a read finds while priming.
  const stored = () => ({
    Item: marshall(
      { ...toItem(unknownPaymentRequest(primingKey, clock.instant()), 0) },
      {
        removeUndefinedValues: true,
      },
    ),
  });
  const { settings, offline } = connected(clientSettings, stored);
  const storeWith = (client: DynamoDBClient) =>
    new DynamoDbPaymentRequestStore({ ...tableOf(environment), client });
  const client = new DynamoDBClient(settings);
  return {
    store: storeWith(client),
    /** @param retentionDays of a job; `0` for a function that writes none */
    jobs: (retentionDays: number) =>
      new DynamoDbCancelJobs({ ...tableOf(environment), client, retentionDays }),
    awaited: () => new DynamoDbAwaitedReferences({ ...tableOf(environment), client }),
    stored: new DynamoDbAccounts({ tableName: environment.TABLE_NAME, client }),
    views: () => new DynamoDbAccountViews({ tableName: environment.TABLE_NAME, client }),
    credentials: {
      budgets: new DynamoDbRateBudgets({ tableName: environment.TABLE_NAME, client }),
      notes: new DynamoDbCredentialNotes({ tableName: environment.TABLE_NAME, client }),
    },
    sweepLease: () => new DynamoDbSweepLease({ tableName: environment.TABLE_NAME, client, ids }),
    authorizations: () => new DynamoDbKeptAuthorizations({ ...tableOf(environment), client }),
    open: () => new DynamoDbOpenPaymentRequests({ tableName: environment.TABLE_NAME, client }),
    offlineStore: () => storeWith(offline(client)),
  };
}

/** Percent of the longest secret from which its size is told. Each time costs the bytes of a log line. */
const worthTelling = 50;

/** A secret that counts and logs each failed read that its last known value replaced. */
const secretOf = (
  client: SecretsManagerClient,
  secretId: string,
  environment: Pick<Parsed, 'SECRETS_CACHE_SECONDS' | 'SECRETS_STALE_SECONDS'>,
  more: Pick<SecretOptions, 'onEntries' | 'refreshSeconds'> = {},
): CachedSecret =>
  new CachedSecret({
    client,
    clock,
    secretId,
    cacheSeconds: environment.SECRETS_CACHE_SECONDS,
    ...more,
    onRead: (percent) => {
      if (percent < worthTelling) return;
      measure('SecretUsed', Math.round(percent));
      note('secret.size', { secret: secretId, percent: Math.round(percent) });
    },
    stale: {
      seconds: environment.SECRETS_STALE_SECONDS,
      onServed: (error) => {
        count('SecretStale');
        fault('secret.stale', error);
      },
    },
  });

/** Violations of which single lines tell. Where there are more, the rest is the same mistake, or waits for its turn. */
const mostTold = 5;

/** Logs what is wrong with the entries of a secret, and counts it for the alarm on the configuration. */
function tellViolations(violations: readonly string[]): void {
  for (const violation of violations.slice(0, mostTold)) {
    fault('secret.invalid', new ConfigurationError(violation), { violations: violations.length });
  }
}

/** Seconds for which a function uses what is stored about an account before it reads it again. */
const accountCacheSeconds = 30;

/** Accounts whose entries a function parses, and to whose Klarna it connects, before its first event. */
const mostPrimed = 10;

/** The accounts of this deployment: entries of the secret, and accounts on a credential. */
export function accountsOf(
  environment: Pick<
    Parsed,
    | 'ACCOUNTS_SECRET_ID'
    | 'CREDENTIALS_PREFIX'
    | 'CREDENTIALS'
    | 'SECRETS_CACHE_SECONDS'
    | 'SECRETS_STALE_SECONDS'
    | 'MAX_SESSION_SECONDS'
    | 'OBSERVE'
    | 'ARMED_FROM'
  >,
  stored: DynamoDbAccounts,
) {
  const client = new SecretsManagerClient(clientSettings);
  const maxSession = environment.MAX_SESSION_SECONDS * 1_000;
  const stage = { observe: environment.OBSERVE === 'true', armedFrom: parseInstant(environment.ARMED_FROM) };
  const entries = new SecretAccounts(
    secretOf(client, environment.ACCOUNTS_SECRET_ID, environment),
    maxSession,
    stage,
  );
  const named = environment.CREDENTIALS.flatMap((name) => parseCredentialName(name) ?? []);
  const credentials = new SecretCredentials({
    names: credentialNames({ named, stored }, { clock, cacheSeconds: environment.SECRETS_CACHE_SECONDS }),
    secretOf: (name) => secretOf(client, `${environment.CREDENTIALS_PREFIX}${name}`, environment),
    maxSession,
    stage,
  });
  const sources = { entries, credentials, stored: cachedAccounts(stored, clock, accountCacheSeconds) };
  const cached = findAccount(sources);
  return {
    accounts: { find: async (account: Account) => (await cached(account))?.settings },
    /** Finds an account by what is stored now. */
    find: findAccount({ ...sources, stored }),
    write: writeAccountSettings({ ...sources, stored, clock }),
    /** Tells of every entry that is wrong, before a call needs it. */
    check: async (): Promise<void> => {
      const found = await Promise.all([entries.violations(), credentials.violations()]);
      tellViolations(found.flat());
    },
    /** How Klarna is called for every account with an entry, and with every credential. Leaves out what is not well formed. */
    inUse: async (): Promise<readonly KlarnaCredentials[]> => {
      const [own, shared] = await Promise.all([entries.all(), credentials.wellFormed()]);
      return [...own, ...shared].map(({ klarna }) => ({ partnerAccountId: undefined, ...klarna }));
    },
    /** Reads the secrets and parses some of what they hold. How much does not grow with the accounts. */
    prime: async (): Promise<readonly KlarnaCall[]> => {
      const [some, all] = await Promise.all([
        entries.some(mostPrimed),
        Promise.all(named.map((name) => credentials.read(name))),
      ]);
      return [...all, ...some].flatMap((each) => each?.klarna ?? []);
    },
  };
}

/** How some calls to Klarna are made: its environment, and the client certificate. */
type KlarnaCall = Pick<KlarnaCredentials, 'environment' | 'clientCertificate' | 'clientKey'>;

/** Klarna, with each call timed, unclear responses counted, and the pace of the calls, and the dependencies of every call. */
export function klarnaOf(
  environment: Pick<Parsed, 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>,
  { budgets, notes }: { readonly budgets: RateBudgets; readonly notes: CredentialNotes },
) {
  const pace = paceCalls({ budgets, notes, clock, onFault: (error) => fault('pace.fault', error) });
  const klarna = new HttpKlarnaPaymentRequests({
    urls: { test: environment.KLARNA_TEST_URL, live: environment.KLARNA_LIVE_URL },
    ids,
    currentTraceId,
    verbs: new UpdateVerbs({ notes, clock, onFault: (error) => fault('pace.fault', error) }),
  });
  return { klarna: pace.paced(withMetrics(klarna, clock)), ids, pace };
}

/** A Klarna client without a network: every request is SUBMITTED and every cancel succeeds. */
export const offlineKlarna = () =>
  new HttpKlarnaPaymentRequests({
    urls: { test: 'https://klarna.invalid', live: 'https://klarna.invalid' },
    ids,
    agentOf: () =>
      offlineAgent((request) => ({
        payment_request_id: primingKey.paymentRequestId,
        state: request.startsWith('DELETE') ? 'CANCELED' : 'SUBMITTED',
      })),
  });

/** Opens the connections that the first calls will need: one per Klarna environment and client certificate. */
export const connectToKlarna =
  (
    environment: Pick<Parsed, 'KLARNA_TEST_URL' | 'KLARNA_LIVE_URL'>,
    prime: () => Promise<readonly KlarnaCall[]>,
  ) =>
  async (): Promise<void> => {
    const agents = new Map<https.Agent, URL>();
    for (const klarna of await prime()) {
      const { KLARNA_TEST_URL, KLARNA_LIVE_URL } = environment;
      const url = new URL(klarna.environment === 'test' ? KLARNA_TEST_URL : KLARNA_LIVE_URL);
      const agent = agentFor(url.protocol, klarna);
      if (agent instanceof https.Agent) agents.set(agent, url);
    }
    await Promise.all(
      [...agents].map(([agent, { hostname, port }]) =>
        preconnect(agent, hostname, port === '' ? 443 : Number(port)),
      ),
    );
  };

/** Removes a session's timer and cannot arm one. */
export function removalOf({ TIMERS, SCHEDULE_GROUP_NAME }: Pick<Parsed, 'TIMERS' | 'SCHEDULE_GROUP_NAME'>) {
  if (TIMERS === 'sweep') return { timer: sweepSessionTimer, offlineTimer: () => sweepSessionTimer };
  const { settings, offline } = connected();
  const scheduler = new SchedulerClient(settings);
  const timerWith = (client: SchedulerClient): TimerRemoval => ({
    remove: async (key) => {
      await removeSchedule(client, SCHEDULE_GROUP_NAME, key);
    },
  });
  return {
    timer: timerWith(scheduler),
    offlineTimer: () => timerWith(offline(scheduler)),
  };
}

/** Arms and removes a session's timer. */
export function timerOf(
  environment: Omit<
    Parsed,
    | 'ACCOUNTS_SECRET_ID'
    | 'CREDENTIALS_PREFIX'
    | 'CREDENTIALS'
    | 'KLARNA_TEST_URL'
    | 'KLARNA_LIVE_URL'
    | 'OBSERVE'
    | 'ARMED_FROM'
  >,
): {
  readonly timer: SessionTimer;
  readonly offlineTimer: () => SessionTimer;
} {
  if (environment.TIMERS === 'sweep')
    return { timer: sweepSessionTimer, offlineTimer: () => sweepSessionTimer };
  const { settings, offline } = connected();
  const sqs = new SQSClient(clientSettings);
  const scheduler = new SchedulerClient(settings);
  const timerWith = (client: SchedulerClient) =>
    new SchedulerSessionTimer({
      scheduler: client,
      sqs,
      clock,
      ids,
      groupName: environment.SCHEDULE_GROUP_NAME,
      roleArn: environment.SCHEDULE_ROLE_ARN,
      queueArn: environment.TIMER_QUEUE_ARN,
      queueUrl: environment.TIMER_QUEUE_URL,
      deadLetterQueueArn: environment.TIMER_DEAD_LETTER_QUEUE_ARN,
      shortTimerSeconds: environment.SHORT_TIMER_SECONDS,
    });
  return {
    timer: timerWith(scheduler),
    offlineTimer: () => timerWith(offline(scheduler)),
  };
}

/** Returns a timer's message to its queue. */
export const delayOf = ({ TIMER_QUEUE_URL }: Pick<Parsed, 'TIMER_QUEUE_URL'>) =>
  delayMessage(new SQSClient(clientSettings), TIMER_QUEUE_URL);

/** The store to which webhooks are written. */
export function webhookStoresOf(environment: ParsedEnvironment<'receive-klarna-webhook'>) {
  const { settings, offline } = connected(hurriedClientSettings);
  const client = new DynamoDBClient(settings);
  const storesWith = (its: DynamoDBClient) => {
    const table = { ...tableOf(environment), client: its };
    return {
      store: new DynamoDbPaymentRequestStore(table),
      quarantine: new DynamoDbQuarantine({ ...table, retentionDays: environment.QUARANTINE_RETENTION_DAYS }),
      authorizations: new DynamoDbKeptAuthorizations(table),
      stored: new DynamoDbAccounts(table),
    };
  };
  return {
    arrivals: new DynamoDbWebhookArrivals({ ...tableOf(environment), client }),
    stores: storesWith(client),
    offlineStores: () => storesWith(offline(client)),
  };
}

/** The keys with which Klarna signs. */
export function signingKeysOf(environment: ParsedEnvironment<'receive-klarna-webhook'>) {
  const client = new SecretsManagerClient(hurriedClientSettings);
  return new SecretSigningKeys(
    secretOf(client, environment.SIGNING_KEYS_SECRET_ID, environment, {
      onEntries: (entries) => tellViolations(signingKeyViolations(entries)),
    }),
  );
}

/** The pages that may read a session with a page token, and the keys of the tokens; `undefined` where the stack has no `pageOrigins`. */
export function pageAccessOf(environment: ParsedEnvironment<'get-payment-request'>) {
  const { PAGE_ORIGINS: origins, PAGE_KEYS_SECRET_ID: secretId } = environment;
  if (origins === undefined || secretId === undefined) return undefined;
  const client = new SecretsManagerClient(clientSettings);
  const secret = secretOf(client, secretId, environment, { refreshSeconds: pageKeyRefreshSeconds });
  return { origins: new Set(origins), keys: new SecretPageKeys(secret) };
}

/** Reads writes from the table's stream, publishes their events, and sets aside what cannot be published. */
export function publisherOf({
  EVENT_BUS_NAME,
  UNPUBLISHED_QUEUE_URL,
  TIMER_QUEUE_URL,
}: ParsedEnvironment<'publish-state-changes'>) {
  const { settings, offline } = connected();
  const client = new EventBridgeClient(settings);
  const sqs = new SQSClient(clientSettings);
  return {
    handOver: new TimerQueueHandOver({ sqs, queueUrl: TIMER_QUEUE_URL, clock }),
    writeOf,
    referenceWriteOf,
    publisher: new EventBridgePublisher({
      client,
      busName: EVENT_BUS_NAME,
      clock,
      onFault: (error) => fault('events.fault', error),
    }),
    unpublished: new UnpublishedQueue(sqs, UNPUBLISHED_QUEUE_URL),
    primePublishing: () => offline(client).send(new PutEventsCommand({ Entries: [] })),
  };
}
