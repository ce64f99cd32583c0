import { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import { klarnaCallers, overFunctions } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarms on Klarna's responses, over all functions that call Klarna. */
export class KlarnaCallAlarms extends Construct {
  constructor(scope: Construct, id: string, { alarmTopic: topic, settings: { thresholds } }: SharedProps) {
    super(scope, id);
    new LapseAlarm(this, 'KlarnaDenied', {
      topic,
      description: 'Klarna refused the credentials of an account.',
      section: 'klarna-denied',
      metric: overFunctions(klarnaCallers, 'Credentials refused by Klarna', (sum) => sum('Klarna:denied')),
      threshold: 1,
    });
    new LapseAlarm(this, 'KlarnaUnclear', {
      topic,
      description: `${thresholds.klarnaUnclearPercent} percent or more of Klarna's responses leave the result open.`,
      section: 'klarna-unclear',
      metric: overFunctions(
        klarnaCallers,
        "Klarna's responses that leave the result open (%)",
        (sum) => `100 * ${sum('KlarnaUnclear')} / ${sum('KlarnaResponses')}`,
      ),
      threshold: thresholds.klarnaUnclearPercent,
      periods: 2,
    });
  }
}
