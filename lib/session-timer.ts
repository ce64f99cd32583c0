import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';
import { deadLetterQueue, lapseQueue } from './lapse-queue.ts';
import { schedulerRole } from './scheduler-role.ts';

/** The session timers: a schedule group, the role that Scheduler takes, and the queue that timers go off into. */
export class SessionTimer extends Construct {
  readonly groupName: string;
  readonly role: Role;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly #schedulesArn: string;

  constructor(scope: Construct, id: string, { encryptionKey }: { readonly encryptionKey: IKey | undefined }) {
    super(scope, id);
    const stack = Stack.of(this);
    this.groupName = `${stack.stackName}-sessions`;
    const group = new CfnScheduleGroup(this, 'Group', { name: this.groupName });
    this.#schedulesArn = stack.formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${this.groupName}/*`,
    });
    this.deadLetterQueue = deadLetterQueue(this, 'DeadLetters', encryptionKey);
    this.queue = lapseQueue(this, 'Queue', encryptionKey, {
      retentionPeriod: Duration.days(4),
      // AWS asks for six times the function's time limit.
      visibilityTimeout: Duration.seconds(180),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 12 },
    });
    this.role = schedulerRole(this, 'Role', {
      group,
      description: 'Lets the session timers of Lapse go off into their queue',
      grants: [[['sqs:SendMessage'], [this.queue.queueArn, this.deadLetterQueue.queueArn]]],
    });
  }

  /** What a function needs to know to arm timers. */
  get environment() {
    return {
      SCHEDULE_GROUP_NAME: this.groupName,
      SCHEDULE_ROLE_ARN: this.role.roleArn,
      TIMER_QUEUE_ARN: this.queue.queueArn,
      TIMER_QUEUE_URL: this.queue.queueUrl,
      TIMER_DEAD_LETTER_QUEUE_ARN: this.deadLetterQueue.queueArn,
      // Scheduler is precise to a minute: what is closer goes to the queue with a delay.
      SHORT_TIMER_SECONDS: '90',
    };
  }

  /** Allows arming, moving and removing timers. */
  grantArm(grantee: LapseFunction): void {
    this.#allow(grantee, ['CreateSchedule', 'GetSchedule', 'UpdateSchedule', 'DeleteSchedule']);
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    grantee.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
      }),
    );
  }

  /** Allows looking through the timers. The list knows no resource but all: names and times of schedules, nothing of theirs. */
  grantList(grantee: LapseFunction): void {
    grantee.allow(['scheduler:ListSchedules'], ['*']);
    Validations.of(grantee).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'scheduler:ListSchedules cannot be restricted to a group, and shows names only.',
    });
  }

  /** Allows removing timers, and no more. */
  grantRemove(grantee: LapseFunction): void {
    this.#allow(grantee, ['DeleteSchedule']);
  }

  #allow(grantee: LapseFunction, verbs: readonly string[]): void {
    grantee.allow(
      verbs.map((verb) => `scheduler:${verb}`),
      [this.#schedulesArn],
    );
    Validations.of(grantee).acknowledge({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/${this.groupName}/*]`,
      reason:
        'A schedule per session, named by a hash: known only when it is made. The group is theirs alone.',
    });
  }

  /** Has the function called for every timer that goes off, with so many batches at once. */
  goOffInto(target: LapseFunction, maxConcurrency: number): void {
    Validations.of(target).acknowledge({
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason: 'The queue has a dead-letter queue of its own; a destination is for streams.',
    });
    target.live.addEventSource(
      new SqsEventSource(this.queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency }),
    );
    target.allow(['sqs:ChangeMessageVisibility'], [this.queue.queueArn]);
  }
}
