import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { MetricNames } from '../functions/contract/metric-names.ts';

/** The namespace of the metrics that the functions write in CloudWatch's embedded metric format. */
export const metricsNamespace = 'Lapse';

/** A metric that a function writes, with the function as its only dimension. By default the sum over five minutes. */
export const functionMetric = <Service extends FunctionName>(
  service: Service,
  metricName: MetricNames[Service],
  options: MetricOptions = {},
): Metric =>
  new Metric({
    statistic: Stats.SUM,
    period: Duration.minutes(5),
    ...options,
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { service },
  });

/** An expression over metrics, each summed over functions. An alarm takes ten metrics at most. */
export function overFunctions<Service extends FunctionName>(
  services: readonly Service[],
  label: string,
  expressionOf: (sum: (metricName: MetricNames[Service]) => string) => string,
): MathExpression {
  const usingMetrics: Record<string, IMetric> = {};
  const sum = (metricName: MetricNames[Service]): string => {
    const terms = services.map((service) => {
      const id = `m${Object.keys(usingMetrics).length}`;
      usingMetrics[id] = functionMetric(service, metricName);
      return `FILL(${id}, 0)`;
    });
    return `(${terms.join(' + ')})`;
  };
  const expression = expressionOf(sum);
  return new MathExpression({ label, expression, period: Duration.minutes(5), usingMetrics });
}

/** The functions that call Klarna. */
export const klarnaCallers = [
  'cancel-payment-request',
  'cancel-expired-session',
  'reconcile-payment-requests',
  'get-payment-request',
  'register-payment-request',
] as const satisfies readonly FunctionName[];

/** The functions that read the secrets. */
export const secretReaders = [...klarnaCallers, 'receive-klarna-webhook'] as const;

/** All functions. */
export const everyFunction = [...secretReaders, 'publish-state-changes'] as const;

/** The functions that end sessions. The sweep ends those whose timer was lost, or all of them where it is the only timer. */
export const sessionEnders = [
  'cancel-expired-session',
  'reconcile-payment-requests',
] as const satisfies readonly FunctionName[];

/** How a webhook compares with the record: every verdict that is counted. */
export const webhookVerdicts = ['superseding', 'confirming', 'stale', 'duplicate', 'contradicting'] as const;
