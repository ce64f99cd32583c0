import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

/** The session timers: a schedule group, the role that Scheduler takes, and the queue that timers go off into. */
export class SessionTimer extends Construct {
  readonly groupName: string;
  readonly role: Role;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly #schedulesArn: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const stack = Stack.of(this);
    this.groupName = `${stack.stackName}-sessions`;
    const group = new CfnScheduleGroup(this, 'Group', { name: this.groupName });
    this.#schedulesArn = stack.formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${this.groupName}/*`,
    });
    const queueSettings = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...queueSettings,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      ...queueSettings,
      retentionPeriod: Duration.days(4),
      // AWS asks for six times the function's time limit.
      visibilityTimeout: Duration.seconds(180),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 12 },
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group.attrArn } },
      }),
      description: 'Lets the session timers of Lapse go off into their queue',
    });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn, this.deadLetterQueue.queueArn],
      }),
    );
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
    const verbs = ['CreateSchedule', 'GetSchedule', 'UpdateSchedule', 'DeleteSchedule'];
    grantee.allow(
      verbs.map((verb) => `scheduler:${verb}`),
      [this.#schedulesArn],
    );
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    grantee.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
      }),
    );
  }

  /** Allows removing timers, and no more. */
  grantRemove(grantee: LapseFunction): void {
    grantee.allow(['scheduler:DeleteSchedule'], [this.#schedulesArn]);
  }

  /** Has the function called for every timer that goes off. */
  goOffInto(target: LapseFunction): void {
    target.live.addEventSource(
      new SqsEventSource(this.queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency: 10 }),
    );
    target.allow(['sqs:ChangeMessageVisibility'], [this.queue.queueArn]);
  }
}
