import { ArnFormat, RemovalPolicy, SecretValue, Stack, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { overFunctions, secretReaders } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/**
 * The secrets that the operator fills: the accounts with their API keys, the keys that Klarna signs webhooks with, and one for each
 * credential. The stack creates the secrets of the credentials that its settings name. Others are created under the same prefix.
 */
export class AccountSecrets extends Construct {
  /** What the names of the credentials' secrets start with. */
  readonly credentialsPrefix: string;
  readonly accounts: Secret;
  readonly signingKeys: Secret;
  readonly #settings: SharedProps['settings'];

  constructor(scope: Construct, id: string, { encryptionKey, settings, alarmTopic: topic }: SharedProps) {
    super(scope, id);
    this.#settings = settings;
    const empty = {
      ...(encryptionKey && { encryptionKey }),
      secretStringValue: SecretValue.unsafePlainText('{}'),
      removalPolicy: RemovalPolicy.RETAIN,
    };
    this.accounts = new Secret(this, 'accounts', {
      ...empty,
      description: 'Klarna accounts of Lapse: API keys and session settings, by account name',
    });
    this.signingKeys = new Secret(this, 'signing-keys', {
      ...empty,
      description: 'Signing keys of the Klarna webhooks of Lapse, by signing key id',
    });
    this.credentialsPrefix = `${Stack.of(this).stackName}/credentials/`;
    const credentials = settings.credentials.map(
      (name) =>
        new Secret(this, `credential-${name}`, {
          ...empty,
          secretName: `${this.credentialsPrefix}${name}`,
          description: `Credential ${name} of Lapse: an API key of Klarna and what goes with it`,
        }),
    );
    const reason =
      'Klarna issues these, and the operator replaces them. Two keys are valid at once meanwhile.';
    for (const secret of [this.accounts, this.signingKeys, ...credentials]) {
      Validations.of(secret).acknowledge({ id: 'AwsSolutions::AwsSolutions-SMG4', reason });
    }
    new LapseAlarm(this, 'SecretStale', {
      topic,
      description: 'Secrets Manager did not respond. The last known secret serves for a limited time.',
      section: 'secret-stale',
      metric: overFunctions(secretReaders, 'Reads for which the last known secret served', (sum) =>
        sum('SecretStale'),
      ),
      threshold: 1,
    });
  }

  get #cacheEnvironment() {
    return {
      SECRETS_CACHE_SECONDS: '120',
      SECRETS_STALE_SECONDS: String(this.#settings.secretStaleMinutes * 60),
    };
  }

  /** What a function reads to find accounts and to call Klarna. */
  get accountsEnvironment() {
    return {
      ...this.#cacheEnvironment,
      ACCOUNTS_SECRET_ID: this.accounts.secretArn,
      CREDENTIALS_PREFIX: this.credentialsPrefix,
      CREDENTIALS: this.#settings.credentials.join(','),
      MAX_SESSION_SECONDS: String(this.#settings.maxSessionSeconds),
      KLARNA_TEST_URL: this.#settings.klarnaTestUrl,
      KLARNA_LIVE_URL: this.#settings.klarnaLiveUrl,
    };
  }

  /** What a function reads to check signatures. */
  get signingKeysEnvironment() {
    return { ...this.#cacheEnvironment, SIGNING_KEYS_SECRET_ID: this.signingKeys.secretArn };
  }

  /** Allows reading the accounts, and every credential under the prefix. */
  grantReadAccounts(grantee: LapseFunction): void {
    const credentials = Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${this.credentialsPrefix}*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    grantee.allow(['secretsmanager:GetSecretValue'], [this.accounts.secretArn, credentials]);
    Validations.of(grantee).acknowledge({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${this.credentialsPrefix}*]`,
      reason: 'A credential can be connected later. The prefix holds nothing but credentials of this stack.',
    });
  }

  /** Allows reading the signing keys. */
  grantReadSigningKeys(grantee: LapseFunction): void {
    grantee.allow(['secretsmanager:GetSecretValue'], [this.signingKeys.secretArn]);
  }
}
