/** Composes what the doctor reads at, for a deployed stack or a local system. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDbAccounts } from '../../functions/adapters/dynamodb/dynamodb-accounts.ts';
import { DynamoDbWebhookArrivals } from '../../functions/adapters/dynamodb/dynamodb-webhook-arrivals.ts';
import { type Credential, isSibling } from '../../functions/domain/credential.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import { credentialNamesIn } from '../credential-names.ts';
import { KlarnaAccount } from '../klarna/klarna-account.ts';
import { clockOf } from '../system-clock.ts';
import type { Target } from '../target.ts';
import { awsChecks, type AwsWorld } from './aws-checks.ts';
import { type Report, runChecks } from './check.ts';
import { klarnaChecks, type KlarnaSubject, type KlarnaWorld } from './klarna-checks.ts';
import { readsOfAws } from './aws-reads.ts';
import { type ReadSecrets, readSecrets } from './read-secrets.ts';
import { secretChecks } from './secret-checks.ts';
import { statusPageChecks } from './status-page-check.ts';

/** What the doctor examines, and how. */
export interface Examination {
  readonly target: Target;
  /** Klarna's addresses. */
  readonly klarnaUrls: Readonly<Record<'test' | 'live', string>>;
  readonly role: string | undefined;
  readonly account: string | undefined;
  readonly isDryRun: boolean;
}

/** Runs every check. They run side by side, and one that fails holds up no other. */
export async function examine(examination: Examination): Promise<readonly Report[]> {
  const { target, klarnaUrls, role, account } = examination;
  const now = await clockOf(target.control);
  const secrets = once(() => secretsOf(target, now));
  const awsWorld: AwsWorld = {
    reads: readsOfAws({ outputs: target.outputs, aws: target.aws, now }),
    isLocal: target.isLocal,
    alarmTopicArn: target.outputs.AlarmTopicArn,
    apiUrl: target.outputs.ApiUrl,
    apiAuthorization: target.outputs.ApiAuthorization,
    role,
    account,
    now,
  };
  const statusPageWorld = {
    callsKlarna:
      !target.isLocal &&
      Object.values(klarnaUrls).every((url) => new URL(url).hostname.endsWith('.klarna.com')),
    read: readPage,
  };
  const reports = await Promise.all([
    runChecks(secretChecks, { secrets }, 'secrets'),
    secrets().then(
      (read) =>
        Promise.all(
          subjectsOf(read).map((subject) =>
            runChecks(klarnaChecks, klarnaWorldOf(examination, now, { subject, read }), subject.name),
          ),
        ).then((each) => each.flat()),
      // The checks of the secrets say why.
      (): readonly Report[] => [],
    ),
    runChecks(statusPageChecks, statusPageWorld, 'Klarna'),
    runChecks(awsChecks, awsWorld, target.name),
  ]);
  return reports.flat();
}

/** Reads at most once. */
function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | undefined;
  return () => (known ??= read());
}

/** Milliseconds for the status page. */
const pageLimit = 5_000;

const readPage = async (url: string): Promise<string | undefined> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(pageLimit) });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
};

async function secretsOf({ outputs, aws }: Target, now: () => number): Promise<ReadSecrets> {
  const client = new SecretsManagerClient(aws);
  const stored = new DynamoDbAccounts({ client: new DynamoDBClient(aws), tableName: outputs.TableName });
  const prefix = outputs.CredentialsPrefix;
  return readSecrets({
    client,
    clock: clockFrom(now),
    accountsName: outputs.AccountsSecretName,
    signingKeysName: outputs.SigningKeysSecretName,
    credentialsPrefix: prefix,
    credentialNames: await credentialNamesIn({ client, stored, prefix }),
    pageKeysName: outputs.PageKeysSecretName,
  });
}

const clockFrom = (now: () => number) => ({
  now,
  instant: () => instantFromMillis(now()),
  wait: (millis: number) => wait(millis),
});

/** Each API key once, whatever the number of accounts that share it. */
function subjectsOf({ accounts, credentials }: ReadSecrets): readonly KlarnaSubject[] {
  const keys = new Set(accounts.entries.map(({ klarna }) => klarna.apiKey));
  const byKey = [...keys].map((key) => accounts.entries.filter(({ klarna }) => klarna.apiKey === key));
  return [
    ...credentials.flatMap(({ name, entries }) =>
      entries.map((credential) => subjectOfCredential(name, credential)),
    ),
    ...byKey.flatMap((sharing) => subjectOfAccounts(accounts.name, sharing) ?? []),
  ];
}

const subjectOfCredential = (secretName: string, credential: Credential): KlarnaSubject => {
  const { name, acquirerAccountId, klarna } = credential;
  return {
    name: `the credential ${name}`,
    repair: `run \`lapse connect --credential ${name} --env ${klarna.environment}\`.`,
    secretName,
    klarna,
    accountIds: acquirerAccountId === undefined ? [] : [acquirerAccountId],
    owns: ({ partners, recipientAccountId, accounts }) => {
      if (partners) return partners.credential === name;
      if (acquirerAccountId === undefined)
        return [...accounts.values()].some((each) => each === (name as string));
      return (
        recipientAccountId === acquirerAccountId ||
        [...accounts.keys()].some((krn) => isSibling(krn, acquirerAccountId))
      );
    },
  };
};

function subjectOfAccounts(
  secretName: string,
  sharing: readonly AccountSettings[],
): KlarnaSubject | undefined {
  const [first, ...others] = sharing;
  if (!first) return undefined;
  const names = new Set(sharing.map(({ account }) => account));
  return {
    name: `the account ${first.account}${others.length === 0 ? '' : ` and ${others.length} others`}`,
    repair: "correct it in Klarna's portal, or run `lapse connect` to move to a credential.",
    secretName,
    klarna: first.klarna,
    accountIds: sharing.flatMap(({ klarna }) => klarna.partnerAccountId ?? []),
    owns: ({ accounts }) => [...accounts.values()].some((account) => names.has(account)),
  };
}

function klarnaWorldOf(
  { target, klarnaUrls, isDryRun }: Examination,
  now: () => number,
  { subject, read }: { readonly subject: KlarnaSubject; readonly read: ReadSecrets },
): KlarnaWorld {
  const klarna = new KlarnaAccount({
    url: klarnaUrls[subject.klarna.environment],
    access: subject.klarna,
    ids: { next: () => randomBytes(16).toString('hex') },
    clock: clockFrom(now),
  });
  const arrivals = new DynamoDbWebhookArrivals({
    client: new DynamoDBClient(target.aws),
    tableName: target.outputs.TableName,
    retentionDays: target.outputs.RetentionDays,
  });
  const { signingKeys } = read;
  return {
    subject,
    klarna,
    probe: once(() => klarna.check()),
    webhookUrl: target.outputs.WebhookUrl,
    signingKeys: signingKeys.entries,
    areKeysReadable: signingKeys.violations.length === 0,
    now,
    lastArrival: async (keyId) => {
      const last = await arrivals.last(keyId);
      return last && millisOf(last);
    },
    wait: (millis) => wait(millis),
    isDryRun,
  };
}
