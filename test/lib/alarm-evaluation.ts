import { runInNewContext } from 'node:vm';

/** The value of a metric in one period; `undefined` when it has no data. */
export type MetricValue = (metric: {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
}) => number | undefined;

interface Stat {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
  readonly Stat?: string;
  readonly Statistic?: string;
}

const valueOf = (stat: Stat, value: MetricValue): number | undefined =>
  value({
    namespace: stat.Namespace,
    name: stat.MetricName,
    dimensions: Object.fromEntries((stat.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
    statistic: stat.Stat ?? stat.Statistic ?? '',
  });

/** Whether a period with these values is past an alarm's threshold, by CloudWatch's rules as far as the alarms use them. */
export function isBreaching(alarm: Readonly<Record<string, unknown>>, value: MetricValue): boolean {
  const measured =
    alarm['Metrics'] === undefined ? valueOf(alarm as unknown as Stat, value) : expressionOf(alarm, value);
  if (measured === undefined || !Number.isFinite(measured)) return alarm['TreatMissingData'] === 'breaching';
  const threshold = Number(alarm['Threshold']);
  return alarm['ComparisonOperator'] === 'LessThanThreshold' ? measured < threshold : measured >= threshold;
}

/**
 * Whether an alarm is raised after these periods, the newest last: as many of the evaluated ones as it asks for are past its
 * threshold.
 */
export function isRaised(alarm: Readonly<Record<string, unknown>>, periods: readonly MetricValue[]): boolean {
  const evaluated = Number(alarm['EvaluationPeriods']);
  const wanted = Number(alarm['DatapointsToAlarm'] ?? evaluated);
  return periods.slice(-evaluated).filter((value) => isBreaching(alarm, value)).length >= wanted;
}

function expressionOf(alarm: Readonly<Record<string, unknown>>, value: MetricValue): number | undefined {
  const metrics = alarm['Metrics'] as {
    readonly Id: string;
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: Omit<Stat, 'Stat'>; readonly Stat: string };
  }[];
  const values = Object.fromEntries(
    metrics.flatMap(({ Id, MetricStat }) =>
      MetricStat ? [[Id, valueOf({ ...MetricStat.Metric, Stat: MetricStat.Stat }, value)]] : [],
    ),
  );
  const expression = metrics.find((metric) => metric.Expression !== undefined)?.Expression ?? '';
  const result: unknown = runInNewContext(expression, {
    ...values,
    IF: (condition: boolean, then: number, otherwise: number) => (condition ? then : otherwise),
    MAX: (series: readonly number[]) => Math.max(...series),
    // Missing values are left out.
    SUM: (series: readonly number[]) =>
      series.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0),
    FILL: (series: number | undefined, filler: number) => series ?? filler,
    SERVICE_QUOTA: () => 1_000,
  });
  return typeof result === 'number' ? result : undefined;
}
