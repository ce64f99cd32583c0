import { readFileSync } from 'node:fs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../functions/contract/function-name.ts';
import { metrics } from '../../functions/contract/metric-names.ts';
import { runbook, runbookUrl } from '../../lib/lapse-alarm.ts';
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

/** The sections of the runbook, by their titles. A title with `#` in front is part of the section before it. */
const sections = new Map(
  readFileSync(new URL(`../../${runbook}`, import.meta.url), 'utf8')
    .split(/^##(?=#? )/m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section]),
);
const sectionOf = ({ properties }: SynthesizedAlarm): string | undefined =>
  String(properties['AlarmDescription']).split(`See ${runbookUrl}#`)[1];

describe('the runbook', () => {
  it('the alarms link to the repository that package.json names', () => {
    const { repository } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      repository: { url: string };
    };
    const address = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
    expect(runbookUrl).toBe(`${address}/blob/main/${runbook}`);
  });

  it('the runbook has a section for every alarm, and no section without an alarm', () => {
    expect([...sections.keys()].filter((title) => !title.startsWith('#')).toSorted()).toEqual(
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

it('every alarm says in two sentences what happens to shoppers and what to do first', () => {
  for (const { properties } of alarms)
    expect(properties['AlarmDescription']).toMatch(
      /^[A-Z]\S* (?:[^.]|\.[a-z])+\. [A-Z]\S+ (?:[^.]|\.[a-z])+\. See https:\S+#[a-z-]+$/,
    );
});

it('every alarm notifies the topic when it is raised and when it is over', () => {
  for (const { properties } of alarms) {
    expect(properties['AlarmActions']).toHaveLength(1);
    expect(properties['OKActions']).toEqual(properties['AlarmActions']);
  }
});

const statsOf = ({ properties }: SynthesizedAlarm): readonly Readonly<Record<string, unknown>>[] =>
  properties['Metrics'] === undefined
    ? [properties]
    : (properties['Metrics'] as { MetricStat?: { Metric: Record<string, unknown> } }[]).flatMap(
        ({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []),
      );

/** The functions whose metric an alarm takes. */
const functionsOf = (name: string) =>
  alarms
    .filter((alarm) => alarm.name === name)
    .flatMap(statsOf)
    .map((stat) => (stat['Dimensions'] as { Name: string; Value: string }[])[0]?.Value);

it('the alarm on errors takes every function, and the one on throttles the one that can have concurrency of its own', () => {
  expect(new Set(functionsOf('Functions/Errors')).size).toBe(functionNames.length);
  expect(functionsOf('Functions/Throttles')).toHaveLength(1);
});

it.each(['Functions/Errors', 'SessionTimer/SchedulerDrops'])(
  'one occurrence of any of its metrics raises %s',
  (name) => {
    const alarm = alarmNamed(name);
    for (let index = 0; index < statsOf({ name, properties: alarm }).length; index += 1) {
      let seen = -1;
      expect(isBreaching(alarm, () => ((seen += 1) === index ? 1 : undefined))).toBe(true);
    }
    expect(isBreaching(alarm, () => undefined)).toBe(false);
  },
);

it.each([
  ['ReadThrottleEvents', 1, true],
  ['WriteThrottleEvents', 1, true],
  ['InvocationThrottleCount', 1, true],
  ['ResourceCount', 799, false],
  ['ResourceCount', 800, true],
])('the alarm on quotas with %s at %i: raised is %s', (metric, value, raised) => {
  const alarm = alarmNamed('Quotas');
  expect(isBreaching(alarm, ({ name }) => (name === metric ? value : undefined))).toBe(raised);
});

it.each([
  ['TimerLateness', 119_999, false],
  ['TimerLateness', 120_000, true],
  ['ApproximateAgeOfOldestMessage', 599, false],
  ['ApproximateAgeOfOldestMessage', 600, true],
])('the alarm on late timers with %s at %i: raised is %s', (metric, value, raised) => {
  const alarm = alarmNamed('SessionTimer/TimerLateness');
  expect(isBreaching(alarm, ({ name }) => (name === metric ? value : undefined))).toBe(raised);
});

describe('what the alarms and metrics of a month cost', () => {
  it('there are at most 32 alarms, so that later ones have room below 35', () => {
    expect(alarms.length).toBeLessThanOrEqual(32);
  });

  it('there are at most 22 metrics of our own', () => {
    expect(Object.keys(metrics).length).toBeLessThanOrEqual(22);
  });

  it('every metric of our own is read by an alarm or the dashboard', () => {
    const body = JSON.stringify(
      resourcesOf(templateOf()).find(({ type }) => type === 'AWS::CloudWatch::Dashboard'),
    );
    const watched = new Set(alarms.flatMap(statsOf).map((stat) => stat['MetricName']));
    const unread = Object.keys(metrics).filter(
      (name) => !watched.has(name) && !body.includes(`\\"${name}\\"`),
    );
    expect(unread).toEqual([]);
  });
});

it('two Lapses of one account share no metric of ours and none of a function, a queue, a table or a schedule', () => {
  const ownOf = (stackName: string) =>
    new Set(
      alarmsOf({}, undefined, stackName)
        .flatMap(statsOf)
        .filter((stat) => stat['Namespace'] !== 'AWS/Usage')
        .map((stat) => JSON.stringify([stat['Namespace'], stat['MetricName'], stat['Dimensions']])),
    );
  const [test, live] = [ownOf('Lapse-test'), ownOf('Lapse-live')];
  expect([...test].filter((metric) => metric.includes('"Lapse"') && live.has(metric))).toEqual([]);
  const ours = [...live].filter((metric) => metric.startsWith('["Lapse"'));
  expect(ours.length).toBeGreaterThan(10);
  for (const metric of ours) expect(metric).toContain('{"Name":"stack","Value":"Lapse-live"}');
});

it('no alarm takes more than the ten metrics that CloudWatch allows', () => {
  for (const { properties } of alarms) {
    const metrics = (properties['Metrics'] ?? []) as { MetricStat?: unknown }[];
    expect(metrics.filter(({ MetricStat }) => MetricStat !== undefined).length).toBeLessThanOrEqual(10);
  }
});

it.each([
  ['no webhook arrives', {}, true],
  ['no webhook has ever arrived, so that its metric does not exist', { WebhookArrival: undefined }, true],
  ['a webhook arrives', { WebhookArrival: 1 }, false],
  ['nothing is registered', { Invocations: undefined }, false],
])('the alarm on the silence of webhooks where %s: raised is %s', (_, values, raised) => {
  const alarm = alarmNamed('Webhook/WebhookSilence');
  const seen: Readonly<Record<string, number | undefined>> = { WebhookArrival: 0, Invocations: 1, ...values };
  expect(isBreaching(alarm, ({ name }) => seen[name])).toBe(raised);
});

describe('alarms on what the sweep cannot settle', () => {
  const atThreshold = 900_000;

  it.each([
    ['Reconciliation/PendingCancels', 'PendingCancelAge'],
    ['Reconciliation/OverdueSessions', 'OverdueSessionAge'],
  ])('%s is raised by the first period in which its gauge is high or missing', (name, metric) => {
    const alarm = alarmNamed(name);
    const at = (value: number | undefined) => isRaised(alarm, [(seen) => (seen.name === metric ? value : 0)]);
    expect([at(0), at(atThreshold - 1), at(atThreshold), at(undefined)]).toEqual([false, false, true, true]);
  });

  it('SweepSilent is raised by the first period in which no sweep has finished', () => {
    const alarm = alarmNamed('Reconciliation/SweepSilent');
    const at = (runs: number | undefined) => isRaised(alarm, [() => runs]);
    expect([at(5), at(1), at(undefined)]).toEqual([false, false, true]);
  });

  it('SweepFailures is raised by a record that fails for 15 minutes, and not by one that is settled before', () => {
    const alarm = alarmNamed('Reconciliation/SweepFailures');
    const after = (...failing: readonly number[]) =>
      isRaised(
        alarm,
        failing.map((value) => () => value),
      );
    expect([after(1, 1, 1), after(1, 1, 0)]).toEqual([true, false]);
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
