import { Duration } from 'aws-cdk-lib';
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/function-name.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric, sumOf } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

type Functions = Readonly<Record<FunctionName, LapseFunction>>;

/** The functions that a caller waits for. Throttles of the others show as late timers, late events or a silent sweep. */
const synchronous = [
  'register-payment-request',
  'get-payment-request',
  'cancel-payment-request',
  'receive-klarna-webhook',
] as const satisfies readonly FunctionName[];

/**
 * The alarms on errors, throttles and duration, each over several functions. A canary deployment is rolled back by any function's
 * errors: a record that one function wrote may fail in another one.
 */
export class FunctionAlarms extends Construct {
  /** The alarms that roll a new version back. */
  readonly rollback: readonly LapseAlarm[];

  constructor(
    scope: Construct,
    id: string,
    { shared, functions }: { shared: SharedProps; functions: Functions },
  ) {
    super(scope, id);
    const { alarmTopic: topic, name, settings } = shared;
    const period = Duration.minutes(5);
    const errors = new LapseAlarm(this, 'Errors', {
      topic,
      shoppers:
        'An invocation failed: a call, a webhook, a timer or an event is late, or has to be repeated.',
      first: "See in the alarm's graph which function fails, and read the errors in its log.",
      section: 'function-errors',
      metric: sumOf(
        'Invocations that failed',
        metricsOf(Object.values(functions), ({ live }) => live.metricErrors({ period })),
      ),
      threshold: 1,
    });
    const throttles = new LapseAlarm(this, 'Throttles', {
      topic,
      shoppers: 'Calls of the shop or webhooks are refused for lack of concurrency, so sessions end late.',
      first: "See in the alarm's graph which function is throttled, and look for a flood.",
      section: 'function-throttles',
      metric: sumOf(
        'Throttled invocations',
        metricsOf(
          synchronous.map((each) => functions[each]),
          ({ live }) => live.metricThrottles({ period }),
        ),
      ),
      threshold: 1,
      periods: 2,
    });
    new LapseAlarm(this, 'TimeLimit', {
      topic,
      shoppers: 'Shoppers wait: invocations are close to their time limit, where they would fail.',
      first: 'Look at the response time of Klarna and of the table on the dashboard.',
      section: 'function-duration',
      metric: lapseMetric(name, 'TimeLimitUsed', { statistic: Stats.MAXIMUM }),
      threshold: settings.thresholds.durationPercent,
      periods: 2,
    });
    this.rollback = [errors, throttles];
  }
}

const metricsOf = (
  functions: readonly LapseFunction[],
  of: (each: LapseFunction) => IMetric,
): Readonly<Record<string, IMetric>> =>
  Object.fromEntries(functions.map((each) => [each.functionName.replaceAll('-', '_'), of(each)]));
