import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FunctionName } from '../functions/contract/environment.ts';
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

/** The functions that call Klarna. */
export const klarnaCallers = [
  'cancel-payment-request',
  'cancel-expired-session',
  'reconcile-payment-requests',
  'get-payment-request',
  'register-payment-request',
] as const satisfies readonly FunctionName[];

/** The functions that end sessions. The sweep ends those whose timer was lost, or all of them where it is the only timer. */
export const sessionEnders = [
  'cancel-expired-session',
  'reconcile-payment-requests',
] as const satisfies readonly FunctionName[];

/** How a webhook compares with the record: every verdict that is counted. */
export const webhookVerdicts = ['superseding', 'confirming', 'stale', 'duplicate', 'contradicting'] as const;
