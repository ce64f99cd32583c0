import { RemovalPolicy, SecretValue, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

/** The two secrets: the accounts with their API keys, and the keys that Klarna signs webhooks with. Filled by the operator. */
export class AccountSecrets extends Construct {
  readonly accounts: Secret;
  readonly signingKeys: Secret;

  constructor(scope: Construct, id: string, { encryptionKey }: { readonly encryptionKey: IKey | undefined }) {
    super(scope, id);
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
      'Klarna issues these, and a person replaces them: two are good at once, so nothing stops meanwhile.';
    for (const secret of [this.accounts, this.signingKeys]) {
      Validations.of(secret).acknowledge({ id: 'AwsSolutions::AwsSolutions-SMG4', reason });
    }
  }

  /** Allows reading one of the two. */
  grantRead(grantee: LapseFunction, secret: Secret): void {
    grantee.allow(['secretsmanager:GetSecretValue'], [secret.secretArn]);
  }
}
