import { Duration, Stack } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
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
import { functionMetric } from './lapse-metrics.ts';
import { lapseQueue } from './lapse-queue.ts';
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
      description: "A session's timer failed twelve times and was moved to the dead-letter queue.",
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

  /** Milliseconds between a session's deadline and its end: the highest of the period, over both functions that end sessions. */
  metricLateness(options: MetricOptions = {}): IMetric {
    const series = { statistic: Stats.MAXIMUM, ...options };
    return new MathExpression({
      label: 'Latest end of a session after its deadline (ms)',
      expression: 'MAX([FILL(timer, 0), FILL(sweep, 0)])',
      period: options.period ?? Duration.minutes(5),
      usingMetrics: {
        timer: functionMetric('cancel-expired-session', 'TimerLateness', series),
        sweep: functionMetric('reconcile-payment-requests', 'TimerLateness', series),
      },
    });
  }

  #createFunction(shared: SharedProps, table: PaymentRequestTable, secrets: AccountSecrets): LapseFunction {
    const expire = new LapseFunction(this, 'Expire', {
      shared,
      functionName: 'cancel-expired-session',
      environment: { ...table.environment, ...secrets.accountsEnvironment, ...this.environment },
      timeout: Duration.seconds(30),
    });
    table.grantItems(expire, 'GetItem', 'UpdateItem');
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

  #watch({ alarmTopic: topic, settings: { thresholds } }: SharedProps): void {
    new LapseAlarm(this, 'TimerLateness', {
      topic,
      description: `A session ended ${thresholds.timerLatenessSeconds} seconds after its deadline or later.`,
      section: 'timer-lateness',
      metric: this.metricLateness(),
      threshold: thresholds.timerLatenessSeconds * 1_000,
    });
    new LapseAlarm(this, 'TimerQueueAge', {
      topic,
      description: `A timer's message has waited ${thresholds.timerQueueAgeSeconds} seconds or longer.`,
      section: 'timer-lateness',
      metric: this.queue.metricApproximateAgeOfOldestMessage({
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(5),
      }),
      threshold: thresholds.timerQueueAgeSeconds,
    });
    for (const [metricName, what] of Object.entries(schedulerFailures)) {
      new LapseAlarm(this, metricName, {
        topic,
        description: `Scheduler ${what}.`,
        section: 'scheduler-drops',
        metric: this.#schedulerMetric(metricName),
        threshold: 1,
      });
    }
    new LapseAlarm(this, 'InvocationThrottleCount', {
      topic,
      description: 'Scheduler delays timers: more fire in a second than the quota allows.',
      section: 'quotas',
      metric: this.#schedulerMetric('InvocationThrottleCount'),
      threshold: 1,
      periods: 2,
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

const schedulerFailures = {
  TargetErrorCount: "could not send a timer's message to the queue",
  InvocationDroppedCount: 'dropped a timer after all its retries',
  InvocationsFailedToBeSentToDeadLetterCount: 'could not move a timer to the dead-letter queue',
} as const;
