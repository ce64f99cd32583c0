import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { tableSchema } from '../functions/contract/table-schema.ts';
import type { AccountSecrets } from './account-secrets.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';
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
      shoppers:
        'Nothing happens to shoppers yet: a run of the sweep failed or did not start, and the next one does its work.',
      first: 'Run lapse sweep-failures list: it has the error of each run.',
      section: 'dead-letters-sweep',
    }).queue;
    this.#createSchedule(props.shared);
    this.#keepFailedRuns();
    this.#watch(props.shared);
  }

  #createFunction({ shared, table, secrets, timer }: ReconciliationProps): LapseFunction {
    const reconcile = new LapseFunction(this, 'Reconcile', {
      shared,
      functionName: 'reconcile-payment-requests',
      environment: {
        ...table.environment,
        ...table.jobsEnvironment,
        ...secrets.accountsEnvironment,
        ...timer.environment,
        CANCEL_JOBS_PER_SECOND: String(shared.settings.cancelJobsPerSecond),
      },
      // A whole core, which limits how many sessions a run ends after an outage. A run without work is short.
      memorySize: 1_769,
      timeout: Duration.seconds(55),
    });
    table.grantItems(reconcile, 'GetItem', 'BatchGetItem', 'UpdateItem');
    const { dueIndex, openIndex, sessionIndex, referenceIndex } = tableSchema;
    table.grantQuery(reconcile, dueIndex, openIndex, sessionIndex, referenceIndex);
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

  #watch({ alarmTopic: topic, name, settings: { thresholds } }: SharedProps): void {
    new LapseAlarm(this, 'PendingCancels', {
      topic,
      shoppers:
        'A customer may still be able to pay after a cancel: its result has been unknown for too long, or the sweep does not report.',
      first: "Look at Klarna's responses on the dashboard, then at Klarna's status page.",
      section: 'pending-cancels',
      ...gauge(name, 'PendingCancelAge', thresholds.pendingCancelSeconds * 1_000),
    });
    new LapseAlarm(this, 'OverdueSessions', {
      topic,
      shoppers:
        'A session is long past its deadline and the customer can still pay, or the sweep does not report.',
      first: "Look at Klarna's responses on the dashboard, then list with open=true and due_before.",
      section: 'overdue-sessions',
      ...gauge(name, 'OverdueSessionAge', thresholds.overdueSessionSeconds * 1_000),
    });
    new LapseAlarm(this, 'SweepRepairs', {
      topic,
      shoppers:
        'Nothing happens to shoppers yet: the sweep does what timers, webhooks or callers should have done.',
      first: 'Read the log line sweep.done: it says what the sweep repaired.',
      section: 'sweep-repairs',
      metric: lapseMetric(name, 'SweepRepairs', { period: Duration.minutes(15) }),
      threshold: thresholds.sweepRepairs,
    });
    new LapseAlarm(this, 'SweepFailures', {
      topic,
      shoppers: 'A session has not got the cancel or the timer that it needs for 15 minutes.',
      first: 'Search the log for sweep.fault: the line names the record and the error.',
      section: 'sweep-failures',
      metric: lapseMetric(name, 'SweepFailures'),
      threshold: 1,
      periods: 3,
    });
    new LapseAlarm(this, 'SweepSilent', {
      topic,
      shoppers:
        'Nothing happens to shoppers yet, but what fails now is not repaired: no sweep has finished for five minutes.',
      first: 'Run lapse sweep-failures list, and compare the stack with its template (drift detection).',
      section: 'sweep-silent',
      metric: lapseMetric(name, 'DueRecords', { statistic: Stats.SAMPLE_COUNT }),
      threshold: 1,
      raised: 'below',
      missingData: 'breaching',
    });
  }
}

/**
 * What an alarm on a gauge of the sweep stands on: the gauge is too high, or it is missing. CloudWatch itself lets several periods
 * without data pass before it counts them, so the expression fills them.
 */
function gauge(name: string, metricName: 'PendingCancelAge' | 'OverdueSessionAge', threshold: number) {
  return {
    metric: new MathExpression({
      label: `${metricName} (ms), at the threshold where it is missing`,
      expression: `FILL(age, ${threshold})`,
      period: Duration.minutes(5),
      usingMetrics: { age: lapseMetric(name, metricName) },
    }),
    threshold,
    missingData: 'breaching' as const,
  };
}
