import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDbAccounts } from '../functions/adapters/dynamodb/dynamodb-accounts.ts';
import { DynamoDbPaymentRequestStore } from '../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbRateBudgets } from '../functions/adapters/dynamodb/dynamodb-rate-budgets.ts';
import { ScannedPaymentRequests } from '../functions/adapters/dynamodb/scanned-payment-requests.ts';
import { HttpKlarnaPaymentRequests } from '../functions/adapters/klarna/klarna-payment-requests.ts';
import { CachedSecret } from '../functions/adapters/secrets/cached-secret.ts';
import { SecretAccounts } from '../functions/adapters/secrets/secret-accounts.ts';
import { SecretCredentials } from '../functions/adapters/secrets/secret-credentials.ts';
import { findAccount } from '../functions/application/find-account.ts';
import { paceCalls } from '../functions/application/pace-calls.ts';
import { reconcileAccount } from '../functions/application/reconcile-account.ts';
import { refreshPaymentRequest } from '../functions/application/refresh-payment-request.ts';
import type { Account } from '../functions/domain/identifiers.ts';
import { instantFromMillis } from '../functions/domain/instant.ts';
import { klarnaLongestLifetime } from '../functions/domain/payment-request.ts';
import { credentialNamesIn } from './credential-names.ts';
import { clockOf } from './system-clock.ts';
import type { Target } from './target.ts';

/** Seconds for which a secret is used before it is read again. */
const cacheSeconds = 60;

/**
 * Composes the reconciliation of an account from the use cases and adapters of the functions. It calls Klarna from here, at the pace
 * that all processes share.
 */
export async function composeReconcile(
  { outputs, aws, control }: Target,
  urls: Readonly<Record<'test' | 'live', string>>,
) {
  const now = await clockOf(control);
  const clock = {
    now,
    instant: () => instantFromMillis(now()),
    wait: (millis: number) => wait(millis),
  };
  const ids = { next: () => randomBytes(16).toString('hex') };
  const client = new DynamoDBClient(aws);
  const table = { client, tableName: outputs.TableName, retentionDays: outputs.RetentionDays };
  const secrets = new SecretsManagerClient(aws);
  const secretOf = (secretId: string) => new CachedSecret({ client: secrets, clock, secretId, cacheSeconds });
  const stored = new DynamoDbAccounts(table);
  const prefix = outputs.CredentialsPrefix;
  const names = await credentialNamesIn({ client: secrets, stored, prefix });
  const find = findAccount({
    entries: new SecretAccounts(secretOf(outputs.AccountsSecretName)),
    credentials: new SecretCredentials({
      names: () => Promise.resolve(names),
      secretOf: (name) => secretOf(`${prefix}${name}`),
      maxSession: klarnaLongestLifetime,
    }),
    stored,
  });
  const store = new DynamoDbPaymentRequestStore(table);
  // Without the shared budget, this process still keeps its own pace.
  const pace = paceCalls({ budgets: new DynamoDbRateBudgets(table), clock, onFault: () => undefined });
  const refresh = refreshPaymentRequest({
    store,
    clock,
    ids,
    chance: () => Math.random(),
    conflictBudget: 10_000,
    klarna: pace.paced(new HttpKlarnaPaymentRequests({ urls, ids })),
  });
  return {
    find: async (account: Account) => (await find(account))?.settings,
    reconcile: reconcileAccount({ records: new ScannedPaymentRequests(table), store, refresh, pace, clock }),
  };
}
