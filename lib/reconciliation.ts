import { Duration } from 'aws-cdk-lib';
import { type IMetric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { AccountSecrets } from './account-secrets.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { functionMetric } from './lapse-metrics.ts';
import type { PaymentRequestTable } from './payment-request-table.ts';
import { schedulerRole } from './scheduler-role.ts';
import type { SessionTimer } from './session-timer.ts';
import type { SharedProps } from './shared-props.ts';

/** What the sweep works on. */
export interface ReconciliationProps {
  readonly shared: SharedProps;
  readonly table: PaymentRequestTable;
  readonly secrets: AccountSecrets;
  readonly timer: SessionTimer;
}

/**
 * Periods of five minutes in which the sweep tries every record at least once. It waits up to an hour for the next attempt, and
 * writes how long a record has waited only when it reads it.
 */
const attemptsWithin = 13;

const longest = (metricName: 'PendingCancelAge' | 'OverdueSessionAge') =>
  functionMetric('reconcile-payment-requests', metricName, { statistic: Stats.MAXIMUM });

/**
 * The sweep: Scheduler invokes it every minute, asynchronously. Lambda does not repeat a run that fails, and drops one that it cannot
 * start within a minute: the next run does the work. Both go to the dead-letter queue. Runs that overlap are safe, since only one
 * holds the lease in the table.
 */
export class Reconciliation extends Construct {
  readonly reconcile: LapseFunction;
  /** Holds the runs that failed or could not be started. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: ReconciliationProps) {
    super(scope, id);
    this.reconcile = this.#createFunction(props);
    this.deadLetterQueue = new DeadLetterQueue(this, 'DeadLetters', {
      shared: props.shared,
      description: 'A run of the sweep failed or could not be started.',
      section: 'dead-letters-sweep',
    }).queue;
    this.#createSchedule(props.shared);
    this.#keepFailedRuns();
    this.#watch(props.shared);
  }

  /** Cancels with an unknown result that the sweep tried to settle. */
  metricPendingCancels(options?: MetricOptions): IMetric {
    return functionMetric('reconcile-payment-requests', 'PendingCancels', options);
  }

  /** Work that a timer, a webhook or a caller should have done and the sweep did. */
  metricRepairs(options?: MetricOptions): IMetric {
    return functionMetric('reconcile-payment-requests', 'SweepRepairs', options);
  }

  #createFunction({ shared, table, secrets, timer }: ReconciliationProps): LapseFunction {
    const reconcile = new LapseFunction(this, 'Reconcile', {
      shared,
      functionName: 'reconcile-payment-requests',
      environment: {
        ...table.environment,
        ...secrets.accountsEnvironment,
        ...timer.environment,
        CANCEL_JOBS_PER_SECOND: String(shared.settings.cancelJobsPerSecond),
      },
      // A whole core, which limits how many sessions a run ends after an outage. A run without work is short.
      memorySize: 1_769,
      timeout: Duration.seconds(55),
    });
    table.grantItems(reconcile, 'GetItem', 'UpdateItem');
    table.grantQuery(reconcile, tableSchema.dueIndex, tableSchema.stateIndex);
    secrets.grantReadAccounts(reconcile);
    timer.grantArm(reconcile);
    return reconcile;
  }

  #createSchedule(shared: SharedProps): void {
    const { functionArn } = this.reconcile.live;
    const { queueArn } = this.deadLetterQueue;
    const group = new CfnScheduleGroup(this, 'Group', { name: `${shared.name}-sweep` });
    const role = schedulerRole(this, 'Role', {
      group,
      description: 'Lets Scheduler run the sweep of Lapse every minute',
      grants: [
        [['lambda:InvokeFunction'], [functionArn]],
        [['sqs:SendMessage'], [queueArn]],
      ],
      encryptionKey: shared.encryptionKey,
    });
    new CfnSchedule(this, 'EveryMinute', {
      groupName: group.ref,
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
        deadLetterConfig: { arn: queueArn },
      },
    });
  }

  /** Scheduler only hands the run to Lambda: what happens to it from then on is set here. */
  #keepFailedRuns(): void {
    const { queueArn } = this.deadLetterQueue;
    this.reconcile.live.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: { bind: () => ({ destination: queueArn }) },
    });
    this.reconcile.allow(['sqs:SendMessage'], [queueArn]);
  }

  #watch({ alarmTopic: topic, settings: { thresholds } }: SharedProps): void {
    new LapseAlarm(this, 'PendingCancels', {
      topic,
      description: `A cancel has had an unknown result for ${thresholds.pendingCancelSeconds} seconds or more.`,
      section: 'pending-cancels',
      metric: longest('PendingCancelAge'),
      threshold: thresholds.pendingCancelSeconds * 1_000,
      within: attemptsWithin,
    });
    new LapseAlarm(this, 'OverdueSessions', {
      topic,
      description: `A session has been open for ${thresholds.overdueSessionSeconds} seconds or more after its deadline.`,
      section: 'overdue-sessions',
      metric: longest('OverdueSessionAge'),
      threshold: thresholds.overdueSessionSeconds * 1_000,
      within: attemptsWithin,
    });
    new LapseAlarm(this, 'SweepRepairs', {
      topic,
      description: `The sweep made ${thresholds.sweepRepairs} repairs or more in 15 minutes.`,
      section: 'sweep-repairs',
      metric: this.metricRepairs({ period: Duration.minutes(15) }),
      threshold: thresholds.sweepRepairs,
    });
    new LapseAlarm(this, 'SweepFailures', {
      topic,
      description: 'The sweep has failed to reconcile records in three periods of five minutes.',
      section: 'sweep-failures',
      metric: functionMetric('reconcile-payment-requests', 'SweepFailures'),
      threshold: 1,
      periods: 3,
      within: attemptsWithin,
    });
    new LapseAlarm(this, 'SweepSilent', {
      topic,
      description: 'The sweep has not run for five minutes.',
      section: 'sweep-silent',
      metric: this.reconcile.live.metricInvocations({ period: Duration.minutes(5) }),
      threshold: 1,
      raised: 'below',
      missingData: 'breaching',
    });
  }
}
