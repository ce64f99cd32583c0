/** The reads at AWS, each by the clients of its service. They are loaded when a check needs them. */
import { metricsDimension, metricsNamespace } from '../../functions/contract/metric-names.ts';
import type { AwsSettings } from '../target.ts';
import type { StackOutputs } from '../stack-outputs.ts';
import type { AwsReads, DeadLetters, FunctionVersions, QuotaUse } from './aws-checks.ts';
import { type MetricQuery, metricReader } from './metric-reader.ts';

/** What the reads need. */
export interface AwsPlaces {
  readonly outputs: StackOutputs;
  readonly aws: AwsSettings;
  readonly now: () => number;
}

const hour = 3_600_000;
const day = 24 * hour;

/** The reads at the stack with these outputs. */
export const readsOfAws = (places: AwsPlaces): AwsReads => ({
  deadLetters: () => deadLetters(places),
  lastSweep: () => lastSweep(places),
  subscriptions: (topicArn) => subscriptions(places, topicArn),
  quotas: () => quotas(places),
  functionVersions: () => functionVersions(places),
  refusedCalls: (roleArn, calls) => refusedCalls(places, roleArn, calls),
});

/** The dead-letter queues, each with how many messages it has. */
export async function deadLetters({ outputs, aws }: AwsPlaces): Promise<readonly DeadLetters[]> {
  const { GetQueueAttributesCommand, SQSClient } = await import('@aws-sdk/client-sqs');
  const sqs = new SQSClient(aws);
  const queues = [
    { queue: 'failed timers', url: outputs.DeadTimersQueueUrl, command: 'lapse timers list' },
    {
      queue: 'events that were not published',
      url: outputs.UnpublishedEventsQueueUrl,
      command: 'lapse unpublished list',
    },
    {
      queue: 'failed runs of the sweep',
      url: outputs.SweepFailuresQueueUrl,
      command: 'lapse sweep-failures list',
    },
  ];
  return Promise.all(
    queues.map(async ({ queue, url, command }) => {
      const { Attributes: attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: received } =
        attributes ?? {};
      return { queue, messages: Number(visible ?? 0) + Number(received ?? 0), command };
    }),
  );
}

/** A metric that the functions of this Lapse write. */
export const ownMetric = (
  { MetricsStack: name }: Pick<StackOutputs, 'MetricsStack'>,
  metric: string,
  statistic: string,
): MetricQuery => ({
  namespace: metricsNamespace,
  metric,
  dimensions: { [metricsDimension]: name },
  statistic,
});

async function lastSweep({ outputs, aws, now }: AwsPlaces): Promise<number | undefined> {
  const read = await metricReader(aws);
  const [values] = await read([ownMetric(outputs, 'DueRecords', 'SampleCount')], {
    from: now() - hour,
    to: now(),
    period: 60,
  });
  return values?.findLast(({ value }) => value > 0)?.at;
}

async function subscriptions({ aws }: AwsPlaces, topicArn: string) {
  const { paginateListSubscriptionsByTopic, SNSClient } = await import('@aws-sdk/client-sns');
  let [confirmed, pending] = [0, 0];
  for await (const page of paginateListSubscriptionsByTopic(
    { client: new SNSClient(aws) },
    { TopicArn: topicArn },
  )) {
    for (const { SubscriptionArn: arn } of page.Subscriptions ?? []) {
      // Before that, SNS writes PendingConfirmation in place of the ARN.
      if (arn?.startsWith('arn:')) confirmed += 1;
      else pending += 1;
    }
  }
  return { confirmed, pending };
}

