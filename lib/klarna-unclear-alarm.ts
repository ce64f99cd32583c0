import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarm on Klarna's responses that leave the result open, over all functions. */
export const klarnaUnclearAlarm = (
  scope: Construct,
  id: string,
  { alarmTopic: topic, name, settings: { thresholds } }: SharedProps,
): LapseAlarm =>
  new LapseAlarm(scope, id, {
    topic,
    shoppers: 'Cancels take long and sessions end late, because Klarna responds late or not at all.',
    first: "Look at Klarna's status page, and at the responses on the dashboard.",
    section: 'klarna-unclear',
    metric: new MathExpression({
      label: "Klarna's responses that leave the result open (%)",
      expression: '100 * FILL(open, 0) / responses',
      period: Duration.minutes(5),
      usingMetrics: {
        open: lapseMetric(name, 'KlarnaUnclear'),
        responses: lapseMetric(name, 'KlarnaMillis', { statistic: Stats.SAMPLE_COUNT }),
      },
    }),
    threshold: thresholds.klarnaUnclearPercent,
    periods: 2,
  });
