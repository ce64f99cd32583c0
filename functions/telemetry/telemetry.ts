import type { MiddlewareObj } from '@middy/core';
import { type MetricName, metricsDimension, metricsNamespace } from '../contract/metric-names.ts';
import type { PaymentRequestId } from '../domain/identifiers.ts';
import { traceIdOf } from '../domain/trace.ts';
import { faultKindOf } from './fault-kind.ts';
import { originalStack } from './source-mapped-stack.ts';

/**
 * Log lines as JSON, with metrics in CloudWatch's embedded format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 * A line costs by its bytes: an invocation that goes well writes one, which carries its metrics too.
 * Logs contain stable message codes, ids, codes and counts. They never contain an event, a header, a body or a
 * secret.
 * ADR 22 (docs/adr/0022) explains why no library does this.
 */

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

const levels = ['INFO', 'WARN', 'ERROR'] as const;
type Level = (typeof levels)[number];

/** Whether lines of a level are written: the stack sets the least level. Metrics are written in any case. */
const isWritten = (level: Level): boolean =>
  levels.indexOf(level) >= levels.findIndex((each) => each === process.env['LOG_LEVEL']);

/**
 * The service name of the log lines, which the stack sets. CloudFormation generates the name of the Lambda, so that
 * is not used.
 */
const service = process.env['SERVICE_NAME'];

/** The invocation that is running in this process. */
let invocation: { readonly function_request_id?: string; readonly cold_start?: true } = {};
let isFirst = true;

/** The last line of ordinary information. It waits for the metrics of the invocation. */
let held: object | undefined;

/** Logs one line of ordinary information. `code` is stable, and runbooks search for it. */
export function note(code: string, fields: Fields = {}): void {
  if (!isWritten('INFO')) return;
  if (held) write(held);
  held = lineOf('INFO', code, { ...fields, ...(isFirst && { cold_start: true }) });
}

/** Logs one line that an operator should see. */
export const warn = (code: string, fields: Fields = {}): void => writeNow('WARN', code, fields);

/**
 * Logs one line about a failure: its kind, the error's name and message, never an input. Counts what another try does not help:
 * `ConfigurationFault` if the operator must correct it, `InternalFault` if it is a bug.
 */
export function fault(code: string, error: unknown, fields: Fields = {}): void {
  const kind = faultKindOf(error);
  if (kind === 'misconfigured') count('ConfigurationFault');
  if (kind === 'internal') count('InternalFault');
  writeNow('ERROR', code, { ...fields, fault: kind, ...describe(error) });
}

/** Writes at once, with what has been counted so far: the invocation may be stopped at its time limit. */
function writeNow(level: Level, code: string, fields: Fields): void {
  if (!isWritten(level)) return;
  if (held) write(held);
  held = undefined;
  write({ ...lineOf(level, code, { service, ...fields, ...invocation }), ...takeMetrics() });
}

/** Lambda filters JSON lines by the names `level` and `timestamp`. */
const lineOf = (level: Level, code: string, fields: Fields): object => ({
  level,
  timestamp: new Date().toISOString(),
  code,
  ...fields,
  ...traceIn(fields),
  caller_trace_id: callerTraceId,
  xray_trace_id: sampledTraceId(),
});

/** The trace id of the Payment Request that a line names. */
const traceIn = ({ payment_request_id: id }: Fields) =>
  typeof id === 'string' && { trace_id: traceIdOf(id as PaymentRequestId) };

/** The trace of the invocation, where X-Ray records it. */
function sampledTraceId(): string | undefined {
  const trace = process.env['_X_AMZN_TRACE_ID'];
  return trace?.includes('Sampled=1') ? /Root=([^;]*)/.exec(trace)?.[1] : undefined;
}

const write = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** The most values of one metric that CloudWatch accepts in one line. It accepts as many metrics, and there are fewer. */
const mostValues = 100;

let metrics = new Map<MetricName, number[]>();

/** Adds to a metric: a number of occurrences, or a value that is measured. */
export function count(name: MetricName, value = 1): void {
  const values = metrics.get(name) ?? [];
  values.push(value);
  metrics.set(name, values);
  if (values.length === mostValues) flush();
}

/** Adds a value that is measured, such as a duration in milliseconds. */
export const measure: (name: MetricName, value: number) => void = count;

/** Writes the line that is held and what has been counted and measured, if anything. */
export function flush(): void {
  if (held || metrics.size > 0) write({ ...held, ...takeMetrics() });
  held = undefined;
}

/** What has been counted and measured since the last time, in the embedded format. */
function takeMetrics(): object | undefined {
  if (metrics.size === 0) return undefined;
  const taken = [...metrics];
  metrics = new Map();
  return {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: metricsNamespace,
          Dimensions: [[metricsDimension]],
          Metrics: taken.map(([Name]) => ({ Name })),
        },
      ],
    },
    [metricsDimension]: process.env['METRICS_STACK'],
    ...Object.fromEntries(taken.map(([name, values]) => [name, values.length === 1 ? values[0] : values])),
  };
}

/** The trace of the caller of this invocation. */
let callerTraceId: string | undefined;

/** The trace that the calls of this invocation continue: the caller's, where it sent one. */
export const currentTraceId = (): string | undefined => callerTraceId;

/** Notes the trace of the caller for the rest of the invocation. A process has one invocation at a time. */
export function continueTrace(traceId: string | undefined): void {
  callerTraceId = traceId;
}

/** Percent of the time limit from which it is worth a metric. */
const worthTelling = 50;

/**
 * Adds the invocation to its log lines and writes its line and metrics at the end, even if it fails. Measures how much of the time
 * limit it took.
 */
export function telemetry(): MiddlewareObj<unknown, unknown> {
  let timeLimit = 0;
  const end: NonNullable<MiddlewareObj<unknown, unknown>['after']> = ({ context }) => {
    const used = 100 * (1 - context.getRemainingTimeInMillis() / timeLimit);
    if (used >= worthTelling) measure('TimeLimitUsed', Math.round(used));
    flush();
    isFirst = false;
  };
  return {
    before: ({ context }) => {
      timeLimit = context.getRemainingTimeInMillis();
      callerTraceId = undefined;
      invocation = {
        function_request_id: context.awsRequestId,
        ...(isFirst && { cold_start: true }),
      };
    },
    after: end,
    onError: end,
  };
}

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
    // Not `stack`, which is the dimension of the metrics.
    error_stack: originalStack(error),
  };
}
