import { readFileSync } from 'node:fs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../functions/contract/function-name.ts';
import { runbook } from '../../lib/lapse-alarm.ts';
import { isBreaching, isRaised, type MetricValue } from './alarm-evaluation.ts';
import { alarmsOf, resourcesOf, type SynthesizedAlarm, templateOf } from './synthesized.ts';

const alarms = alarmsOf();
/** The alarms that `forwardEvents` adds. */
const ofForwarding = alarmsOf({}, (stack) =>
  stack.lapse.forwardEvents({
    url: 'https://shop.example/lapse',
    apiKeySecret: Secret.fromSecretNameV2(stack, 'Key', 'key'),
  }),
).filter(({ name }) => name.startsWith('ForwardedEvents/'));

const alarmNamed = (name: string): SynthesizedAlarm['properties'] => {
  const found = alarms.find((alarm) => alarm.name === name);
  if (!found) throw new Error(`There is no alarm ${name}.`);
  return found.properties;
};

const sections = new Map(
  readFileSync(new URL(`../../${runbook}`, import.meta.url), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);
const sectionOf = ({ properties }: SynthesizedAlarm): string | undefined =>
  String(properties['AlarmDescription']).split(`See ${runbook}#`)[1];

describe('the runbook', () => {
  it('the runbook has a section for every alarm, and no section without an alarm', () => {
    expect([...sections.keys()].toSorted()).toEqual(
      [...new Set([...alarms, ...ofForwarding].map(sectionOf))].toSorted(),
    );
  });

  it.each([...sections])(
    'the section %s says what it means, why, what to do, and how to see that it is over',
    (_, text) => {
      for (const part of ['**Shoppers:**', '**Causes:**', '**Do:**', '**Confirm:**'])
        expect(text).toContain(part);
    },
  );
});

it('every alarm of the template is made with a runbook section', () => {
  const inTemplate = resourcesOf(templateOf()).filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
  expect(inTemplate).toHaveLength(alarms.length);
});

it('every alarm describes in a sentence what has happened', () => {
  for (const { properties } of alarms)
    expect(properties['AlarmDescription']).toMatch(/^[A-Z0-9][^.]{10,}\. (?:[A-Z][^.]+\. )?See /);
});

it('every alarm notifies the topic when it is raised and when it is over', () => {
  for (const { properties } of alarms) {
    expect(properties['AlarmActions']).toHaveLength(1);
    expect(properties['OKActions']).toEqual(properties['AlarmActions']);
  }
});

it('every function has alarms on errors, throttles and duration', () => {
  const watched = new Set(
    alarms.flatMap(({ name, properties }) => {
      const [kind = ''] = name.split('/').slice(-1);
      const description = String(properties['AlarmDescription']);
      return functionNames.filter((each) => description.includes(each)).map((each) => `${kind} ${each}`);
    }),
  );
  expect([...watched].toSorted()).toEqual(
    ['Duration', 'Errors', 'Throttles']
      .flatMap((kind) => functionNames.map((name) => `${kind} ${name}`))
      .toSorted(),
  );
});

it('no alarm takes more than the ten metrics that CloudWatch allows', () => {
  for (const { properties } of alarms) {
    const metrics = (properties['Metrics'] ?? []) as { MetricStat?: unknown }[];
    expect(metrics.filter(({ MetricStat }) => MetricStat !== undefined).length).toBeLessThanOrEqual(10);
  }
});

it.each(['cancel-expired-session', 'reconcile-payment-requests'])(
  'sessions that %s ends late raise the alarm on lateness',
  (service) => {
    const isRaisedAt = (millis: number) =>
      isBreaching(alarmNamed('SessionTimer/TimerLateness'), ({ name, dimensions }) =>
        name === 'TimerLateness' && dimensions['service'] === service ? millis : undefined,
      );
    expect([isRaisedAt(119_999), isRaisedAt(120_000)]).toEqual([false, true]);
  },
);

it.each(['superseding', 'confirming', 'stale', 'duplicate', 'contradicting'])(
  'a webhook that is %s ends the silence of webhooks',
  (verdict) => {
    const isRaised = (webhooks: Readonly<Record<string, number>>) =>
      isBreaching(alarmNamed('Webhook/WebhookSilence'), ({ name }) => ({ Registered: 1, ...webhooks })[name]);
    expect([isRaised({}), isRaised({ [`Webhook:${verdict}`]: 1 })]).toEqual([true, false]);
  },
);

describe('alarms on what the sweep cannot settle', () => {
  /** The minutes of the sweep's attempts, which widen to an hour. */
  const attempts = [0, 1, 6, 21, 81, 141, 201];

  /** The minutes at which the alarm is raised, where each attempt has a value. One evaluation at the end of each period. */
  const raisedAt = (name: string, valueAt: (minute: number) => Readonly<Record<string, number>>) => {
    const alarm = alarmNamed(name);
    const periods: MetricValue[] = [];
    const minutes: number[] = [];
    for (let end = 5; end <= 360; end += 5) {
      const values = attempts.filter((minute) => minute >= end - 5 && minute < end).map(valueAt);
      periods.push((metric) => {
        const seen = values.flatMap((each) => each[metric.name] ?? []);
        if (metric.statistic === 'Sum')
          return seen.length > 0 ? seen.reduce((sum, each) => sum + each) : undefined;
        return Math.max(0, ...seen);
      });
      if (isRaised(alarm, periods)) minutes.push(end);
    }
    return minutes;
  };

  it.each([
    ['Reconciliation/PendingCancels', 'PendingCancelAge'],
    ['Reconciliation/OverdueSessions', 'OverdueSessionAge'],
  ])(
    '%s is raised after a quarter of an hour and for as long as attempts fail, however rare they are',
    (name, metric) => {
      const minutes = raisedAt(name, (minute) => ({ [metric]: minute * 60_000 }));
      expect(minutes[0]).toBe(25);
      // Without a gap, until an hour and one period after the last attempt.
      expect(minutes).toEqual(Array.from(minutes, (_, index) => 25 + index * 5));
      expect(minutes.at(-1)).toBe(265);
    },
  );

  it.each([
    ['Reconciliation/PendingCancels', 'PendingCancelAge'],
    ['Reconciliation/OverdueSessions', 'OverdueSessionAge'],
  ])('%s is not raised by what is settled within a quarter of an hour', (name, metric) => {
    expect(raisedAt(name, (minute) => ({ [metric]: minute <= 6 ? minute * 60_000 : 0 }))).toEqual([]);
  });

  it('SweepFailures is raised by three failures of one record, although they are not in a row', () => {
    expect(raisedAt('Reconciliation/SweepFailures', () => ({ SweepFailures: 1 }))[0]).toBe(25);
    expect(
      raisedAt('Reconciliation/SweepFailures', (minute) => ({ SweepFailures: minute === 6 ? 1 : 0 })),
    ).toEqual([]);
  });
});

it.each(
  alarms
    .filter(({ properties }) => Number(properties['EvaluationPeriods']) > 1 && !properties['Metrics'])
    .map(({ name, properties }) => [name, properties] as const),
)('the alarm %s is raised by as many periods as it asks for, and not by fewer', (_, alarm) => {
  const evaluated = Number(alarm['EvaluationPeriods']);
  const wanted = Number(alarm['DatapointsToAlarm'] ?? evaluated);
  const past: MetricValue = () => Number(alarm['Threshold']);
  const quiet: MetricValue = () => 0;
  const after = (count: number) => [
    ...Array.from({ length: count }, () => past),
    ...Array.from({ length: evaluated - count }, () => quiet),
  ];
  expect([isRaised(alarm, after(wanted)), isRaised(alarm, after(wanted - 1))]).toEqual([true, false]);
});

const awsAlarms = alarms.filter(({ properties }) => String(properties['Namespace']).startsWith('AWS/'));

it.each(awsAlarms.map(({ name, properties }) => [name, properties] as const))(
  'the alarm %s is raised at its threshold and not before',
  (_, alarm) => {
    const threshold = Number(alarm['Threshold']);
    const below = alarm['ComparisonOperator'] === 'LessThanThreshold';
    expect(isBreaching(alarm, () => threshold)).toBe(!below);
    expect(isBreaching(alarm, () => threshold - 0.001)).toBe(below);
    expect(isBreaching(alarm, () => undefined)).toBe(below);
  },
);
