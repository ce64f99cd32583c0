import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import type { SharedProps } from './shared-props.ts';

/** What has a quota or a ceiling. */
export interface QuotaAlarmProps {
  readonly shared: SharedProps;
  readonly table: ITable;
  /** Scheduler delays timers of the group. */
  readonly timersDelayed: Metric;
}

const period = Duration.minutes(5);

/**
 * The alarm on quotas and ceilings: the account's concurrent Lambda executions, which all its functions share, the table's units, and
 * Scheduler's invocations a second. It stands on the percentage in use, where a refused call counts as a hundred percent.
 */
export const quotaAlarm = (
  scope: Construct,
  id: string,
  { shared: { alarmTopic: topic, settings }, table, timersDelayed }: QuotaAlarmProps,
): LapseAlarm =>
  new LapseAlarm(scope, id, {
    topic,
    shoppers:
      'Sessions may end late, because a quota of AWS or a ceiling of the table is nearly used up or exceeded.',
    first: "See in the alarm's graph which one it is, and raise it.",
    section: 'quotas',
    metric: new MathExpression({
      label: 'The quota or ceiling that is closest to its limit (%)',
      expression:
        'MAX([100 * FILL(used, 0) / SERVICE_QUOTA(used), 100 * (FILL(reads, 0) > 0), 100 * (FILL(writes, 0) > 0), 100 * (FILL(timers, 0) > 0)])',
      period,
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
          period,
        }),
        reads: table.metric('ReadThrottleEvents', { statistic: Stats.SUM, period }),
        writes: table.metric('WriteThrottleEvents', { statistic: Stats.SUM, period }),
        timers: timersDelayed,
      },
    }),
    threshold: settings.thresholds.quotaPercent,
  });
