import { Alarm, type IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type AlarmDefinition, comparisons, missingData } from './alarm-definitions.ts';

/** Where the sections are that alarms name. */
export const runbook = 'docs/operate/runbook.md';

/** Every alarm of Lapse. Each names its section of the runbook; all of them tell the topic, both ways. */
export class Alarms extends Construct {
  readonly byId: Readonly<Record<string, Alarm>>;

  constructor(
    scope: Construct,
    id: string,
    { definitions, topic }: { readonly definitions: readonly AlarmDefinition[]; readonly topic: ITopic },
  ) {
    super(scope, id);
    const action: IAlarmAction = new SnsAction(topic);
    this.byId = Object.fromEntries(
      definitions.map(({ id: name, section, metric, threshold, rings, periods, silence }) => {
        const alarm = new Alarm(this, name, {
          alarmDescription: `${runbook}#${section}`,
          metric,
          threshold,
          comparisonOperator: comparisons[rings ?? 'at-or-above'],
          evaluationPeriods: periods ?? 1,
          treatMissingData: missingData[silence ?? 'well'],
        });
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
        return [name, alarm];
      }),
    );
  }
}
