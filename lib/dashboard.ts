import { Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Watched } from './alarm-definitions.ts';
import { functionMetric, klarnaCallers, sessionEnders, webhookVerdicts } from './lapse-metrics.ts';

/** One page that answers five questions, in the order in which somebody on call asks them. */
export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(12) });
    const row = (question: string, ...graphs: readonly GraphWidget[]): void => {
      this.dashboard.addWidgets(new TextWidget({ markdown: `## ${question}`, width: 24, height: 1 }));
      this.dashboard.addWidgets(...graphs);
    };
    const functions = Object.values(watched.functions);
    const period = Duration.minutes(5);

    row(
      'Are customers being harmed?',
      graph('Needs attention', [
        ...(['canceled_after_completed', 'contradiction', 'unknown_state'] as const).map((cause) =>
          functionMetric('publish-state-changes', `Attention:${cause}`),
        ),
      ]),
      graph(
        'Sessions ended',
        sessionEnders.flatMap((service) =>
          timerOutcomes.map((kind) => functionMetric(service, `Timer:${kind}`)),
        ),
      ),
      graph(
        'Cancels by the API',
        ([...cancelOutcomes, 'untried'] as const).map((kind) =>
          functionMetric('cancel-payment-request', `Cancel:${kind}`),
        ),
      ),
    );
    row(
      'Is anything stuck?',
      graph(
        'Given up',
        Object.values(watched.deadLetterQueues).map((queue) =>
          queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
        ),
      ),
      graph('Pending, repaired, failed', [
        functionMetric('reconcile-payment-requests', 'PendingCancels'),
        functionMetric('reconcile-payment-requests', 'SweepRepairs'),
        functionMetric('reconcile-payment-requests', 'SweepFailures'),
      ]),
      graph('Publishing behind (ms)', [
        watched.functions['publish-state-changes'].live.metric('IteratorAge', {
          statistic: Stats.MAXIMUM,
          period,
        }),
      ]),
    );
    row(
      'How late are timers?',
      graph(
        'Lateness of ended sessions (ms)',
        sessionEnders.flatMap((service) => [
          functionMetric(service, 'TimerLateness', { statistic: Stats.p(50) }),
          functionMetric(service, 'TimerLateness', { statistic: Stats.MAXIMUM }),
        ]),
      ),
      graph('Oldest timer in the queue (s)', [
        watched.timerQueue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period }),
      ]),
    );
    row(
      'What does Klarna answer?',
      graph(
        'Answers',
        klarnaCallers.map((service) => functionMetric(service, 'KlarnaResponses')),
      ),
      graph(
        'That say nothing, or refuse us',
        klarnaCallers.flatMap((service) => [
          functionMetric(service, 'KlarnaUnclear'),
          functionMetric(service, 'Klarna:denied'),
        ]),
      ),
      graph(
        'Time (ms, p99)',
        klarnaCallers.map((service) => functionMetric(service, 'KlarnaMillis', { statistic: Stats.p(99) })),
      ),
      graph(
        'Webhooks',
        webhookVerdicts.map((verdict) => functionMetric('receive-klarna-webhook', `Webhook:${verdict}`)),
      ),
    );
    row(
      'What does it cost?',
      graph(
        'Calls of the functions',
        functions.map(({ live }) => live.metricInvocations({ period })),
      ),
      graph(
        'Their time (ms)',
        functions.map(({ live }) => live.metricDuration({ period, statistic: Stats.SUM })),
      ),
      graph('The table', [
        watched.table.metricConsumedReadCapacityUnits({ period }),
        watched.table.metricConsumedWriteCapacityUnits({ period }),
      ]),
      graph('Calls of the API', [watched.api.metricCount({ period })]),
    );
  }
}

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
