import type { Target } from '../target.ts';
import type { LogFilter, LogLine } from './log-line.ts';

/** Which part of the log to follow. */
export interface LogChoice {
  /** One function by its name in Lapse; default: all. */
  readonly only?: string;
  readonly filter: LogFilter;
  /** Lines from this time on; milliseconds since 1970. */
  readonly since: number;
  readonly isFollowed: boolean;
  readonly signal: AbortSignal;
}

/** The log lines of the functions: from CloudWatch Logs, or from the log of a local system. Lines may come that the filter leaves out. */
export async function followLog(
  { control, outputs, aws }: Target,
  { only, ...choice }: LogChoice,
): Promise<AsyncIterable<LogLine>> {
  const functions = new Map(
    [...outputs.FunctionNames].filter(([name]) => only === undefined || name === only),
  );
  if (control !== undefined) {
    const { followLocal } = await import('./local-log.ts');
    return followLocal(control, { ...choice, functions });
  }
  const [{ CloudWatchLogsClient }, { LambdaClient }, { followCloudWatch }] = await Promise.all([
    import('@aws-sdk/client-cloudwatch-logs'),
    import('@aws-sdk/client-lambda'),
    import('./cloudwatch-log.ts'),
  ]);
  // Each reading is a burst of calls, of which the quota may refuse some.
  const settings = { ...aws, maxAttempts: 6 };
  return followCloudWatch({
    logs: new CloudWatchLogsClient(settings),
    lambda: new LambdaClient(settings),
    functions,
    ...choice,
  });
}
