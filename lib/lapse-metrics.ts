import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import {
  metrics,
  metricsDimension,
  metricsNamespace,
  type MetricName,
} from '../functions/contract/metric-names.ts';

/**
 * A metric that the functions write, over five minutes and with the statistic of {@link metrics}, unless the options say otherwise.
 *
 * @param name the name of this Lapse, the only dimension
 */
export const lapseMetric = (name: string, metricName: MetricName, options: MetricOptions = {}): Metric =>
  new Metric({
    statistic: metrics[metricName],
    period: Duration.minutes(5),
    ...options,
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { [metricsDimension]: name },
  });

/** The sum of metrics, at most ten in an alarm. CloudWatch bills an alarm for each of them. */
export const sumOf = (label: string, usingMetrics: Readonly<Record<string, IMetric>>): MathExpression =>
  new MathExpression({
    label,
    expression: `SUM([${Object.keys(usingMetrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(', ')}])`,
    period: Duration.minutes(5),
    usingMetrics: { ...usingMetrics },
  });
