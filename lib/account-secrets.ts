import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** Two secrets that the operator fills: the accounts with their API keys, and the keys that Klarna signs webhooks with. */
export class AccountSecrets extends Construct {
  readonly accounts: Secret;
  readonly signingKeys: Secret;
  readonly #settings: SharedProps['settings'];

  constructor(
    scope: Construct,
    id: string,
    { encryptionKey, name, settings, alarmTopic: topic }: SharedProps,
  ) {
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
    const reason =
      'Klarna issues these, and the operator replaces them. Two keys are valid at once meanwhile.';
    for (const secret of [this.accounts, this.signingKeys]) {
      acknowledge(secret, { id: 'AwsSolutions::AwsSolutions-SMG4', reason });
    }
    new LapseAlarm(this, 'SecretStale', {
      topic,
      shoppers: 'The last known secret serves for a limited time, after which cancels and timeouts fail.',
      first: 'Search the log for secret.stale: the line says why the secret cannot be read.',
      section: 'secret-stale',
      metric: lapseMetric(name, 'SecretStale'),
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
      MAX_SESSION_SECONDS: String(this.#settings.maxSessionSeconds),
      KLARNA_TEST_URL: this.#settings.klarnaTestUrl,
      KLARNA_LIVE_URL: this.#settings.klarnaLiveUrl,
    };
  }

  /** What a function reads to check signatures. */
  get signingKeysEnvironment() {
    return { ...this.#cacheEnvironment, SIGNING_KEYS_SECRET_ID: this.signingKeys.secretArn };
  }

  /** Allows reading the accounts. */
  grantReadAccounts(grantee: LapseFunction): void {
    grantee.allow(['secretsmanager:GetSecretValue'], [this.accounts.secretArn]);
  }

  /** Allows reading the signing keys. */
  grantReadSigningKeys(grantee: LapseFunction): void {
    grantee.allow(['secretsmanager:GetSecretValue'], [this.signingKeys.secretArn]);
  }
}