/** The quotas of Lambda and Scheduler, and their use in the last day. */
export async function quotas({ outputs, aws, now }: AwsPlaces): Promise<readonly QuotaUse[]> {
  const [{ GetAccountSettingsCommand, LambdaClient }, read] = await Promise.all([
    import('@aws-sdk/client-lambda'),
    metricReader(aws),
  ]);
  const [{ AccountLimit: limit }, scheduler, uses] = await Promise.all([
    new LambdaClient(aws).send(new GetAccountSettingsCommand({})),
    schedulerQuotas(aws),
    read(
      [
        {
          namespace: 'AWS/Usage',
          metric: 'ResourceCount',
          dimensions: {
            Service: 'Lambda',
            Resource: 'ConcurrentExecutions',
            Type: 'Resource',
            Class: 'None',
          },
          statistic: 'Maximum',
        },
        ownMetric(outputs, 'OpenRequests', 'Maximum'),
        {
          namespace: 'AWS/Scheduler',
          metric: 'InvocationAttemptCount',
          dimensions: { ScheduleGroup: outputs.ScheduleGroupName },
          statistic: 'Sum',
        },
      ],
      { from: now() - day, to: now(), period: 60 },
    ),
  ]);
  const [executions, schedules, invocations] = uses.map((values) =>
    values.length === 0 ? undefined : Math.max(...values.map(({ value }) => value)),
  );
  return [
    { name: 'Lambda: concurrent executions', quota: limit?.ConcurrentExecutions ?? 0, used: executions },
    ...(scheduler.schedules === undefined
      ? []
      : [{ name: 'Scheduler: schedules', quota: scheduler.schedules, used: schedules }]),
    ...(scheduler.invocations === undefined
      ? []
      : [
          {
            name: 'Scheduler: invocations a second',
            quota: scheduler.invocations,
            used: invocations === undefined ? undefined : Math.ceil(invocations / 60),
          },
        ]),
  ];
}

/** Scheduler's quotas by their names (https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html). */
async function schedulerQuotas(aws: AwsSettings) {
  const { paginateListServiceQuotas, ServiceQuotasClient } = await import('@aws-sdk/client-service-quotas');
  let schedules: number | undefined;
  let invocations: number | undefined;
  const client = new ServiceQuotasClient(aws);
  for await (const { Quotas: page = [] } of paginateListServiceQuotas(
    { client },
    { ServiceCode: 'scheduler' },
  )) {
    for (const { QuotaName: name = '', Value: value } of page) {
      if (/^number of schedules$/i.test(name)) schedules = value;
      if (/^invocations throttle limit/i.test(name)) invocations = value;
    }
  }
  return { schedules, invocations };
}

async function functionVersions({ outputs, aws }: AwsPlaces): Promise<readonly FunctionVersions[]> {
  const { GetAliasCommand, GetFunctionConfigurationCommand, LambdaClient } =
    await import('@aws-sdk/client-lambda');
  const lambda = new LambdaClient(aws);
  return Promise.all(
    [...outputs.FunctionNames].map(async ([name, deployed]) => {
      const [alias, newest] = await Promise.all([
        lambda.send(new GetAliasCommand({ FunctionName: deployed, Name: 'live' })),
        lambda.send(new GetFunctionConfigurationCommand({ FunctionName: deployed })),
      ]);
      const { FunctionVersion: live = '', RoutingConfig: routing } = alias;
      const { CodeSha256: liveCode = '' } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: deployed, Qualifier: live }),
      );
      const [other] = Object.entries(routing?.AdditionalVersionWeights ?? {})
        .filter(([, weight]) => weight > 0)
        .map(([version]) => version);
      return { name, live, liveCode, newestCode: newest.CodeSha256 ?? '', other };
    }),
  );
}

async function refusedCalls({ outputs, aws }: AwsPlaces, roleArn: string, calls: readonly string[]) {
  const [{ IAMClient, SimulatePrincipalPolicyCommand }, { GetCallerIdentityCommand, STSClient }] =
    await Promise.all([import('@aws-sdk/client-iam'), import('@aws-sdk/client-sts')]);
  const iam = new IAMClient(aws);
  const { Account: owner = '', Arn: caller = '' } = await new STSClient(aws).send(
    new GetCallerIdentityCommand({}),
  );
  const [, partition = 'aws'] = caller.split(':');
  const [, id = '', region = ''] = /^https:\/\/(\w+)\.execute-api\.([\w-]+)\./.exec(outputs.ApiUrl) ?? [];
  const arnOf = (call: string): string =>
    `arn:${partition}:execute-api:${region}:${owner}:${id}/$default/${call.replace(' ', '')}`;
  const { EvaluationResults: results = [] } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: roleArn,
      ActionNames: ['execute-api:Invoke'],
      ResourceArns: calls.map(arnOf),
    }),
  );
  // IAM gives one result for each action, with the decisions about each resource in it.
  const decisions = new Map(
    results.flatMap(
      ({ ResourceSpecificResults: each = [], EvalResourceName: name, EvalDecision: decision }) => [
        [name ?? '', decision ?? ''] as const,
        ...each.map(
          ({ EvalResourceName: its, EvalResourceDecision: decided }) => [its ?? '', decided ?? ''] as const,
        ),
      ],
    ),
  );
  return calls.flatMap((call) => {
    const decision = decisions.get(arnOf(call)) ?? 'no decision';
    return decision === 'allowed' ? [] : [{ call, decision }];
  });
}
