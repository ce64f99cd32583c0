import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { LapseClient } from '../client/lapse-client.ts';
import type { Authorization } from '../client/options.ts';
import { ScannedPaymentRequests } from '../functions/adapters/dynamodb/scanned-payment-requests.ts';
import { DynamoDbPaymentRequestStore } from '../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbAccounts } from '../functions/adapters/dynamodb/dynamodb-accounts.ts';
import { DynamoDbCancelJobs } from '../functions/adapters/dynamodb/dynamodb-cancel-jobs.ts';
import { DynamoDbKeptAuthorizations } from '../functions/adapters/dynamodb/dynamodb-kept-authorizations.ts';
import { DynamoDbErasure } from '../functions/adapters/dynamodb/dynamodb-erasure.ts';
import { DynamoDbQuarantine } from '../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import {
  ErasableAwaitedReferences,
  ErasableKeptAuthorizations,
} from '../functions/adapters/dynamodb/dynamodb-reference-erasure.ts';
import { EventBridgePublisher } from '../functions/adapters/eventbridge/eventbridge-publisher.ts';
import { CachedSecret } from '../functions/adapters/secrets/cached-secret.ts';
import { SecretSigningKeys } from '../functions/adapters/secrets/secret-signing-keys.ts';
import type { PaymentRequestKey } from '../functions/domain/identifiers.ts';
import { instantFromMillis } from '../functions/domain/instant.ts';
import type {
  ChangedPaymentRequests,
  Clock,
  Ids,
  PaymentRequestStore,
  StateChangePublisher,
} from '../functions/application/ports.ts';
import { eraseDeliveries, eraseFromJobs, eraseRecords } from '../functions/application/erase-records.ts';
import { eraseReferences } from '../functions/application/erase-references.ts';
import { insightTimeouts } from '../functions/application/insight-timeouts.ts';
import { replayQuarantined } from '../functions/application/replay-quarantined.ts';
import { resolveAttention } from '../functions/application/resolve-attention.ts';
import { republishRecord, republishStateChanges } from '../functions/application/republish-state-changes.ts';
import { judgeDelivery } from '../functions/webhook/klarna-delivery.ts';
import { accountSearch, type AccountSearchOptions } from './accounts/account-search.ts';
import { SettingsApi } from './accounts/settings-api.ts';
import { operatorOf } from './operator.ts';
import { Queue } from './queue.ts';
import { archivesOf } from './event-archives.ts';
import { runSweepOf } from './run-sweep.ts';
import { readSweepPreview } from './sweep-preview.ts';
import type { Target } from './target.ts';

export type Operations = ReturnType<typeof composeOperations>;

/** Ids of 128 random bits in hex. */
export const ids: Ids = { next: () => randomBytes(16).toString('hex') };

/** The clock of the machine. */
export const clock: Clock = {
  now: () => Date.now(),
  instant: () => instantFromMillis(Date.now()),
  wait: (millis) => wait(millis),
};

/**
 * Builds the operator's commands for a deployed stack or a local system, from the use cases and adapters that run in
 * it.
 */
export function composeOperations(target: Target) {
  const { outputs, aws: settings } = target;
  const dynamodb = new DynamoDBClient(settings);
  const table = {
    client: dynamodb,
    tableName: outputs.TableName,
    retentionDays: outputs.RetentionDays,
  };
  const quarantine = new DynamoDbQuarantine(table);
  const sqs = new SQSClient(settings);
  const store = new DynamoDbPaymentRequestStore(table);
  const records = new ScannedPaymentRequests(table);
  const stored = new DynamoDbAccounts(table);
  const secrets = new SecretsManagerClient(settings);
  const secretOf = (secretId: string) =>
    new CachedSecret({ client: secrets, clock, secretId, cacheSeconds: 60 });
  const calls = signedCalls(target, dynamodb);
  return {
    clock,
    ids,
    ...calls,
    /** What is stored about accounts without an entry. */
    stored,
    accountSearch: searchOf(outputs, { settings: calls.settings, secretOf, stored }),
    quarantine,
    replay: replayQuarantined({
      clock,
      ids,
      chance: () => Math.random(),
      conflictBudget: 10_000,
      store,
      quarantine,
      authorizations: new DynamoDbKeptAuthorizations(table),
      stored,
      signingKeys: new SecretSigningKeys(secretOf(outputs.SigningKeysSecretName)),
      judge: ({ facts, bodySha256 }, key, now) => judgeDelivery(facts, key, now, bodySha256),
    }),
    ...publishing(publisherOf(target), store, records),
    archives: archivesIn(target),
    ...resolving(store, target),
    ...queuesOf(sqs, outputs),
    runSweep: runSweepOf(target),
    insight: insightTimeouts({ records }),
    sessions: store,
    references: store,
    eraseRecords: eraseRecords({
      store,
      sessions: store,
      erasure: new DynamoDbErasure(tombstonesIn(table, outputs)),
      clock,
    }),
    eraseDeliveries: eraseDeliveries({ quarantine }),
    eraseFromJobs: eraseFromJobs(new DynamoDbCancelJobs(table)),
    eraseReferences: eraseReferences({
      store,
      references: store,
      awaited: new ErasableAwaitedReferences(table),
      authorizations: new ErasableKeptAuthorizations(table),
    }),
  };
}

