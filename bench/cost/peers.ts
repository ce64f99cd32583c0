import type { Flow } from './flows.ts';
import type { Job } from './jobs.ts';
import type { Usage } from './prices.ts';

/** Lambda writes three lines of its own about every call, unless it is told not to. */
export const platformLogKilobytes = 0.6;

const memoryGigabytes = 256 / 1_024;

type End = Pick<Flow, 'end' | 'timerFires'>;

/** A job, and how often a session runs it. */
type Times = readonly (readonly [job: Job, times: number])[];

/**
 * What one session of a flow uses if it is built as most teams build: a registration, the webhooks that Klarna sent, and a cancel.
 * The API or the session's schedule calls the cancel. The peers have no registration. It counts as a webhook that publishes no event
 * and creates a schedule, which costs nothing. A schedule that finds the session paid stops after its read. No record is in an index
 * or over a kilobyte, and only the webhook publishes.
 */
export function typicalUsage(
  { webhook, cancel }: Readonly<Record<'webhook' | 'cancel', Job>>,
  flow: End,
  deliveries: number,
): Usage {
  const registration = {
    ...webhook,
    calls: webhook.calls.filter((call) => call !== 'eventbridge.PutEvents'),
  };
  const spared = { ...webhook, calls: ['dynamodb.PutItem', 'dynamodb.GetItem', 'dynamodb.UpdateItem'] };
  return usageOf(
    [
      [registration, 1],
      [webhook, deliveries],
      [flow.end === 'spared' ? spared : cancel, 1],
    ],
    flow,
  );
}

/**
 * What one session of a flow uses if a careful team builds it. All its jobs are functions of the benchmark. Its schedule calls the
 * timer function itself. No record is in an index or over a kilobyte, and only the webhook publishes.
 */
export function leanUsage(
  jobs: Readonly<Record<'register' | 'webhook' | 'cancel' | 'timer' | 'timer, paid', Job>>,
  flow: End,
  deliveries: number,
): Usage {
  const atTheEnd = flow.end === 'spared' ? jobs['timer, paid'] : jobs.timer;
  return usageOf(
    [
      [jobs.register, 1],
      [jobs.webhook, deliveries],
      [flow.timerFires ? atTheEnd : jobs.cancel, 1],
    ],
    flow,
  );
}

function usageOf(jobs: Times, { timerFires }: End): Usage {
  const sum = (of: (job: Job) => number): number =>
    jobs.reduce((total, [job, times]) => total + times * of(job), 0);
  const count = (pattern: RegExp) => sum((job) => job.calls.filter((call) => pattern.test(call)).length);
  const lambdaCalls = sum(() => 1);
  return {
    'Lambda calls': lambdaCalls,
    'Lambda GB-seconds': (sum(({ millis }) => millis) / 1_000) * memoryGigabytes,
    'HTTP API calls': timerFires ? 1 : 2,
    'DynamoDB write units': count(/^dynamodb\.(PutItem|UpdateItem)$/),
    'DynamoDB read units': count(/^dynamodb\.GetItem$/),
    'EventBridge events': count(/^eventbridge\.PutEvents$/),
    'Scheduler firings': timerFires ? 1 : 0,
    'SQS calls': 0,
    'log kilobytes': sum(({ logBytes }) => logBytes) / 1_024 + lambdaCalls * platformLogKilobytes,
  };
}
