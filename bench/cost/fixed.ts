import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { perMonth } from './prices.ts';

/** One thing that costs money without any session. */
export interface FixedCost {
  readonly what: string;
  readonly count: number;
  /** US dollars a month, for all of them together. */
  readonly dollars: number;
}

const templateSchema = v.object({
  Resources: v.record(
    v.string(),
    v.object({ Type: v.string(), Properties: v.optional(v.record(v.string(), v.unknown()), {}) }),
  ),
});

const metricsSchema = v.object({
  Metrics: v.optional(v.array(v.object({ MetricStat: v.optional(v.unknown()) }))),
});

const loggingSchema = v.object({
  LoggingConfig: v.optional(v.object({ SystemLogLevel: v.optional(v.string()) }), {}),
});

/** What the template of the stack decides about the price. */
export interface TemplateCosts {
  readonly secrets: number;
  readonly alarms: number;
  readonly compositeAlarms: number;
  /** The metrics that the alarms read: an expression reads several. CloudWatch bills an alarm for each. */
  readonly alarmMetrics: number;
  readonly dashboards: number;
  /** Whether Lambda leaves out its own line for each start, end and report of a call. */
  readonly hasQuietPlatform: boolean;
  /** Bytes of the line that API Gateway logs for each call of the API. */
  readonly accessLogBytes: number;
}

const stageSchema = v.object({
  AccessLogSettings: v.optional(v.object({ Format: v.optional(v.string(), '') })),
});

/** What API Gateway puts in place of a variable of the log's format: the path of a request and typical values. */
const valueOfVariable: Readonly<Record<string, string>> = {
  requestId: 'JKJaXmPLvHcESHA=',
  httpMethod: 'DELETE',
  path: '/accounts/demo/payment-requests/krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4',
  status: '200',
  responseLatency: '120',
};

const accessLogBytes = (format: string): number =>
  format === ''
    ? 0
    : format.replaceAll(/\$context\.([\w.]+)/g, (_, name: string) => valueOfVariable[name] ?? '-').length + 1;

/** Counts them in the template of a cloud assembly. */
export async function templateCosts(cdkOut: string): Promise<TemplateCosts> {
  const file = (await readdir(cdkOut)).find((name) => name.endsWith('.template.json'));
  if (file === undefined) throw new Error(`${cdkOut} has no template.`);
  return countCosts(JSON.parse(await readFile(join(cdkOut, file), 'utf8')));
}

/** Counts them in a template. */
export function countCosts(template: unknown): TemplateCosts {
  const { Resources } = v.parse(templateSchema, template);
  const of = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
  const alarms = of('AWS::CloudWatch::Alarm');
  const functions = of('AWS::Lambda::Function');
  const metricsOf = (properties: unknown): number =>
    v.parse(metricsSchema, properties).Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ??
    1;
  return {
    secrets: of('AWS::SecretsManager::Secret').length,
    alarms: alarms.length,
    compositeAlarms: of('AWS::CloudWatch::CompositeAlarm').length,
    alarmMetrics: alarms.reduce((sum, { Properties }) => sum + metricsOf(Properties), 0),
    dashboards: of('AWS::CloudWatch::Dashboard').length,
    hasQuietPlatform: functions.every(
      ({ Properties }) => v.parse(loggingSchema, Properties).LoggingConfig.SystemLogLevel === 'WARN',
    ),
    accessLogBytes: of('AWS::ApiGatewayV2::Stage').reduce(
      (sum, { Properties }) =>
        sum + accessLogBytes(v.parse(stageSchema, Properties).AccessLogSettings?.Format ?? ''),
      0,
    ),
  };
}

/** What a month costs without any session. */
export const fixedCosts = (
  { secrets, alarms, alarmMetrics, compositeAlarms, dashboards }: TemplateCosts,
  customMetrics: number,
  sweep: FixedCost,
): readonly FixedCost[] => [
  { what: 'secrets', count: secrets, dollars: secrets * perMonth.secret },
  {
    what: `alarms, by the ${alarmMetrics} metrics that they read`,
    count: alarms,
    dollars: alarmMetrics * perMonth.alarm,
  },
  {
    what: 'composite alarms',
    count: compositeAlarms,
    dollars: compositeAlarms * perMonth.compositeAlarm,
  },
  { what: 'dashboards', count: dashboards, dollars: dashboards * perMonth.dashboard },
  { what: 'custom metrics', count: customMetrics, dollars: customMetrics * perMonth.customMetric },
  sweep,
];
