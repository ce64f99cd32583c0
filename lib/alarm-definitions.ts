import { Duration } from 'aws-cdk-lib';
import {
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { KlarnaMetric } from '../functions/contract/metric-names.ts';
import type { AlarmThresholds } from './alarm-thresholds.ts';
import type { LapseFunction } from './lapse-function.ts';
import { functionMetric, klarnaCallers, webhookVerdicts } from './lapse-metrics.ts';

/** One alarm: what is measured, and when it rings. */
export interface AlarmDefinition {
  /** Construct id, and part of the alarm's name. */
  readonly id: string;
  /** The heading in docs/operate/runbook.md that says what it means and what to do. Several alarms may share one. */
  readonly section: string;
  readonly metric: IMetric;
  /** Rings at this value and above, or below it where `rings` says so. */
  readonly threshold: number;
  readonly rings?: 'at-or-above' | 'below';
  /** How many periods in a row. Default 1. */
  readonly periods?: number;
  /** What no data means. Default: all is well. */
  readonly silence?: 'well' | 'ringing';
}

/** Everything that is watched. */
export interface Watched {
  readonly functions: Readonly<Record<FunctionName, LapseFunction>>;
  readonly api: HttpApi;
  readonly table: ITable;
  readonly timerQueue: IQueue;
  readonly deadLetterQueues: Readonly<Record<'timers' | 'events' | 'sweep', IQueue>>;
  readonly sessionGroupName: string;
}

/** Every alarm there is. */
export const alarmDefinitions = (
  watched: Watched,
  thresholds: AlarmThresholds,
): readonly AlarmDefinition[] => [
  ...harm(),
  ...stuck(watched, thresholds),
  ...klarna(thresholds),
  ...webhooks(thresholds),
  ...Object.values(watched.functions).flatMap((each) => functionAlarms(each, thresholds)),
  ...limits(watched, thresholds),
];

/** Customers are being harmed, or may be. */
const harm = (): readonly AlarmDefinition[] => [
  {
    id: 'CanceledAfterCompleted',
    section: 'canceled-after-completed',
    metric: functionMetric('publish-state-changes', 'Attention:canceled_after_completed'),
    threshold: 1,
  },
  {
    id: 'Contradiction',
    section: 'contradiction',
    metric: functionMetric('publish-state-changes', 'Attention:contradiction'),
    threshold: 1,
  },
];

/** Something does not move on. */
const stuck = (watched: Watched, thresholds: AlarmThresholds): readonly AlarmDefinition[] => [
  {
    id: 'TimerLateness',
    section: 'timer-lateness',
    metric: new MathExpression({
      label: 'milliseconds by which the latest session ended after its deadline',
      expression: 'MAX([FILL(timer, 0), FILL(sweep, 0)])',
      period: Duration.minutes(5),
      usingMetrics: {
        timer: functionMetric('cancel-expired-session', 'TimerLateness', { statistic: Stats.MAXIMUM }),
        sweep: functionMetric('reconcile-payment-requests', 'TimerLateness', { statistic: Stats.MAXIMUM }),
      },
    }),
    threshold: thresholds.timerLatenessSeconds * 1_000,
  },
  {
    id: 'TimerQueueAge',
    section: 'timer-lateness',
    metric: watched.timerQueue.metricApproximateAgeOfOldestMessage({
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(5),
    }),
    threshold: thresholds.timerQueueAgeSeconds,
  },
  ...Object.entries(watched.deadLetterQueues).map(([name, queue]) => ({
    id: `DeadLetters${name}`,
    section: `dead-letters-${name}`,
    metric: queue.metricApproximateNumberOfMessagesVisible({
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(1),
    }),
    threshold: 1,
  })),
  {
    id: 'StreamAge',
    section: 'events-behind',
    metric: watched.functions['publish-state-changes'].live.metric('IteratorAge', {
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(1),
    }),
    threshold: thresholds.streamAgeSeconds * 1_000,
    periods: 3,
  },
  {
    id: 'EventsRefused',
    section: 'events-behind',
    metric: functionMetric('publish-state-changes', 'EventsRefused'),
    threshold: 1,
    periods: 3,
  },
  {
    id: 'PendingCancels',
    section: 'pending-cancels',
    metric: functionMetric('reconcile-payment-requests', 'PendingCancels'),
    threshold: 1,
    periods: 3,
  },
  {
    id: 'SweepRepairs',
    section: 'sweep-repairs',
    metric: functionMetric('reconcile-payment-requests', 'SweepRepairs', { minutes: 15 }),
    threshold: thresholds.sweepRepairs,
  },
  {
    id: 'SweepFailures',
    section: 'sweep-failures',
    metric: functionMetric('reconcile-payment-requests', 'SweepFailures'),
    threshold: 1,
    periods: 3,
  },
  {
    id: 'SweepSilent',
    section: 'sweep-silent',
    metric: watched.functions['reconcile-payment-requests'].live.metricInvocations({
      period: Duration.minutes(5),
    }),
    threshold: 1,
    rings: 'below',
    silence: 'ringing',
  },
];

const klarna = (thresholds: AlarmThresholds): readonly AlarmDefinition[] => [
  {
    id: 'KlarnaDenied',
    section: 'klarna-denied',
    metric: overCallers('credentials refused', (sum) => sum('Klarna:denied')),
    threshold: 1,
  },
  {
    id: 'KlarnaUnclear',
    section: 'klarna-unclear',
    metric: overCallers(
      "percent of Klarna's answers that say nothing",
      (sum) => `100 * ${sum('KlarnaUnclear')} / ${sum('KlarnaResponses')}`,
    ),
    threshold: thresholds.klarnaUnclearPercent,
    periods: 2,
  },
  {
    id: 'UnknownState',
    section: 'unknown-state',
    metric: functionMetric('publish-state-changes', 'Attention:unknown_state'),
    threshold: 1,
  },
];

const webhooks = (thresholds: AlarmThresholds): readonly AlarmDefinition[] => [
  {
    id: 'BadSignatures',
    section: 'bad-signatures',
    metric: functionMetric('receive-klarna-webhook', 'WebhookRefused:400'),
    threshold: thresholds.badSignatures,
  },
  {
    id: 'Quarantine',
    section: 'quarantine',
    metric: functionMetric('receive-klarna-webhook', 'WebhookQuarantined'),
    threshold: 1,
  },
  {
    id: 'WebhookFaults',
    section: 'webhook-faults',
    metric: functionMetric('receive-klarna-webhook', 'WebhookFault'),
    threshold: 1,
    periods: 2,
  },
  {
    id: 'WebhookSilence',
    section: 'webhook-silence',
    metric: new MathExpression({
      label: 'sessions registered while no webhook came',
      expression: `IF(${webhookVerdicts.map((verdict) => `FILL(${verdict}, 0)`).join(' + ')} == 0, FILL(registered, 0), 0)`,
      period: Duration.hours(1),
      usingMetrics: {
        registered: functionMetric('publish-state-changes', 'Registered', { minutes: 60 }),
        ...Object.fromEntries(
          webhookVerdicts.map((verdict) => [
            verdict,
            functionMetric('receive-klarna-webhook', `Webhook:${verdict}`, { minutes: 60 }),
          ]),
        ),
      },
    }),
    threshold: 1,
    periods: 2,
  },
];

/** What every function is watched for. The sections are shared: what to do depends on the function, and they say so. */
const functionAlarms = (
  { functionName, timeout, live }: LapseFunction,
  { durationPercent }: AlarmThresholds,
): readonly AlarmDefinition[] => {
  const period = Duration.minutes(5);
  return [
    {
      id: `Errors-${functionName}`,
      section: 'function-errors',
      metric: live.metricErrors({ period }),
      threshold: 1,
    },
    {
      id: `Throttles-${functionName}`,
      section: 'function-throttles',
      metric: live.metricThrottles({ period }),
      threshold: 1,
      periods: 2,
    },
    {
      id: `Duration-${functionName}`,
      section: 'function-duration',
      metric: live.metricDuration({ period, statistic: Stats.MAXIMUM }),
      threshold: (timeout.toMilliseconds() * durationPercent) / 100,
      periods: 2,
    },
  ];
};

const limits = (
  { api, table, sessionGroupName }: Watched,
  thresholds: AlarmThresholds,
): readonly AlarmDefinition[] => [
  {
    id: 'ApiServerErrors',
    section: 'api-errors',
    metric: api.metricServerError({ period: Duration.minutes(5), statistic: Stats.SUM }),
    threshold: thresholds.apiServerErrors,
  },
  ...['TargetErrorCount', 'InvocationDroppedCount', 'InvocationsFailedToBeSentToDeadLetterCount'].map(
    (metricName) => ({
      id: `Scheduler${metricName}`,
      section: 'scheduler-drops',
      metric: schedulerMetric(metricName, sessionGroupName),
      threshold: 1,
    }),
  ),
  {
    id: 'SchedulerThrottled',
    section: 'quotas',
    metric: schedulerMetric('InvocationThrottleCount', sessionGroupName),
    threshold: 1,
    periods: 2,
  },
  ...['ReadThrottleEvents', 'WriteThrottleEvents'].map((metricName) => ({
    id: `Table${metricName}`,
    section: 'quotas',
    metric: table.metric(metricName, { statistic: Stats.SUM, period: Duration.minutes(5) }),
    threshold: 1,
    periods: 2,
  })),
  {
    id: 'LambdaQuota',
    section: 'quotas',
    metric: new MathExpression({
      label: 'percent of the concurrent executions of the account',
      expression: '100 * used / SERVICE_QUOTA(used)',
      period: Duration.minutes(5),
      usingMetrics: {
        used: new Metric({
          namespace: 'AWS/Usage',
          metricName: 'ResourceCount',
          dimensionsMap: {
            Service: 'Lambda',
            Resource: 'ConcurrentExecutions',
            Type: 'Resource',
            Class: 'None',
          },
          statistic: Stats.MAXIMUM,
        }),
      },
    }),
    threshold: thresholds.quotaPercent,
  },
];

const schedulerMetric = (metricName: string, ScheduleGroup: string): Metric =>
  new Metric({
    namespace: 'AWS/Scheduler',
    metricName,
    dimensionsMap: { ScheduleGroup },
    statistic: Stats.SUM,
    period: Duration.minutes(5),
  });

/** An expression over metrics that are each summed over the functions that call Klarna. An alarm takes ten metrics at the most. */
function overCallers(
  label: string,
  expressionOf: (sum: (metricName: KlarnaMetric) => string) => string,
): MathExpression {
  const usingMetrics: Record<string, IMetric> = {};
  const sum = (metricName: KlarnaMetric): string => {
    const terms = klarnaCallers.map((service) => {
      const id = `m${Object.keys(usingMetrics).length}`;
      usingMetrics[id] = functionMetric(service, metricName);
      return `FILL(${id}, 0)`;
    });
    return `(${terms.join(' + ')})`;
  };
  const expression = expressionOf(sum);
  return new MathExpression({ label, expression, period: Duration.minutes(5), usingMetrics });
}

export const comparisons = {
  'at-or-above': ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  below: ComparisonOperator.LESS_THAN_THRESHOLD,
} as const;

export const missingData = {
  well: TreatMissingData.NOT_BREACHING,
  ringing: TreatMissingData.BREACHING,
} as const;
