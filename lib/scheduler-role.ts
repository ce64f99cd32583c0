import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';
import { acknowledgeKey } from './acknowledge.ts';

/** What a role may do: literal actions on literal resources. */
export type RoleGrant = readonly [actions: readonly string[], resources: readonly string[]];

/** Whose schedules use a role, and what for. */
export interface SchedulerRoleProps {
  readonly group: CfnScheduleGroup;
  readonly description: string;
  readonly grants: readonly RoleGrant[];
  /** The key of the queues that the role sends to. */
  readonly encryptionKey: IKey | undefined;
}

/**
 * A role that Scheduler assumes for the schedules of one group of this account only
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
 */
export function schedulerRole(
  scope: Construct,
  id: string,
  { group, description, grants, encryptionKey }: SchedulerRoleProps,
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
  encryptionKey?.grantEncryptDecrypt(role);
  acknowledgeKey(role);
  return role;
}
