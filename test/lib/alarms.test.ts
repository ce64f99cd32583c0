import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../lib/function-bundle.ts';
import { runbook } from '../../lib/lapse-alarm.ts';
import { isBreaching } from './alarm-evaluation.ts';
import { alarmsOf, resourcesOf, type SynthesizedAlarm, templateOf } from './synthesized.ts';

const alarms = alarmsOf();
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
    expect([...sections.keys()].toSorted()).toEqual([...new Set(alarms.map(sectionOf))].toSorted());
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
