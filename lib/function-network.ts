import {
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Where the functions run. */
export interface FunctionNetwork {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

/** Your network, as far as the properties name it. */
export interface NetworkProps {
  readonly vpc: IVpc | undefined;
  readonly vpcSubnets: SubnetSelection | undefined;
  readonly securityGroups: readonly ISecurityGroup[] | undefined;
}

/** The network of the functions. Undefined: Lambda's own. Throws where the properties do not belong together. */
export function functionNetwork(
  scope: Construct,
  id: string,
  { vpc, vpcSubnets, securityGroups }: NetworkProps,
): FunctionNetwork | undefined {
  if (!vpc) {
    if (vpcSubnets ?? securityGroups)
      throw new Error('vpcSubnets and securityGroups are given without a vpc; allowed: with a vpc only.');
    return undefined;
  }
  if (securityGroups?.length === 0)
    throw new Error('securityGroups is empty; allowed: at least one group, or leave it out.');
  return {
    vpc,
    vpcSubnets: vpcSubnets ?? { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    securityGroups: [...(securityGroups ?? [createSecurityGroup(scope, id, vpc)])],
  };
}

/** Klarna and AWS are called by HTTPS, and nothing calls a function by the network. */
function createSecurityGroup(scope: Construct, id: string, vpc: IVpc): ISecurityGroup {
  const group = new SecurityGroup(scope, id, {
    vpc,
    description: 'The functions of Lapse: HTTPS out, nothing in',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Klarna and AWS');
  return group;
}

/**
 * Allows Lambda to connect a function to the network, and refuses the same calls to the function's own code
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
 */
export function allowNetwork(role: Role, functionsArn: string): void {
  const actions = [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ];
  role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions,
      resources: ['*'],
      conditions: { ArnLike: { 'lambda:SourceFunctionArn': functionsArn } },
    }),
  );
  acknowledge(role, {
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason:
      "Lambda's documented policy for a VPC has all resources. The function's own code is refused them.",
  });
}
