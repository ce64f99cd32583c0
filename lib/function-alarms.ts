import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/function-name.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric, sumOf } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

type Functions = Readonly<Record<FunctionName, LapseFunction>>;

/** The alarms on errors, throttles and duration of the functions. */
export class FunctionAlarms extends Construct {
  /**
   * The alarm that rolls a new version back, over all functions: a record that one function wrote may fail in another one. Throttles do
   * not, because a flood of forged webhooks causes them too.
   */
  readonly errors: LapseAlarm;

  constructor(
    scope: Construct,
    id: string,
    { shared, functions }: { shared: SharedProps; functions: Functions },
  ) {
    super(scope, id);
    const { alarmTopic: topic, name, settings } = shared;
    const period = Duration.minutes(5);
    this.errors = new LapseAlarm(this, 'Errors', {
      topic,
      shoppers:
        'An invocation failed: a call, a webhook, a timer or an event is late, or has to be repeated.',
      first: "See in the alarm's graph which function fails, and read the errors in its log.",
      section: 'function-errors',
      metric: sumOf(
        'Invocations that failed',
        Object.fromEntries(
          Object.values(functions).map(({ functionName, live }) => [
            functionName.replaceAll('-', '_'),
            live.metricErrors({ period }),
          ]),
        ),
      ),
      threshold: 1,
    });
    // Only this function can have concurrency of its own. For the others the alarm on quotas comes first.
    new LapseAlarm(this, 'Throttles', {
      topic,
      shoppers:
        'States of payments arrive late: webhooks are refused for lack of concurrency, and Klarna repeats them.',
      first: 'Look whether the alarm BadSignatures shows a flood of forged webhooks.',
      section: 'function-throttles',
      metric: functions['receive-klarna-webhook'].live.metricThrottles({ period }),
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
  }
}
