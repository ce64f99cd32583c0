import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarm on the account's quota of concurrent Lambda executions, which all functions of the account share. */
export const lambdaQuotaAlarm = (
  scope: Construct,
  id: string,
  { alarmTopic, settings: { thresholds } }: SharedProps,
): LapseAlarm =>
  new LapseAlarm(scope, id, {
    topic: alarmTopic,
    description: `${thresholds.quotaPercent} percent or more of the account's concurrent Lambda executions are in use.`,
    section: 'quotas',
    metric: new MathExpression({
      label: "The account's concurrent executions in use (%)",
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
  });
