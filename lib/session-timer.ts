import { Duration, Stack } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeResource } from './acknowledge.ts';
import type { AccountSecrets } from './account-secrets.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
import { lapseQueue } from './lapse-queue.ts';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { PaymentRequestTable } from './payment-request-table.ts';
import { schedulerRole } from './scheduler-role.ts';
import type { SharedProps } from './shared-props.ts';

/** What the session timers work on. */
export interface SessionTimerProps {
  readonly shared: SharedProps;
  readonly table: PaymentRequestTable;
  readonly secrets: AccountSecrets;
}

/**
 * The session timers: a schedule group, the role that Scheduler assumes, a queue, and the function that ends sessions. A timer
 * that fires sends its message to the queue.
 */
export class SessionTimer extends Construct {
  readonly groupName: string;
  readonly role: Role;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly expire: LapseFunction;
  readonly #schedulesArn: string;
  readonly #timers: SharedProps['settings']['timers'];

  constructor(scope: Construct, id: string, { shared, table, secrets }: SessionTimerProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.#timers = shared.settings.timers;
    this.groupName = `${shared.name}-sessions`;
    const group = new CfnScheduleGroup(this, 'Group', { name: this.groupName });
    this.#schedulesArn = stack.formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${this.groupName}/*`,
    });
    this.deadLetterQueue = new DeadLetterQueue(this, 'DeadLetters', {
      shared,
      shoppers: 'A session ends late, through the sweep, because its timer failed twelve times.',
      first: 'Search the log for timer.failed.',
      section: 'dead-letters-timers',
    }).queue;
    this.queue = lapseQueue(this, 'Queue', shared.encryptionKey, {
      retentionPeriod: Duration.days(4),
      // AWS asks for six times the function's time limit.
      visibilityTimeout: Duration.seconds(180),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 12 },
    });
    this.role = schedulerRole(this, 'Role', {
      group,
      description: 'Lets the session timers of Lapse send to their queue',
      grants: [[['sqs:SendMessage'], [this.queue.queueArn, this.deadLetterQueue.queueArn]]],
      encryptionKey: shared.encryptionKey,
    });
    this.expire = this.#createFunction(shared, table, secrets);
    this.#watch(shared);
  }

  /** What a function reads to arm timers. */
  get environment() {
    return {
      ...this.removalEnvironment,
      SCHEDULE_ROLE_ARN: this.role.roleArn,
      TIMER_QUEUE_ARN: this.queue.queueArn,
      TIMER_QUEUE_URL: this.queue.queueUrl,
      TIMER_DEAD_LETTER_QUEUE_ARN: this.deadLetterQueue.queueArn,
      // Scheduler is precise to a minute. A closer deadline is a message with a delay.
      SHORT_TIMER_SECONDS: '90',
    };
  }

  /** What a function reads to remove timers. */
  get removalEnvironment() {
    return { TIMERS: this.#timers, SCHEDULE_GROUP_NAME: this.groupName };
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

  /** Allows removing timers only. */
  grantRemove(grantee: LapseFunction): void {
    this.#allow(grantee, ['DeleteSchedule']);
  }

  /** Timers of the group that Scheduler delays, because more fire in a second than its quota allows. */
  get delayed(): Metric {
    return this.#schedulerMetric('InvocationThrottleCount');
  }

  #createFunction(shared: SharedProps, table: PaymentRequestTable, secrets: AccountSecrets): LapseFunction {
    const expire = new LapseFunction(this, 'Expire', {
      shared,
      functionName: 'cancel-expired-session',
      environment: { ...table.environment, ...secrets.accountsEnvironment, ...this.environment },
      timeout: Duration.seconds(30),
    });
    table.grantItems(expire, 'GetItem', 'BatchGetItem', 'UpdateItem');
    table.grantQuery(expire, tableSchema.sessionIndex, tableSchema.referenceIndex);
    secrets.grantReadAccounts(expire);
    this.grantArm(expire);
    expire.live.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: shared.settings.timerConcurrency,
      }),
    );
    expire.allow(['sqs:ChangeMessageVisibility'], [this.queue.queueArn]);
    acknowledge(expire, {
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason: 'The queue has its own dead-letter queue. A destination is for streams.',
    });
    return expire;
  }

  #allow(grantee: LapseFunction, verbs: readonly string[]): void {
    grantee.allow(
      verbs.map((verb) => `scheduler:${verb}`),
      [this.#schedulesArn],
    );
    acknowledgeResource(
      grantee,
      this.#schedulesArn,
      'Each session has a schedule, named by a hash at run time. The group holds nothing but these schedules.',
    );
  }

  #watch({ alarmTopic: topic, name, settings: { thresholds } }: SharedProps): void {
    const { timerLatenessSeconds, timerQueueAgeSeconds } = thresholds;
    const period = Duration.minutes(5);
    new LapseAlarm(this, 'TimerLateness', {
      topic,
      shoppers:
        'Abandoned checkouts stay open longer than the shop promised, so stock is held and a customer can still pay.',
      first: "Look at Klarna's responses on the dashboard.",
      section: 'timer-lateness',
      metric: new MathExpression({
        label: 'How late sessions end, and how long timers wait, as a share of the limit',
        expression: `MAX([FILL(lateness, 0) / ${timerLatenessSeconds * 1_000}, FILL(waiting, 0) / ${timerQueueAgeSeconds}])`,
        period,
        usingMetrics: {
          lateness: lapseMetric(name, 'TimerLateness'),
          waiting: this.queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period }),
        },
      }),
      threshold: 1,
    });
    new LapseAlarm(this, 'SchedulerDrops', {
      topic,
      shoppers:
        'Sessions end up to two minutes late, through the sweep: Scheduler cannot send timers to their queue.',
      first: 'Compare the stack with its template (drift detection).',
      section: 'scheduler-drops',
      // Before Scheduler drops a timer, it could not send it, which counts here, or had to delay it, for which `quotas` has an alarm.
      metric: this.#schedulerMetric('TargetErrorCount'),
      threshold: 1,
    });
  }

  #schedulerMetric(metricName: string): Metric {
    return new Metric({
      namespace: 'AWS/Scheduler',
      metricName,
      dimensionsMap: { ScheduleGroup: this.groupName },
      statistic: Stats.SUM,
      period: Duration.minutes(5),
    });
  }
}
