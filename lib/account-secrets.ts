import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

/** The two secrets: the accounts with their API keys, and the keys that Klarna signs webhooks with. Filled by the operator. */
export class AccountSecrets extends Construct {
  readonly accounts: Secret;
  readonly signingKeys: Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const empty = {
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
  }

  /** Allows reading one of the two. */
  grantRead(grantee: LapseFunction, secret: Secret): void {
    grantee.allow(['secretsmanager:GetSecretValue'], [secret.secretArn]);
  }
}
