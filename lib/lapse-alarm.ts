import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** The page whose sections say what each alarm means and what to do. */
export const runbook = 'docs/operate/runbook.md';

/** Its address, in the repository that package.json names. */
export const runbookUrl = `https://github.com/OWNER/lapse/blob/main/${runbook}`;

/** When one alarm is raised, and what it tells the operator. */
export interface LapseAlarmProps {
  /** Notified when the alarm is raised and when it is over. */
  readonly topic: ITopic;
  /** One sentence: what is happening to shoppers. */
  readonly shoppers: string;
  /** One sentence: what the operator does first. */
  readonly first: string;
  /** The section of the runbook. Several alarms may share one. */
  readonly section: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /**
   * On which side of the threshold the alarm is raised.
   * @default 'at-or-above'
   */
  readonly raised?: keyof typeof comparisons;
  /**
   * Periods in a row that must be past the threshold.
   * @default 1
   */
  readonly periods?: number;
  /**
   * How a period without data counts.
   * @default 'ok'
   */
  readonly missingData?: keyof typeof missingData;
}

/**
 * An alarm whose description says what happens to shoppers, what to do first, and where the runbook says the rest. It notifies the
 * topic when it is raised and when it is over.
 */
export class LapseAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: LapseAlarmProps) {
    super(scope, id, {
      alarmDescription: `${props.shoppers} ${props.first} See ${runbookUrl}#${props.section}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: comparisons[props.raised ?? 'at-or-above'],
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: missingData[props.missingData ?? 'ok'],
    });
    const notify = new SnsAction(props.topic);
    this.addAlarmAction(notify);
    this.addOkAction(notify);
  }
}

const comparisons = {
  'at-or-above': ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  below: ComparisonOperator.LESS_THAN_THRESHOLD,
} as const;

const missingData = {
  ok: TreatMissingData.NOT_BREACHING,
  breaching: TreatMissingData.BREACHING,
} as const;
