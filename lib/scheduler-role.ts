import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';

/** What a role allows: literal actions on literal resources. */
export type Grant = readonly [actions: readonly string[], resources: readonly string[]];

/**
 * The role that Scheduler takes for the schedules of one group of this account, and of no other
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
 */
export function schedulerRole(
  scope: Construct,
  id: string,
  {
    group,
    description,
    grants,
  }: {
    readonly group: CfnScheduleGroup;
    readonly description: string;
    readonly grants: readonly Grant[];
  },
): Role {
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': Stack.of(scope).account, 'aws:SourceArn': group.attrArn },
      },
    }),
    description,
  });
  for (const [actions, resources] of grants) {
    role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }
  return role;
}
