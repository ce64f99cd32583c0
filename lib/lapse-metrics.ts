import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { MetricNames } from '../functions/contract/metric-names.ts';

/** The namespace of the metrics that the functions write in CloudWatch's embedded format. */
export const metricsNamespace = 'Lapse';

/** A metric that a function writes: its name, with the function as the only dimension. */
export const functionMetric = <Service extends FunctionName>(
  service: Service,
  metricName: MetricNames[Service],
  { statistic = Stats.SUM, minutes = 5 }: { readonly statistic?: string; readonly minutes?: number } = {},
): Metric =>
  new Metric({
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { service },
    statistic,
    period: Duration.minutes(minutes),
  });

/** The functions that call Klarna. */
export const klarnaCallers = [
  'cancel-payment-request',
  'cancel-expired-session',
  'reconcile-payment-requests',
  'get-payment-request',
  'register-payment-request',
] as const satisfies readonly FunctionName[];

/** The functions that end sessions: where the sweep is the only timer it ends all of them, else those whose timer was lost. */
export const sessionEnders = [
  'cancel-expired-session',
  'reconcile-payment-requests',
] as const satisfies readonly FunctionName[];

/** What the record made of a webhook. */
export const webhookVerdicts = ['superseding', 'confirming', 'stale', 'duplicate', 'contradicting'] as const;
