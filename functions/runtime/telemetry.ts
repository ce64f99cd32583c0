import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import { originalStack } from './original-stack.ts';

/**
 * Log lines as JSON, metrics in CloudWatch's embedded format. What goes in: stable message codes, ids, codes and counts.
 * What never does: an event, a header, a body, a secret.
 */
const logger = new Logger();
const metrics = new Metrics();

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One line of ordinary news. `code` is stable and what a runbook looks for. */
export const note = (code: string, fields: Fields = {}): void => logger.info(code, { code, ...fields });

/** One line that somebody should see. */
export const warn = (code: string, fields: Fields = {}): void => logger.warn(code, { code, ...fields });

/** One line about something that went wrong: the error's name and message, never what it was about. */
export const fault = (code: string, error: unknown, fields: Fields = {}): void =>
  logger.error(code, { code, ...fields, ...describe(error) });

/** Adds to a metric of this name; low-cardinality by construction, since a name is all there is. */
export function count(name: string, value = 1): void {
  metrics.addMetric(name, MetricUnit.Count, value);
}

/** Adds a duration in milliseconds. */
export function measure(name: string, millis: number): void {
  metrics.addMetric(name, MetricUnit.Milliseconds, millis);
}

/** Ties log lines to the invocation, and writes out its metrics at the end, also of one that failed. */
export const telemetry = (): MiddlewareObj<unknown, unknown> => ({
  before: ({ context }) => logger.addContext(context),
  after: publishMetrics,
  onError: publishMetrics,
});

/** Without the question, an invocation that counted nothing would be warned about on a log line of its own. */
function publishMetrics(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}

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
