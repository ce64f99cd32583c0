import { Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';
import { deadLetterQueue } from './lapse-queue.ts';
import { schedulerRole } from './scheduler-role.ts';

export interface ReconciliationProps {
  readonly reconcile: LapseFunction;
  readonly encryptionKey: IKey | undefined;
}

/** The sweep: every minute, one at a time. A run that cannot be started is not tried again: the next one does its work. */
export class Reconciliation extends Construct {
  readonly deadLetterQueue: Queue;
  readonly role: Role;

  constructor(scope: Construct, id: string, { reconcile, encryptionKey }: ReconciliationProps) {
    super(scope, id);
    const group = new CfnScheduleGroup(this, 'Group', { name: `${Stack.of(this).stackName}-sweep` });
    this.deadLetterQueue = deadLetterQueue(this, 'DeadLetters', encryptionKey);
    this.role = schedulerRole(this, 'Role', {
      group,
      description: 'Lets the sweep of Lapse run every minute',
      grants: [
        [['lambda:InvokeFunction'], [reconcile.live.functionArn]],
        [['sqs:SendMessage'], [this.deadLetterQueue.queueArn]],
      ],
    });
    new CfnSchedule(this, 'EveryMinute', {
      groupName: group.ref,
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: reconcile.live.functionArn,
        roleArn: this.role.roleArn,
        input: '{}',
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
        deadLetterConfig: { arn: this.deadLetterQueue.queueArn },
      },
    });
  }
}