/** The table with the retention of tombstones. */
const tombstonesIn = <Table extends { readonly retentionDays: number }>(
  table: Table,
  { TombstoneRetentionDays: retentionDays = table.retentionDays }: Target['outputs'],
): Table => ({ ...table, retentionDays });

/** Finds accounts by the secrets of this system. */
const searchOf = (
  { AccountsSecretName: accounts, CredentialsPrefix: prefix }: Target['outputs'],
  {
    settings,
    secretOf,
    stored,
  }: Pick<AccountSearchOptions, 'stored'> & {
    readonly settings: () => Promise<SettingsApi>;
    readonly secretOf: (secretId: string) => CachedSecret;
  },
) =>
  accountSearch({
    settings: { read: async (account) => (await settings()).read(account) },
    accountsSecret: secretOf(accounts),
    credentialSecret: (name) => secretOf(`${prefix}${name}`),
    stored,
  });

/** The API, called with the operator's own credentials. */
function signedCalls({ outputs, isLocal }: Target, { config }: DynamoDBClient) {
  const authorization = async (): Promise<Authorization> =>
    isLocal ? 'none' : { credentials: () => config.credentials(), region: await config.region() };
  return {
    api: async (account: string) =>
      new LapseClient({
        url: outputs.ApiUrl,
        account,
        authorization: await authorization(),
        // The caller's own ARN is beside it, so it names no person.
        requestedBy: 'operator:lapse',
      }),
    settings: async () => new SettingsApi({ url: outputs.ApiUrl, authorization: await authorization() }),
    previewSweep: readSweepPreview({ url: outputs.ApiUrl, authorization }),
  };
}

/** The archives of the events of this system, if it keeps them. */
const archivesIn = ({ outputs, aws }: Target) =>
  archivesOf(new EventBridgeClient(aws), {
    list: outputs.EventArchives,
    busArn: outputs.EventBusArn,
    newName: () => `lapse-${ids.next().slice(0, 12)}`,
  });

/** Publishes events on the bus of this system. */
const publisherOf = ({ outputs, aws }: Target): StateChangePublisher =>
  new EventBridgePublisher({
    client: new EventBridgeClient(aws),
    busName: outputs.EventBusName,
    clock,
    onFault: rethrow,
  });

/** The queue of timers, and those of what failed. */
const queuesOf = (sqs: SQSClient, outputs: Target['outputs']) => ({
  timers: new Queue(sqs, outputs.TimerQueueUrl),
  deadTimers: new Queue(sqs, outputs.DeadTimersQueueUrl),
  unpublished: new Queue(sqs, outputs.UnpublishedEventsQueueUrl),
  sweepFailures: new Queue(sqs, outputs.SweepFailuresQueueUrl),
});

/** Takes a mark off a record. */
const resolving = (store: PaymentRequestStore, target: Target) => ({
  resolve: resolveAttention({ store, clock, ids, chance: () => Math.random(), conflictBudget: 10_000 }),
  attentionOf: async (key: PaymentRequestKey) => (await store.read(key))?.attention,
  operator: operatorOf(target),
});

/** Publishes an event again, or the events of one record or of all. */
const publishing = (
  publisher: StateChangePublisher,
  store: PaymentRequestStore,
  records: ChangedPaymentRequests,
) => ({
  publisher,
  republish: republishStateChanges({ records, publisher }),
  republishRecord: republishRecord({ store, publisher }),
});

/** A command ends with the error of a call that failed as a whole: the operator can act on it. */
function rethrow(error: unknown): never {
  throw error;
}
