/** Lapse in a VPC, so that every call to Klarna comes from the addresses of the output `EgressAddresses`. */
import { App, CfnOutput, Fn, Stack } from 'aws-cdk-lib';
import {
  CfnEIP,
  GatewayVpcEndpointAwsService,
  type IVpc,
  NatProvider,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Lapse } from 'lapse';

const app = new App();
const stack = new Stack(app, 'Checkout', { env: { region: 'eu-north-1' } });

// They belong to the stack, not to the gateways, so they stay when a gateway is replaced.
const addresses = [1, 2].map((zone) => new CfnEIP(stack, `Address${zone}`, { domain: 'vpc' }));
const vpc = new Vpc(stack, 'Network', {
  availabilityZones: ['eu-north-1a', 'eu-north-1b'],
  natGatewayProvider: NatProvider.gateway({
    eipAllocationIds: addresses.map((each) => each.attrAllocationId),
  }),
  subnetConfiguration: [
    { name: 'Public', subnetType: SubnetType.PUBLIC },
    { name: 'Private', subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  ],
  gatewayEndpoints: { DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
});

// The assertion is needed only with exactOptionalPropertyTypes.
const lapse = new Lapse(stack, 'Lapse', { vpc: vpc as IVpc });
lapse.addOutputs();
new CfnOutput(stack, 'EgressAddresses', {
  value: Fn.join(
    ', ',
    addresses.map((each) => each.ref),
  ),
});
app.synth();
