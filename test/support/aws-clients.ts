import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { account } from './fixtures.ts';
import { subject, signingKeyId } from './klarna-deliveries.ts';
import { planted } from './planted-secrets.ts';

/** Mocks of every SDK client of the process. */
export const aws = {
  dynamodb: mockClient(DynamoDBClient),
  scheduler: mockClient(SchedulerClient),
  sqs: mockClient(SQSClient),
  eventbridge: mockClient(EventBridgeClient),
  secrets: mockClient(SecretsManagerClient),
};

/** The secret `accounts` with one account, `shop-se`. */
export const accountsSecret = (settings: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ [account]: { environment: 'test', api_key: planted.apiKey, ...settings } });

/** The secret `signing-keys` with one key for that account. */
export const signingKeysSecret = (settings: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    [signingKeyId]: { key: planted.signingKey, accounts: { [subject]: account }, ...settings },
  });

/** The secret `page-keys` with the key of page tokens. */
export const pageKeysSecret = (settings: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ current: planted.pageKey, ...settings });

/** Resets the clients: every call succeeds, and the table is empty. */
export function resetAws(accounts = accountsSecret(), signingKeys = signingKeysSecret()): void {
  for (const client of Object.values(aws)) client.reset();
  aws.dynamodb.resolves({});
  aws.scheduler.resolves({});
  aws.sqs.resolves({});
  aws.eventbridge.resolves({});
  aws.secrets.on(GetSecretValueCommand, { SecretId: 'lapse/accounts' }).resolves({ SecretString: accounts });
  aws.secrets
    .on(GetSecretValueCommand, { SecretId: 'lapse/signing-keys' })
    .resolves({ SecretString: signingKeys });
  aws.secrets
    .on(GetSecretValueCommand, { SecretId: 'lapse/page-keys' })
    .resolves({ SecretString: pageKeysSecret() });
}

/** Every command that any client sent. */
export const sentCommands = () =>
  Object.values(aws).flatMap((client) =>
    client.calls().map((call) => ({ name: call.args[0].constructor.name, input: call.args[0].input })),
  );

/** The updates of records, and none of what the processes share of a credential. */
export const recordWrites = () =>
  aws.dynamodb
    .commandCalls(UpdateItemCommand)
    .map((call) => call.args[0].input)
    .filter(({ Key }) => Key?.['PK']?.S?.startsWith('RATE#') !== true);

export interface CallLimits {
  readonly maxAttempts: number;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  /** Without it the SDK only warns after the timeout, and waits on. */
  readonly throwOnRequestTimeout: boolean;
}

/** The limits of every client that was called, in milliseconds. The SDK itself shows them only after a real request. */
export async function callLimits(): Promise<readonly CallLimits[]> {
  const called = Object.values(aws).flatMap((client) =>
    client.calls().map((call) => call.thisValue as SdkClient),
  );
  return Promise.all(
    [...new Set(called)].map(async ({ config }) => ({
      maxAttempts: await config.maxAttempts(),
      ...(await config.requestHandler.configProvider),
    })),
  );
}

interface SdkClient {
  readonly config: {
    readonly maxAttempts: () => Promise<number>;
    readonly requestHandler: { readonly configProvider: Promise<Omit<CallLimits, 'maxAttempts'>> };
  };
}
