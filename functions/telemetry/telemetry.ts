import type { MiddlewareObj } from '@middy/core';
import type { MetricName } from '../contract/metric-names.ts';
import { faultKindOf } from './fault-kind.ts';
import { originalStack } from './source-mapped-stack.ts';

/**
 * Log lines as JSON, metrics in CloudWatch's embedded format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 * Logs contain stable message codes, ids, codes and counts. They never contain an event, a header, a body or a
 * secret.
 * ADR 22 (docs/adr/0022) explains why no library does this.
 */

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The service name of the log lines, which the stack sets. CloudFormation generates the name of the Lambda, so that
 * is not used.
 */
const service = process.env['SERVICE_NAME'];

/** The invocation that is running in this process. */
let invocation: { readonly function_request_id?: string; readonly cold_start: boolean } = {
  cold_start: true,
};
let isFirst = true;

/** Logs one line of ordinary information. `code` is stable, and runbooks search for it. */
export const note = (code: string, fields: Fields = {}): void => log('INFO', code, fields);

/** Logs one line that an operator should see. */
export const warn = (code: string, fields: Fields = {}): void => log('WARN', code, fields);

/**
 * Logs one line about a failure: its kind, the error's name and message, never an input. Counts what another try does not help:
 * `ConfigurationFault` if the operator must correct it, `InternalFault` if it is a bug.
 */
export function fault(code: string, error: unknown, fields: Fields = {}): void {
  const kind = faultKindOf(error);
  if (kind === 'misconfigured') count('ConfigurationFault');
  if (kind === 'internal') count('InternalFault');
  log('ERROR', code, { ...fields, fault: kind, ...describe(error) });
}

const levels = ['INFO', 'WARN', 'ERROR'] as const;

/** Writes a line whose level is at least the one that the stack sets. Lambda filters JSON lines by `level` and `timestamp`. */
function log(level: (typeof levels)[number], code: string, fields: Fields): void {
  if (levels.indexOf(level) < levels.findIndex((each) => each === process.env['LOG_LEVEL'])) return;
  const timestamp = new Date().toISOString();
  const trace = process.env['_X_AMZN_TRACE_ID']?.split(';', 1)[0]?.replace('Root=', '');
  write({ level, timestamp, service, code, ...fields, ...invocation, xray_trace_id: trace });
}

const write = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** The most values of one metric, and the most metrics, that CloudWatch accepts in one line. */
const mostOfOneLine = 100;

let metrics = new Map<MetricName, { readonly unit: 'Count' | 'Milliseconds'; readonly values: number[] }>();

/** Adds to a metric. Metrics have a name and no dimensions, which keeps their cardinality low. */
export const count = (name: MetricName, value = 1): void => add(name, 'Count', value);

/** Adds a duration in milliseconds. */
export const measure = (name: MetricName, millis: number): void => add(name, 'Milliseconds', millis);

function add(name: MetricName, unit: 'Count' | 'Milliseconds', value: number): void {
  const metric = metrics.get(name);
  if (metric) metric.values.push(value);
  else metrics.set(name, { unit, values: [value] });
  if (metrics.size === mostOfOneLine || metric?.values.length === mostOfOneLine) publishMetrics();
}

/** Writes what has been counted and measured, if anything. */
export function publishMetrics(): void {
  if (metrics.size === 0) return;
  const published = [...metrics];
  metrics = new Map();
  write({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: process.env['METRICS_NAMESPACE'],
          Dimensions: [['service']],
          Metrics: published.map(([Name, { unit: Unit }]) => ({ Name, Unit })),
        },
      ],
    },
    service,
    ...Object.fromEntries(
      published.map(([name, { values }]) => [name, values.length === 1 ? values[0] : values]),
    ),
  });
}

/** Adds the invocation to its log lines and writes its metrics at the end, even if it fails. */
export const telemetry = (): MiddlewareObj<unknown, unknown> => ({
  before: ({ context }) => {
    invocation = { function_request_id: context.awsRequestId, cold_start: isFirst };
    isFirst = false;
  },
  after: publishMetrics,
  onError: publishMetrics,
});

/** Logs and counts the fault that an invocation fails with. Lambda then repeats it, or counts it as an error. */
export const failures = (code: string): MiddlewareObj<unknown, unknown> => ({
  onError: ({ error }) => fault(code, error),
});

function describe(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: 'not an Error' };
  const cause = error.cause instanceof Error ? error.cause.name : undefined;
  return {
    error: error.name,
    error_message: error.message.slice(0, 500),
    error_cause: cause,
    stack: originalStack(error),
  };
}
