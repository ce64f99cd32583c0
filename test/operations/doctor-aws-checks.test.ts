/** What `lapse doctor` finds in a deployed stack, with AWS's responses as the SDK gives them. */
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import {
  GetAccountSettingsCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { ListServiceQuotasCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { awsChecks, type AwsWorld } from '../../operations/doctor/aws-checks.ts';
import { runChecks } from '../../operations/doctor/check.ts';
import { readsOfAws } from '../../operations/doctor/aws-reads.ts';
import { parseOutputs } from '../../operations/stack-outputs.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const [cloudwatch, iam, lambda, quotas, sns, sqs, sts] = [
  mockClient(CloudWatchClient),
  mockClient(IAMClient),
  mockClient(LambdaClient),
  mockClient(ServiceQuotasClient),
  mockClient(SNSClient),
  mockClient(SQSClient),
  mockClient(STSClient),
];

const noon = Date.parse('2026-03-01T12:00:00Z');
const topic = 'arn:aws:sns:eu-north-1:123456789012:alarms';
const outputs = parseOutputs(
  {
    ...rawOutputs,
    ApiUrl: 'https://a1b2c3.execute-api.eu-north-1.amazonaws.com',
    FunctionNames: 'cancel-payment-request=Lapse-cancel',
    AlarmTopicArn: topic,
  },
  'the stack',
);
const role = 'arn:aws:iam::123456789012:role/shop';

const world: AwsWorld = {
  reads: readsOfAws({ outputs, aws: { region: 'eu-north-1' }, now: () => noon }),
  isLocal: false,
  alarmTopicArn: outputs.AlarmTopicArn,
  apiUrl: outputs.ApiUrl,
  apiAuthorization: outputs.ApiAuthorization,
  role,
  account: 'm4ciyh2n',
  now: () => noon,
};

/** CloudWatch's response: for each metric its values, a minute apart, the last one now. */
function givenMetrics(values: Readonly<Record<string, readonly number[]>>): void {
  cloudwatch.on(GetMetricDataCommand).callsFake((input: { MetricDataQueries?: readonly unknown[] }) => ({
    MetricDataResults: (input.MetricDataQueries ?? []).map((query) => {
      const { Id, MetricStat } = query as { Id: string; MetricStat: { Metric: { MetricName: string } } };
      const found = values[MetricStat.Metric.MetricName] ?? [];
      return {
        Id,
        Timestamps: found.map((_, index) => new Date(noon - (found.length - 1 - index) * 60_000)),
        Values: found,
      };
    }),
  }));
}

const healthyMetrics = {
  DueRecords: [1, 1],
  ResourceCount: [40],
  OpenRequests: [900],
  InvocationAttemptCount: [600],
};

function givenFunction({
  live = '7',
  weights = {},
  code = {},
}: {
  readonly live?: string;
  readonly weights?: Readonly<Record<string, number>>;
  readonly code?: Readonly<Record<string, string>>;
} = {}): void {
  lambda
    .on(GetAliasCommand)
    .resolves({ FunctionVersion: live, RoutingConfig: { AdditionalVersionWeights: weights } });
  lambda
    .on(GetFunctionConfigurationCommand)
    .callsFake(({ Qualifier: version = '$LATEST' }: { Qualifier?: string }) => ({
      CodeSha256: code[version] ?? 'new',
    }));
}

function givenDecision(decision: string): void {
  iam
    .on(SimulatePrincipalPolicyCommand)
    .callsFake(({ ResourceArns: arns = [] }: { ResourceArns?: readonly string[] }) => ({
      EvaluationResults: [
        {
          EvalActionName: 'execute-api:Invoke',
          EvalDecision: decision,
          ResourceSpecificResults: arns.map((arn) => ({
            EvalResourceName: arn,
            EvalResourceDecision: arn.includes('/DELETE/') ? decision : 'allowed',
          })),
        },
      ],
    }));
}

beforeEach(() => {
  for (const client of [cloudwatch, iam, lambda, quotas, sns, sqs, sts]) client.reset();
  givenMetrics(healthyMetrics);
  givenFunction();
  givenDecision('allowed');
  lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 1_000 } });
  quotas.on(ListServiceQuotasCommand).resolves({
    Quotas: [
      { QuotaName: 'Number of schedules', Value: 1_000_000 },
      { QuotaName: 'Invocations throttle limit in transactions per second', Value: 500 },
    ],
  });
  sns.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions: [{ SubscriptionArn: `${topic}:1` }] });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
  sts.on(GetCallerIdentityCommand).resolves({
    Account: '123456789012',
    Arn: 'arn:aws:sts::123456789012:assumed-role/operator/me',
  });
});

