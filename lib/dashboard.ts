import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { LapseFunction } from './lapse-function.ts';
import { lapseMetric } from './lapse-metrics.ts';

/** What the dashboard shows. */
export interface DashboardProps {
  /** The name of this Lapse. */
  readonly name: string;
  readonly functions: Readonly<Record<FunctionName, LapseFunction>>;
  readonly api: HttpApi;
  readonly table: ITable;
  readonly timerQueue: IQueue;
  readonly deadLetterQueues: readonly IQueue[];
}

/** One page with the questions of an operator on call, in the order in which they matter. */
export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(12) });
    this.#addRow('Are customers being harmed?', harm(props));
    this.#addRow('Is anything stuck?', stuck(props));
    this.#addRow('How late are timers?', lateness(props));
    this.#addRow('How does Klarna respond?', klarna(props));
    this.#addRow('What does it cost?', cost(props));
  }

  #addRow(question: string, widgets: readonly IWidget[]): void {
    this.dashboard.addWidgets(new TextWidget({ markdown: `## ${question}`, width: 24, height: 1 }));
    this.dashboard.addWidgets(...widgets);
  }
}

const period = Duration.minutes(5);

const graph = (title: string, left: readonly IMetric[]): GraphWidget =>
  new GraphWidget({ title, left: [...left], width: 8, height: 6 });

/** Counts the log lines with a code by one of their fields: a metric for each value would cost more than the query. */
const logTable = (
  title: string,
  { logGroup }: LapseFunction,
  [code, field]: readonly [string, string],
): LogQueryWidget =>
  new LogQueryWidget({
    title,
    logGroupNames: [logGroup.logGroupName],
    queryLines: [`filter code = "${code}"`, `stats count(*) as number by ${field}`, 'sort number desc'],
    view: LogQueryVisualizationType.TABLE,
    width: 8,
    height: 6,
  });

const harm = ({ name, functions }: DashboardProps): readonly IWidget[] => [
  graph('Needs attention', [
    lapseMetric(name, 'CanceledAfterCompleted'),
    lapseMetric(name, 'PaidTwice'),
    lapseMetric(name, 'NotAuthorized'),
    lapseMetric(name, 'Attention'),
  ]),
  logTable('Sessions ended by their timer', functions['cancel-expired-session'], ['timer.fired', 'outcome']),
  logTable('Cancels by the API', functions['cancel-payment-request'], ['cancel.done', 'outcome']),
];

const stuck = ({ name, functions, deadLetterQueues }: DashboardProps): readonly IWidget[] => [
  graph(
    'Messages in dead-letter queues',
    deadLetterQueues.map((queue) =>
      queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
    ),
  ),
  graph('Repaired, failed', [lapseMetric(name, 'SweepRepairs'), lapseMetric(name, 'SweepFailures')]),
  graph('Longest wait for an end (ms)', [
    lapseMetric(name, 'PendingCancelAge'),
    lapseMetric(name, 'OverdueSessionAge'),
  ]),
  graph('Open and due, at least', [lapseMetric(name, 'OpenRequests'), lapseMetric(name, 'DueRecords')]),
  graph('Events published late (ms)', [
    functions['publish-state-changes'].live.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
  ]),
];

const lateness = ({ name, timerQueue }: DashboardProps): readonly IWidget[] => [
  graph('End of sessions after their deadline (ms)', [
    lapseMetric(name, 'TimerLateness', { statistic: Stats.p(50) }),
    lapseMetric(name, 'TimerLateness'),
  ]),
  graph('Oldest timer message in the queue (s)', [
    timerQueue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period }),
  ]),
];

const klarna = ({ name, functions }: DashboardProps): readonly IWidget[] => [
  graph('Responses, and those without a result', [
    lapseMetric(name, 'KlarnaMillis', { statistic: Stats.SAMPLE_COUNT, label: 'Responses' }),
    lapseMetric(name, 'KlarnaUnclear'),
  ]),
  graph('Response time (ms)', [
    lapseMetric(name, 'KlarnaMillis', { statistic: Stats.p(50) }),
    lapseMetric(name, 'KlarnaMillis', { statistic: Stats.p(99) }),
  ]),
  logTable('Webhooks', functions['receive-klarna-webhook'], ['webhook.received', 'verdict']),
  logTable('Expiries that Klarna refused', functions['register-payment-request'], [
    'klarna-expiry.refused',
    'status',
  ]),
  logTable('Refused webhooks', functions['receive-klarna-webhook'], ['webhook.refused', 'reason']),
];

const cost = ({ functions, table, api }: DashboardProps): readonly IWidget[] => [
  graph(
    'Invocations of the functions',
    Object.values(functions).map(({ live }) => live.metricInvocations({ period })),
  ),
  graph(
    'Duration of the functions (ms)',
    Object.values(functions).map(({ live }) => live.metricDuration({ period, statistic: Stats.SUM })),
  ),
  graph('Units of the table', [
    table.metricConsumedReadCapacityUnits({ period }),
    table.metricConsumedWriteCapacityUnits({ period }),
  ]),
  graph('Calls of the API', [api.metricCount({ period })]),
];
