import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../lib/function-bundle.ts';
import { isRinging } from './alarm-evaluation.ts';
import { resourcesOf, templateOf } from './synthesized.ts';

const alarms = resourcesOf(templateOf()).filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
const runbook = readFileSync(new URL('../../docs/operate/runbook.md', import.meta.url), 'utf8');
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);
const sectionOf = ({ properties }: (typeof alarms)[number]): string =>
  String(properties['AlarmDescription']).replace('docs/operate/runbook.md#', '');

describe('the runbook', () => {
  it('has a section for every alarm, and no section without one', () => {
    expect([...sections.keys()].toSorted()).toEqual([...new Set(alarms.map(sectionOf))].toSorted());
  });

  it.each([...sections])(
    '%s says what it means, why, what to do, and how to see that it is over',
    (_, text) => {
      for (const part of ['**Shoppers:**', '**Causes:**', '**Do:**', '**Confirm:**'])
        expect(text).toContain(part);
    },
  );
});

it('every alarm tells the topic when it rings and when it is over', () => {
  for (const { properties } of alarms) {
    expect(properties['AlarmActions']).toHaveLength(1);
    expect(properties['OKActions']).toEqual(properties['AlarmActions']);
  }
});

it('every function is watched for errors, throttles and its time limit', () => {
  const ids = alarms.map(({ id }) => id).join(' ');
  for (const name of functionNames) {
    const written = name.replaceAll('-', '');
    for (const kind of ['Errors', 'Throttles', 'Duration']) expect(ids).toContain(`Alarms${kind}${written}`);
  }
});

it('no alarm takes more than the ten metrics that CloudWatch allows', () => {
  for (const { properties } of alarms) {
    const metrics = (properties['Metrics'] ?? []) as { MetricStat?: unknown }[];
    expect(metrics.filter(({ MetricStat }) => MetricStat !== undefined).length).toBeLessThanOrEqual(10);
  }
});

it.each(['cancel-expired-session', 'reconcile-payment-requests'])(
  'sessions that %s ends late make the alarm on lateness ring',
  (service) => {
    const [alarm] = alarms.filter(({ id }) => id.startsWith('AlarmsTimerLateness'));
    const ringsAt = (millis: number) =>
      isRinging(alarm?.properties ?? {}, ({ name, dimensions }) =>
        name === 'TimerLateness' && dimensions['service'] === service ? millis : undefined,
      );
    expect([ringsAt(119_999), ringsAt(120_000)]).toEqual([false, true]);
  },
);

it.each(['superseding', 'confirming', 'stale', 'duplicate', 'contradicting'])(
  'a webhook that is %s is no silence',
  (verdict) => {
    const [alarm] = alarms.filter(({ id }) => id.startsWith('AlarmsWebhookSilence'));
    const rings = (webhooks: Readonly<Record<string, number>>) =>
      isRinging(alarm?.properties ?? {}, ({ name }) => ({ Registered: 1, ...webhooks })[name]);
    expect([rings({}), rings({ [`Webhook:${verdict}`]: 1 })]).toEqual([true, false]);
  },
);

const awsAlarms = alarms.filter(({ properties }) => String(properties['Namespace']).startsWith('AWS/'));

it.each(awsAlarms.map((alarm) => [alarm.id, alarm] as const))(
  '%s rings at its threshold and not before',
  (_, alarm) => {
    const threshold = Number(alarm.properties['Threshold']);
    const below = alarm.properties['ComparisonOperator'] === 'LessThanThreshold';
    expect(isRinging(alarm.properties, () => threshold)).toBe(!below);
    expect(isRinging(alarm.properties, () => threshold - 0.001)).toBe(below);
    expect(isRinging(alarm.properties, () => undefined)).toBe(below);
  },
);
