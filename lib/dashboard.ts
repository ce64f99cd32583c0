import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { LapseFunction } from './lapse-function.ts';
import { functionMetric, klarnaCallers, sessionEnders, webhookVerdicts } from './lapse-metrics.ts';

/** What the dashboard shows. */
export interface DashboardProps {
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
    this.#addRow('Are customers being harmed?', harm());
    this.#addRow('Is anything stuck?', stuck(props));
    this.#addRow('How late are timers?', lateness(props));
    this.#addRow('How does Klarna respond?', klarna());
    this.#addRow('What does it cost?', cost(props));
  }

  #addRow(question: string, graphs: readonly GraphWidget[]): void {
    this.dashboard.addWidgets(new TextWidget({ markdown: `## ${question}`, width: 24, height: 1 }));
    this.dashboard.addWidgets(...graphs);
  }
}

const period = Duration.minutes(5);

const graph = (title: string, left: readonly IMetric[]): GraphWidget =>
  new GraphWidget({ title, left: [...left], width: 8, height: 6 });

const cancelOutcomes = [
  'canceled',
  'already_canceled',
  'already_final',
  'pending',
  'not_found',
  'klarna_denied',
] as const;
const timerOutcomes = [...cancelOutcomes, 'spared', 'observed', 'graced'] as const;

const harm = (): readonly GraphWidget[] => [
  graph(
    'Needs attention',
    (['canceled_after_completed', 'contradiction', 'unknown_state'] as const).map((cause) =>
      functionMetric('publish-state-changes', `Attention:${cause}`),
    ),
  ),
  graph(
    'Sessions ended',
    sessionEnders.flatMap((service) =>
      timerOutcomes.map((outcome) => functionMetric(service, `Timer:${outcome}`)),
    ),
  ),
  graph(
    'Cancels by the API',
    ([...cancelOutcomes, 'untried'] as const).map((outcome) =>
      functionMetric('cancel-payment-request', `Cancel:${outcome}`),
    ),
  ),
];

const stuck = ({ functions, deadLetterQueues }: DashboardProps): readonly GraphWidget[] => [
  graph(
    'Messages in dead-letter queues',
    deadLetterQueues.map((queue) =>
      queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
    ),
  ),
  graph('Pending, repaired, failed', [
    functionMetric('reconcile-payment-requests', 'PendingCancels'),
    functionMetric('reconcile-payment-requests', 'SweepRepairs'),
    functionMetric('reconcile-payment-requests', 'SweepFailures'),
  ]),
  graph('Longest wait for an end (ms)', [
    functionMetric('reconcile-payment-requests', 'PendingCancelAge', { statistic: Stats.MAXIMUM }),
    functionMetric('reconcile-payment-requests', 'OverdueSessionAge', { statistic: Stats.MAXIMUM }),
  ]),
  graph('Due records', [functionMetric('reconcile-payment-requests', 'DueRecords')]),
  graph('Events published late (ms)', [
    functions['publish-state-changes'].live.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
  ]),
];

const lateness = ({ timerQueue }: DashboardProps): readonly GraphWidget[] => [
  graph(
    'End of sessions after their deadline (ms)',
    sessionEnders.flatMap((service) => [
      functionMetric(service, 'TimerLateness', { statistic: Stats.p(50) }),
      functionMetric(service, 'TimerLateness', { statistic: Stats.MAXIMUM }),
    ]),
  ),
  graph('Oldest timer message in the queue (s)', [
    timerQueue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period }),
  ]),
];

const klarna = (): readonly GraphWidget[] => [
  graph(
    'Responses',
    klarnaCallers.map((service) => functionMetric(service, 'KlarnaResponses')),
  ),
  graph(
    'Responses without a result, credentials refused',
    klarnaCallers.flatMap((service) => [
      functionMetric(service, 'KlarnaUnclear'),
      functionMetric(service, 'Klarna:denied'),
    ]),
  ),
  graph(
    'Response time (ms, p99)',
    klarnaCallers.map((service) => functionMetric(service, 'KlarnaMillis', { statistic: Stats.p(99) })),
  ),
  graph(
    'Webhooks',
    webhookVerdicts.map((verdict) => functionMetric('receive-klarna-webhook', `Webhook:${verdict}`)),
  ),
];

const cost = ({ functions, table, api }: DashboardProps): readonly GraphWidget[] => [
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
