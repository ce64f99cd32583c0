import { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import { lapseMetric } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarms on faults that another try does not help, over all functions. */
export class FaultAlarms extends Construct {
  constructor(scope: Construct, id: string, { alarmTopic: topic, name }: SharedProps) {
    super(scope, id);
    new LapseAlarm(this, 'Misconfigured', {
      topic,
      shoppers:
        'Cancels and timeouts fail, or soon will, until you correct a secret, an API key, a certificate, a permission or a quota.',
      first: 'Run lapse doctor, or search the log for the fault misconfigured: both name what is wrong.',
      section: 'misconfigured',
      metric: lapseMetric(name, 'ConfigurationFault'),
      threshold: 1,
    });
    new LapseAlarm(this, 'InternalFaults', {
      topic,
      shoppers: 'A bug makes one call, webhook or timer fail each time it is tried.',
      first: 'Search the log for the fault internal, and report the bug with the stack of the line.',
      section: 'internal-faults',
      metric: lapseMetric(name, 'InternalFault'),
      threshold: 1,
    });
  }
}
