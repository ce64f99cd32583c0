import { ArnFormat, SecretValue, Stack } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeResource } from './acknowledge.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** Secrets of yours for Lapse to read. Undefined: it creates its own. */
export interface ExistingSecrets {
  readonly accounts: ISecret | undefined;
  readonly signingKeys: ISecret | undefined;
}

/**
 * The secrets that the operator fills: the accounts with their API keys, the keys that Klarna signs webhooks with, and one for each
 * credential. The stack creates the secrets of the credentials that its settings name. Others are created under the same prefix.
 */
export class AccountSecrets extends Construct {
  /** What the names of the credentials' secrets start with. */
  readonly credentialsPrefix: string;
  readonly accounts: ISecret;
  readonly signingKeys: ISecret;
  /** The keys that sign page tokens. Undefined: the stack has no `pageOrigins`. */
  readonly pageKeys: ISecret | undefined;
  readonly #settings: SharedProps['settings'];

  constructor(scope: Construct, id: string, shared: SharedProps, existing: ExistingSecrets) {
    super(scope, id);
    this.#settings = shared.settings;
    this.accounts =
      existing.accounts ??
      this.#create(
        'accounts',
        shared,
        'Klarna accounts of Lapse: API keys and session settings, by account name',
      );
    this.signingKeys =
      existing.signingKeys ??
      this.#create('signing-keys', shared, 'Signing keys of the Klarna webhooks of Lapse, by signing key id');
    this.credentialsPrefix = `${shared.name}/credentials/`;
    for (const name of shared.settings.credentials) {
      this.#create(
        `credential-${name}`,
        shared,
        `Credential ${name} of Lapse: an API key of Klarna and what goes with it`,
        `${this.credentialsPrefix}${name}`,
      );
    }
    this.pageKeys = shared.settings.pageOrigins.length > 0 ? this.#createPageKeys(shared) : undefined;
    new LapseAlarm(this, 'SecretStale', {
      topic: shared.alarmTopic,
      shoppers: 'The last known secret serves for a limited time, after which cancels and timeouts fail.',
      first: 'Search the log for secret.stale: the line says why the secret cannot be read.',
      section: 'secret-stale',
      metric: lapseMetric(shared.name, 'SecretStale'),
      threshold: 1,
    });
    new LapseAlarm(this, 'SecretSize', {
      topic: shared.alarmTopic,
      shoppers:
        'Nothing happens to shoppers until a secret is full and takes no more accounts or signing keys.',
      first: 'Run lapse doctor, which names the secret, and move accounts to a credential.',
      section: 'secret-size',
      metric: lapseMetric(shared.name, 'SecretUsed', { statistic: Stats.MAXIMUM }),
      threshold: shared.settings.thresholds.secretPercent,
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
      ACCOUNTS_SECRET_ID: idOf(this.accounts),
      CREDENTIALS_PREFIX: this.credentialsPrefix,
      CREDENTIALS: this.#settings.credentials.join(','),
      MAX_SESSION_SECONDS: String(this.#settings.maxSessionSeconds),
      OBSERVE: this.#settings.observe ? 'true' : 'false',
      ARMED_FROM: this.#settings.armedFrom ?? '',
      KLARNA_TEST_URL: this.#settings.klarnaTestUrl,
      KLARNA_LIVE_URL: this.#settings.klarnaLiveUrl,
    } as const;
  }

  /** What a function reads to check signatures. */
  get signingKeysEnvironment() {
    return { ...this.#cacheEnvironment, SIGNING_KEYS_SECRET_ID: idOf(this.signingKeys) };
  }

  /** What a function reads to make and to accept page tokens: nothing where the stack has no `pageOrigins`. */
  get pageEnvironment() {
    return this.pageKeys
      ? { PAGE_ORIGINS: this.#settings.pageOrigins.join(','), PAGE_KEYS_SECRET_ID: idOf(this.pageKeys) }
      : {};
  }

  /** Allows reading the accounts, and every credential under the prefix. */
  grantReadAccounts(grantee: LapseFunction): void {
    this.#allowReading(grantee, this.accounts);
    const credentials = Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${this.credentialsPrefix}*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    grantee.allow(['secretsmanager:GetSecretValue'], [credentials]);
    acknowledgeResource(
      grantee,
      credentials,
      'A credential can be connected later. The prefix holds nothing but credentials of this stack.',
    );
  }

  /** Allows reading the signing keys. */
  grantReadSigningKeys(grantee: LapseFunction): void {
    this.#allowReading(grantee, this.signingKeys);
  }

  /** Allows reading the keys of page tokens, if there are any. */
  grantReadPageKeys(grantee: LapseFunction): void {
    if (this.pageKeys) this.#allowReading(grantee, this.pageKeys);
  }

  /** Every function may already use the key of Lapse. A secret of yours may have another one. */
  #allowReading(grantee: LapseFunction, secret: ISecret): void {
    const { secretFullArn, secretArn, encryptionKey } = secret;
    grantee.allow(['secretsmanager:GetSecretValue'], [secretFullArn ?? `${secretArn}-??????`]);
    if (secret.node.scope !== this) encryptionKey?.grantDecrypt(grantee.function);
  }

  /**
   * CloudFormation makes the first key, so no person ever sees it. It would make another one if what is generated changed here:
   * every token would become invalid.
   */
  #createPageKeys({ settings, encryptionKey }: SharedProps): ISecret {
    const secret = new Secret(this, 'page-keys', {
      description: 'Keys of the page tokens of Lapse. lapse page-keys rotate replaces them',
      ...(encryptionKey && { encryptionKey }),
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'current',
        excludePunctuation: true,
        passwordLength: 64,
      },
      removalPolicy: settings.removalPolicy,
    });
    acknowledge(secret, {
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason:
        'The command lapse page-keys rotate replaces the key. The one before stays valid until the next time.',
    });
    return secret as ISecret;
  }

  #create(
    id: string,
    { settings, encryptionKey }: SharedProps,
    description: string,
    secretName?: string,
  ): ISecret {
    const secret = new Secret(this, id, {
      ...(secretName !== undefined && { secretName }),
      description,
      ...(encryptionKey && { encryptionKey }),
      secretStringValue: SecretValue.unsafePlainText('{}'),
      removalPolicy: settings.removalPolicy,
    });
    acknowledge(secret, {
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'Klarna issues these, and the operator replaces them. Two keys are valid at once meanwhile.',
    });
    // See lapse-function.ts for the assertion.
    return secret as ISecret;
  }
}

/** What names a secret in a call. The ARN of a secret that is imported by its name lacks the six characters at its end. */
const idOf = (secret: ISecret): string =>
  secret.secretFullArn === undefined ? secret.secretName : secret.secretArn;
