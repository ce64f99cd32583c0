import type { App } from 'aws-cdk-lib';
import { Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Lapse, type LapseProps } from '../../../lib/lapse.ts';
import { withBundles } from '../synthesized.ts';

/** Lapse in a stack of one's own, with every option that adds permissions. */
export function addLapseWithOptions(app: App, use: (lapse: Lapse) => unknown = () => undefined): Stack {
  return withBundles((bundles) => {
    const stack = new Stack(app, 'Checkout', { env: { account: '000000000000', region: 'eu-west-1' } });
    const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-west-1a'],
      privateSubnetIds: ['subnet-1'],
      privateSubnetRouteTableIds: ['rtb-1'],
    });
    const secretsKey = new Key(stack, 'SecretsKey', { enableKeyRotation: true });
    const certificate = Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:eu-west-1:000000000000:certificate/1',
    );
    const lapse = new Lapse(stack, 'Lapse', {
      bundles,
      ...({
        vpc,
        encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
        accountsSecret: Secret.fromSecretAttributes(stack, 'Accounts', {
          secretCompleteArn: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:accounts-abcdef',
          encryptionKey: secretsKey,
        }),
        signingKeysSecret: Secret.fromSecretNameV2(stack, 'SigningKeys', 'signing-keys'),
      } as LapseProps),
      tracing: true,
      pageOrigins: ['https://shop.example'],
      domain: { name: 'lapse.shop.example', certificate },
    });
    const endpointKey = Secret.fromSecretNameV2(stack, 'EndpointKey', 'endpoint-key');
    lapse.forwardEvents({ url: 'https://shop.example/events', apiKeySecret: endpointKey });
    use(lapse);
    return stack;
  });
}
