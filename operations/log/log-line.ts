import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';
import type { Printer } from '../printer.ts';

/** A line that a function has logged. */
export interface LogLine {
  /** The function, by its name in Lapse. */
  readonly function: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: 'INFO' | 'WARN' | 'ERROR';
  /** The stable code of the line, or the type of a line of Lambda itself. */
  readonly code: string;
  /** Ids, codes and counts. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Which lines to show. Each filter narrows it. */
export interface LogFilter {
  readonly account?: string | undefined;
  /** A Payment Request. */
  readonly id?: string | undefined;
  /** Only warnings and errors. */
  readonly onlyErrors?: boolean | undefined;
}

/** What a line has besides its fields, or what only metrics need. */
const hidden: ReadonlySet<string> = new Set(['_aws', 'level', 'timestamp', 'code', 'service']);

/**
 * Reads a line as a function or Lambda wrote it.
 *
 * @param at when it was logged, where the line does not say; milliseconds since 1970
 * @returns `undefined` for a line that has metrics only
 */
export function readLogLine(text: string, name: string, at: number): LogLine | undefined {
  const parsed = readJson(text);
  if (!isObject(parsed)) {
    const said = text.trim();
    return said === ''
      ? undefined
      : { function: name, at, level: levelOfText(said), code: 'text', fields: { text: said } };
  }
  const written = parsed['timestamp'] ?? parsed['time'];
  const time = typeof written === 'string' ? Date.parse(written) : Number.NaN;
  const line = { function: name, at: Number.isNaN(time) ? at : time };
  if (typeof parsed['type'] === 'string' && isObject(parsed['record']))
    return { ...line, ...platformLine(parsed['type'], parsed['record']) };
  const code = parsed['code'];
  // Lambda writes its own lines about errors without a code.
  const own = typeof code === 'string' ? code : parsed['errorType'];
  if (typeof own !== 'string') return undefined;
  const metrics = metricsIn(parsed['_aws']);
  const fields = Object.entries(parsed).filter(([key]) => !hidden.has(key) && !metrics.has(key));
  return { ...line, level: levelIn(parsed['level']), code: own, fields: Object.fromEntries(fields) };
}

/** A line of Lambda about an invocation. Its facts are few; a request id finds it again. */
function platformLine(type: string, record: Readonly<Record<string, unknown>>) {
  const { status, requestId, errorType } = record;
  const isFailed = typeof status === 'string' && status !== 'success';
  const facts = Object.entries({ status, requestId, errorType }).filter(([, value]) => value !== undefined);
  return { level: isFailed ? 'ERROR' : 'INFO', code: type, fields: Object.fromEntries(facts) } as const;
}

const levelOfText = (text: string): LogLine['level'] =>
  /\b(?:error|failed|timed out)\b/i.test(text) ? 'ERROR' : 'INFO';

const levelIn = (given: unknown): LogLine['level'] =>
  given === 'ERROR' || given === 'WARN' ? given : 'INFO';

const embeddedSchema = v.object({
  CloudWatchMetrics: v.array(
    v.object({
      Metrics: v.array(v.object({ Name: v.string() })),
      Dimensions: v.array(v.array(v.string())),
    }),
  ),
});

/** The names of the metrics in a line, and of their dimensions. */
function metricsIn(aws: unknown): ReadonlySet<string> {
  const parsed = v.safeParse(embeddedSchema, aws);
  if (!parsed.success) return new Set();
  const groups = parsed.output.CloudWatchMetrics;
  return new Set([
    ...groups.flatMap(({ Metrics: metrics }) => metrics.map(({ Name: name }) => name)),
    ...groups.flatMap(({ Dimensions: dimensions }) => dimensions.flat()),
  ]);
}

/** Whether the filter lets a line through. */
export const isShown = (
  { level, fields }: LogLine,
  { account, id, onlyErrors = false }: LogFilter,
): boolean =>
  (!onlyErrors || level !== 'INFO') &&
  (account === undefined || isDeepStrictEqual(fields['account'], account)) &&
  (id === undefined || isDeepStrictEqual(fields['payment_request_id'], id));

/** Shows a line: its time, function, level and code, then the fields. */
export function showLine(
  { print, width }: { readonly print: Printer; readonly width: number },
  line: LogLine,
): void {
  const { at, level, code, fields, function: name } = line;
  const time = new Date(at).toISOString();
  const { dim, red, yellow } = print.colours;
  const paint = level === 'ERROR' ? red : level === 'WARN' ? yellow : (text: string) => text;
  // A stack has many lines. JSON output has it.
  const shown = Object.entries(fields).filter(([key]) => key !== 'stack');
  const words = shown.map(([key, value]) => `${key}=${printable(value)}`);
  print.result(
    { time, function: name, level, code, ...fields },
    [dim(time), name.padEnd(width), paint(level.padEnd(5)), paint(printable(code)), ...words].join('  '),
  );
}

/** A value without characters that a terminal would act on. */
function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (each) =>
    each === '\n' ? '\\n' : `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
