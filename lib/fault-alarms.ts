import { Construct } from 'constructs';
import { LapseAlarm } from './lapse-alarm.ts';
import { everyFunction, overFunctions } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/** The alarms on faults that another try does not help, over all functions. */
export class FaultAlarms extends Construct {
  constructor(scope: Construct, id: string, { alarmTopic: topic }: SharedProps) {
    super(scope, id);
    new LapseAlarm(this, 'Misconfigured', {
      topic,
      description: 'A secret, a permission, a key or a quota is wrong, and calls fail until you correct it.',
      section: 'misconfigured',
      metric: overFunctions(everyFunction, 'Faults of the configuration', (sum) => sum('ConfigurationFault')),
      threshold: 1,
    });
    new LapseAlarm(this, 'InternalFaults', {
      topic,
      description: 'Lapse met a bug, such as a request that AWS finds invalid.',
      section: 'internal-faults',
      metric: overFunctions(everyFunction, 'Faults of Lapse itself', (sum) => sum('InternalFault')),
      threshold: 1,
    });
  }
}
