import type { AwsSettings } from '../target.ts';

/** A metric of CloudWatch. */
export interface MetricQuery {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
}

/** The time of which the values are wanted, in milliseconds since 1970, and the seconds of one value. */
export interface MetricWindow {
  readonly from: number;
  readonly to: number;
  readonly period: number;
}

/** One value of a metric. `at` is in milliseconds since 1970. */
export interface MetricValue {
  readonly at: number;
  readonly value: number;
}

/** Reads metrics: for each query its values, oldest first. */
export type ReadMetrics = (
  queries: readonly MetricQuery[],
  window: MetricWindow,
) => Promise<readonly (readonly MetricValue[])[]>;

/** Reads metrics of CloudWatch. */
export async function metricReader(aws: AwsSettings): Promise<ReadMetrics> {
  const { CloudWatchClient, paginateGetMetricData } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient(aws);
  return async (queries, { from, to, period }) => {
    const values = queries.map((): MetricValue[] => []);
    const pages = paginateGetMetricData(
      { client },
      {
        StartTime: new Date(from),
        EndTime: new Date(to),
        ScanBy: 'TimestampAscending',
        MetricDataQueries: queries.map(({ namespace, metric, dimensions, statistic }, index) => ({
          Id: `m${index}`,
          MetricStat: {
            Metric: {
              Namespace: namespace,
              MetricName: metric,
              Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
            },
            Period: period,
            Stat: statistic,
          },
        })),
      },
    );
    for await (const { MetricDataResults: results = [] } of pages) {
      for (const { Id: id = '', Timestamps: times = [], Values: found = [] } of results) {
        times.forEach((time, index) =>
          values[Number(id.slice(1))]?.push({ at: time.getTime(), value: found[index] ?? 0 }),
        );
      }
    }
    return values;
  };
}
