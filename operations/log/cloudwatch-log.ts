import { type CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { pause } from '../pause.ts';
import { type LogFilter, type LogLine, readLogLine } from './log-line.ts';

/** What following the logs of a deployed stack needs. */
export interface CloudWatchLogOptions {
  readonly logs: Pick<CloudWatchLogsClient, 'send'>;
  readonly lambda: Pick<LambdaClient, 'send'>;
  /** The functions by their names in Lapse. */
  readonly functions: ReadonlyMap<string, string>;
  readonly filter: LogFilter;
  /** Lines from this time on; milliseconds since 1970. */
  readonly since: number;
  /** Whether later lines are followed. */
  readonly isFollowed: boolean;
  readonly signal: AbortSignal;
  readonly now?: () => number;
  readonly wait?: (millis: number, signal: AbortSignal) => Promise<void>;
}

/** Pause between two readings. Seven functions make 3.5 calls a second, and the quota is 5 or more, by Region. */
const pauseMillis = 2_000;

/** CloudWatch may show a line this long after its time. So each reading goes back by as much. */
const lateMillis = 30_000;

/**
 * The lines of all functions in the order of their times, as far as a reading knows them. A line that CloudWatch shows late comes
 * late. Each line comes once.
 */
export async function* followCloudWatch(options: CloudWatchLogOptions): AsyncGenerator<LogLine, void> {
  const { functions, filter, isFollowed, signal, now = Date.now, wait = pause } = options;
  const groups = await Promise.all([...functions].map((each) => logGroupOf(options, each)));
  const seen = new Map<string, number>();
  let from = options.since;
  while (!signal.aborted) {
    const begin = now();
    const found = await Promise.all(
      groups.map((group) => allOf(linesIn(options, group, { from, pattern: patternOf(filter) }))),
    );
    for (const { id, line, at } of found.flat().toSorted((one, other) => one.at - other.at)) {
      if (!seen.has(id) && line) yield line;
      seen.set(id, at);
    }
    if (!isFollowed) return;
    from = Math.max(options.since, begin - lateMillis);
    for (const [id, at] of seen) if (at < from) seen.delete(id);
    await wait(pauseMillis, signal);
  }
}

/** Every value, in order. */
async function allOf<Value>(values: AsyncIterable<Value>): Promise<readonly Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

interface Group {
  readonly name: string;
  readonly logGroup: string;
}

async function logGroupOf(
  { lambda, signal }: CloudWatchLogOptions,
  [name, deployed]: readonly [string, string],
): Promise<Group> {
  const { LoggingConfig: logging } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: deployed }),
    { abortSignal: signal },
  );
  return { name, logGroup: logging?.LogGroup ?? `/aws/lambda/${deployed}` };
}

/** What CloudWatch can filter by itself. The rest is filtered here, because Lambda's own lines have other fields. */
function patternOf({ account, id }: LogFilter): string | undefined {
  const terms = Object.entries({ account, payment_request_id: id }).flatMap(([field, value]) =>
    value === undefined ? [] : [`$.${field} = ${JSON.stringify(value)}`],
  );
  return terms.length === 0 ? undefined : `{ ${terms.join(' && ')} }`;
}

async function* linesIn(
  { logs, signal }: CloudWatchLogOptions,
  { name, logGroup }: Group,
  { from, pattern }: { readonly from: number; readonly pattern: string | undefined },
) {
  let next: string | undefined;
  do {
    const { events = [], nextToken } = await logs.send(
      new FilterLogEventsCommand({
        logGroupName: logGroup,
        startTime: from,
        filterPattern: pattern,
        nextToken: next,
      }),
      { abortSignal: signal },
    );
    for (const { eventId, message = '', timestamp: at = from } of events)
      yield { id: eventId ?? `${at} ${message}`, at, line: readLogLine(message, name, at) };
    next = nextToken;
  } while (next !== undefined && !signal.aborted);
}
