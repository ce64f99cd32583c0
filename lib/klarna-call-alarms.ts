import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { KlarnaMetric } from '../functions/contract/metric-names.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { functionMetric, klarnaCallers } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarms on Klarna's responses, over all functions that call Klarna. */
export class KlarnaCallAlarms extends Construct {
  constructor(scope: Construct, id: string, { alarmTopic: topic, settings: { thresholds } }: SharedProps) {
    super(scope, id);
    new LapseAlarm(this, 'KlarnaDenied', {
      topic,
      description: 'Klarna refused the credentials of an account.',
      section: 'klarna-denied',
      metric: overCallers('Credentials refused by Klarna', (sum) => sum('Klarna:denied')),
      threshold: 1,
    });
    new LapseAlarm(this, 'KlarnaUnclear', {
      topic,
      description: `${thresholds.klarnaUnclearPercent} percent or more of Klarna's responses leave the result open.`,
      section: 'klarna-unclear',
      metric: overCallers(
        "Klarna's responses that leave the result open (%)",
        (sum) => `100 * ${sum('KlarnaUnclear')} / ${sum('KlarnaResponses')}`,
      ),
      threshold: thresholds.klarnaUnclearPercent,
      periods: 2,
    });
  }
}

/** An expression over metrics, each summed over the functions that call Klarna. An alarm takes ten metrics at most. */
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