/** The findings of one check, as `problem → fix`, or why it could not run. */
async function found(name: string, changes: Partial<AwsWorld> = {}): Promise<readonly string[]> {
  const reports = await runChecks(awsChecks, { ...world, ...changes }, 'Lapse');
  const report = reports.find((each) => each.name === name);
  switch (report?.kind) {
    case 'problem':
      return report.problems.map(({ problem, fix }) => `${problem} → ${fix}`);
    case 'not_checked':
    case 'not_here':
      return [`${report.kind}: ${report.why}`];
    default:
      return [];
  }
}

const denied = (name: string): Error =>
  Object.assign(new Error('User: arn:aws:sts::1:assumed-role/x/me@example.com is not authorized'), { name });

describe('lapse doctor in a deployed stack', () => {
  it('a healthy stack has no problem, and every check runs', async () => {
    const reports = await runChecks(awsChecks, world, 'Lapse');
    expect(reports.map(({ kind }) => kind)).toEqual(awsChecks.map(() => 'ok'));
    expect(reports.find(({ name }) => name === 'quotas')).toMatchObject({
      detail:
        'Lambda: concurrent executions: 40 of 1000; Scheduler: schedules: 900 of 1000000; Scheduler: invocations a second: 10 of 500',
    });
  });

  it('a subscriber that has not confirmed is found', async () => {
    sns
      .on(ListSubscriptionsByTopicCommand)
      .resolves({ Subscriptions: [{ SubscriptionArn: 'PendingConfirmation' }] });
    expect(await found('alarm topic')).toEqual([
      expect.stringMatching(/^No subscriber of the alarm topic has confirmed.* → Open the confirmation/),
    ]);
  });

  it('one confirmed subscriber beside a pending one is enough', async () => {
    sns.on(ListSubscriptionsByTopicCommand).resolves({
      Subscriptions: [{ SubscriptionArn: 'PendingConfirmation' }, { SubscriptionArn: `${topic}:1` }],
    });
    expect(await found('alarm topic')).toEqual([]);
  });

  it('an alarm topic without subscribers is found, with the command that subscribes', async () => {
    sns.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions: [] });
    expect(await found('alarm topic')).toEqual([
      expect.stringMatching(/has no subscriber.* → Run `aws sns subscribe --topic-arn arn:aws:sns:\S+/),
    ]);
    expect(await found('alarm topic', { alarmTopicArn: undefined })).toEqual([
      'not_checked: The stack has no output AlarmTopicArn.',
    ]);
  });

  it('a sweep that has not reported for ten minutes, or not for an hour, is found', async () => {
    givenMetrics({ ...healthyMetrics, DueRecords: [1, ...Array.from({ length: 10 }, () => 0)] });
    expect(await found('sweep')).toEqual([
      expect.stringMatching(/^The sweep has not reported for 10 minutes.* → Run `lapse sweep-failures list`/),
    ]);
    givenMetrics({ ...healthyMetrics, DueRecords: [] });
    expect(await found('sweep')).toEqual([expect.stringContaining('has not reported for an hour')]);
  });

  it('messages in a dead-letter queue are found, also those that another consumer has received', async () => {
    sqs.on(GetQueueAttributesCommand, { QueueUrl: outputs.DeadTimersQueueUrl }).resolves({
      Attributes: { ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesNotVisible: '2' },
    });
    expect(await found('dead letters')).toEqual([
      'failed timers: 3 messages wait. → Run `lapse timers list`, correct the cause, and send them again.',
    ]);
  });

  it.each([
    ['Lambda', { ResourceCount: [850] }, 'Lambda: concurrent executions: 850 of 1000 were used'],
    ['schedules', { OpenRequests: [900_000] }, 'Scheduler: schedules: 900000 of 1000000 were used'],
    ['invocations', { InvocationAttemptCount: [600, 27_000] }, 'Scheduler: invocations a second: 450 of 500'],
  ])('a quota of %s that is nearly used up is found', async (_, values, problem) => {
    givenMetrics({ ...healthyMetrics, ...values });
    expect(await found('quotas')).toEqual([expect.stringContaining(problem)]);
    expect((await found('quotas'))[0]).toMatch(/ → Ask for a higher quota/);
  });

  it('a function whose alias names older code is found', async () => {
    givenFunction({ live: '6', code: { '6': 'old' } });
    expect(await found('function versions')).toEqual([
      expect.stringMatching(
        /^cancel-payment-request: the alias live names version 6, .* → Look at the last deployment/,
      ),
    ]);
  });

  it('a gradual deployment that is not finished is found', async () => {
    givenFunction({ weights: { '8': 0.1 } });
    expect(await found('function versions')).toEqual([
      expect.stringContaining('the versions 7 and 8 share the calls'),
    ]);
  });

  it('calls that the role of the shop may not make are found, each with its path', async () => {
    givenDecision('implicitDeny');
    const refused = await found("the shop's role");
    expect(refused).toContainEqual(
      expect.stringMatching(
        /^The role may not call DELETE \/accounts\/m4ciyh2n\/payment-requests\/any \(implicitDeny\)\. → Allow it: `lapse\.grantCall/,
      ),
    );
    expect(refused.every((each) => each.includes('DELETE'))).toBe(true);
    const { ResourceArns: asked, PolicySourceArn: source } =
      iam.commandCalls(SimulatePrincipalPolicyCommand)[0]?.args[0].input ?? {};
    expect(source).toBe(role);
    expect(asked).toContain(
      'arn:aws:execute-api:eu-north-1:123456789012:a1b2c3/$default/GET/accounts/m4ciyh2n/payment-requests',
    );
    expect(asked?.some((arn) => arn.includes('settings') || arn.includes('overview'))).toBe(false);
  });

  it('without a role or an account, or with an own domain, the check of the role says why it does not run', async () => {
    expect(await found("the shop's role", { role: undefined })).toEqual([
      expect.stringContaining('give --role ARN'),
    ]);
    expect(await found("the shop's role", { account: undefined })).toEqual([
      expect.stringContaining('give --account'),
    ]);
    expect(await found("the shop's role", { apiUrl: 'https://lapse.example' })).toEqual([
      expect.stringContaining('not_checked: The API has a domain of its own'),
    ]);
  });

  it('a check that AWS refuses names the permission, and the others run', async () => {
    sns.on(ListSubscriptionsByTopicCommand).rejects(denied('AuthorizationErrorException'));
    iam.on(SimulatePrincipalPolicyCommand).rejects(denied('AccessDenied'));
    lambda.on(GetAliasCommand).rejects(denied('AccessDeniedException'));
    expect(await found('alarm topic')).toEqual([
      'not_checked: The call is refused. It needs sns:ListSubscriptionsByTopic on the topic AlarmTopicArn.',
    ]);
    expect(await found("the shop's role")).toEqual([
      expect.stringContaining('It needs iam:SimulatePrincipalPolicy'),
    ]);
    expect(await found('function versions')).toEqual([expect.stringContaining('It needs lambda:GetAlias')]);
    expect(await found('sweep')).toEqual([]);
  });
});
