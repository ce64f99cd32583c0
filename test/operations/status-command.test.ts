import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListServiceQuotasCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { printerOn } from '../../operations/printer.ts';
import { parseOutputs } from '../../operations/stack-outputs.ts';
import { statusParts } from '../../operations/status/status-parts.ts';
import { statusReads } from '../../operations/status/status-reads.ts';
import { showStatus } from '../../operations/status-command.ts';
import { recordedTerminal } from '../support/command-line.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const [cloudwatch, dynamodb, lambda, quotas, sqs] = [
  mockClient(CloudWatchClient),
  mockClient(DynamoDBClient),
  mockClient(LambdaClient),
  mockClient(ServiceQuotasClient),
  mockClient(SQSClient),
];

const noon = Date.parse('2026-03-01T12:00:00Z');
const topic = 'arn:aws:sns:eu-north-1:123456789012:alarms';
const outputs = parseOutputs({ ...rawOutputs, AlarmTopicArn: topic }, 'the stack');

/** The values of each metric and statistic, the last one now. */
const metrics: Readonly<Record<string, readonly number[]>> = {
  'TimerLateness Maximum': [1_200, 61_000],
  'OverdueSessionAge Maximum': [90_000, 0],
  'PendingCancelAge Maximum': [0, 1_800_000],
  'KlarnaMillis SampleCount': [400],
  'KlarnaMillis p50': [210],
  'KlarnaMillis Maximum': [9_400],
  'KlarnaUnclear Sum': [2],
  'ResourceCount Maximum': [100],
};

interface Query {
  readonly Id: string;
  readonly MetricStat: { readonly Metric: { readonly MetricName: string }; readonly Stat: string };
}

beforeEach(() => {
  for (const client of [cloudwatch, dynamodb, lambda, quotas, sqs]) client.reset();
  cloudwatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [] });
  cloudwatch
    .on(GetMetricDataCommand)
    .callsFake(({ MetricDataQueries: queries = [] }: { MetricDataQueries?: Query[] }) => ({
      MetricDataResults: queries.map(({ Id, MetricStat: { Metric, Stat } }) => {
        const values = metrics[`${Metric.MetricName} ${Stat}`] ?? [];
        return {
          Id,
          Values: values,
          Timestamps: values.map((_, index) => new Date(noon - (values.length - index) * 60_000)),
        };
      }),
    }));
  dynamodb.on(QueryCommand).resolves({ Items: [], Count: 0 });
  lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 1_000 } });
  quotas.on(ListServiceQuotasCommand).resolves({ Quotas: [] });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
});

async function status(json = false, isLocal = false) {
  const { terminal, lines } = recordedTerminal();
  const reads = statusReads({ outputs, aws: { region: 'eu-north-1' }, now: () => noon });
  const isWell = await showStatus(reads, isLocal, printerOn(terminal, { json }));
  return { isWell, lines, parts: new Map(lines.map((line) => [line.slice(0, 14).trim(), line.slice(14)])) };
}

describe('lapse status', () => {
  it('a quiet stack is one line for each part', async () => {
    const { isWell, lines } = await status();
    expect(lines).toEqual([
      'alarms        none raised',
      'overdue       0',
      'lateness      longest in the last hour 61 s; oldest overdue session 0 ms; oldest pending cancel 30 min',
      'open          0',
      'attention     0',
      'quarantine    0',
      'dead letters  failed timers 0; events that were not published 0; failed runs of the sweep 0',
      'Klarna        400 responses in the last hour: median 210 ms, slowest 9400 ms, 2 unclear (0.5 %)',
      'quotas        Lambda: concurrent executions 10 %',
    ]);
    expect(isWell).toBe(true);
  });

  it('a raised alarm is shown with what to do, and the command fails', async () => {
    cloudwatch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [
        {
          AlarmName: 'Lapse-Overdue',
          AlarmDescription: 'A session is long past its deadline. Run lapse status.',
          StateUpdatedTimestamp: new Date(noon),
        },
      ],
    });
    const { isWell, parts } = await status();
    expect(parts.get('alarms')).toBe(
      'Lapse-Overdue since 2026-03-01T12:00:00.000Z: A session is long past its deadline. Run lapse status.',
    );
    expect(isWell).toBe(false);
    expect(cloudwatch.commandCalls(DescribeAlarmsCommand)[0]?.args[0].input).toMatchObject({
      ActionPrefix: topic,
      StateValue: 'ALARM',
    });
  });

  it('what is due and what needs attention is counted, with the accounts that have most of it', async () => {
    const keys = [
      ['shop-se', '2026-03-01T11:00:00Z'],
      ['shop-se', '2026-03-01T13:00:00Z'],
      ['shop-no', '2026-03-01T14:00:00Z'],
    ].map(([account = '', at = ''], place) => ({
      PK: { S: `A#${account}#P#${requestId(place)}` },
      da: { S: at },
    }));
    dynamodb
      .on(QueryCommand, { ExpressionAttributeValues: { ':partition': { S: 'DUE#0' } } }, false)
      .resolves({ Items: keys });
    const { parts } = await status();
    expect(parts.get('open')).toBe('3 (shop-se 2, shop-no 1)');
    expect(parts.get('overdue')).toBe('1 (shop-se 1)');
  });

  it('a queue that has messages names its command', async () => {
    sqs
      .on(GetQueueAttributesCommand, { QueueUrl: outputs.UnpublishedEventsQueueUrl })
      .resolves({ Attributes: { ApproximateNumberOfMessages: '3' } });
    expect((await status()).parts.get('dead letters')).toContain(
      'events that were not published 3 (lapse unpublished list)',
    );
  });

  it('a part that AWS refuses names the permission, and the others are shown', async () => {
    const denied = Object.assign(new Error('me@example.com is not authorized'), {
      name: 'AccessDeniedException',
    });
    cloudwatch.on(DescribeAlarmsCommand).rejects(denied);
    const { isWell, lines, parts } = await status();
    expect(parts.get('alarms')).toBe('not known: The call is refused. It needs cloudwatch:DescribeAlarms.');
    expect(parts.get('quarantine')).toBe('0');
    expect(lines.join()).not.toContain('example.com');
    expect(isWell).toBe(false);
  });

  it('with --json, each part is an object', async () => {
    const { lines } = await status(true);
    const parts = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parts.map(({ part }) => part)).toEqual(statusParts.map(({ name }) => name));
    expect(parts.find(({ part }) => part === 'Klarna')).toEqual({
      part: 'Klarna',
      known: true,
      responses: 400,
      unclear: 2,
      median_ms: 210,
      slowest_ms: 9_400,
    });
  });

  it('a local system says what it does not have, and the command does not fail', async () => {
    const { isWell, parts } = await status(false, true);
    expect(parts.get('alarms')).toBe('a local system has no alarms');
    expect(parts.get('open')).toBe('0');
    expect(isWell).toBe(true);
    expect(cloudwatch.calls()).toEqual([]);
  });
});
