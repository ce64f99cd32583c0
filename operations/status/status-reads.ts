/** Reads the parts of `lapse status` from AWS, or from the stand-ins of a local system. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDbAccountViews } from '../../functions/adapters/dynamodb/dynamodb-account-views.ts';
import { viewAccounts } from '../../functions/application/view-accounts.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { type AwsPlaces, deadLetters, ownMetric, quotas } from '../doctor/aws-reads.ts';
import { metricReader, type MetricValue } from '../doctor/metric-reader.ts';
import type { KlarnaResponses, Lateness, RaisedAlarm, StatusReads } from './status-parts.ts';

/** Accounts that a line names. */
const mostAccounts = 5;

const hour = 3_600_000;

/** The reads of the system with these outputs. */
export function statusReads(places: AwsPlaces): StatusReads {
  const { outputs, aws, now } = places;
  const views = new DynamoDbAccountViews({ client: new DynamoDBClient(aws), tableName: outputs.TableName });
  const clock = { now, instant: () => instantFromMillis(now()), wait: () => Promise.resolve() };
  const view = viewAccounts({ views, clock });
  let overview: ReturnType<typeof view> | undefined;
  return {
    alarms: () => raisedAlarms(places),
    overview: () => (overview ??= view(mostAccounts)),
    lateness: () => lateness(places),
    klarna: () => klarnaResponses(places),
    deadLetters: () => deadLetters(places),
    quotas: () => quotas(places),
  };
}

/** The raised alarms of the topic. Other Lapse may notify it, too. */
async function raisedAlarms({ outputs, aws }: AwsPlaces): Promise<readonly RaisedAlarm[]> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import('@aws-sdk/client-cloudwatch');
  const raised: RaisedAlarm[] = [];
  const pages = paginateDescribeAlarms(
    { client: new CloudWatchClient(aws) },
    { ActionPrefix: outputs.AlarmTopicArn, StateValue: 'ALARM' },
  );
  for await (const { MetricAlarms: alarms = [] } of pages) {
    for (const {
      AlarmName: name = '',
      AlarmDescription: description = '',
      StateUpdatedTimestamp: since,
    } of alarms)
      raised.push({ name, description, since: since?.toISOString() });
  }
  return raised;
}

const latest = (values: readonly MetricValue[] = []): number | undefined => values.at(-1)?.value;

const highest = (values: readonly MetricValue[] = []): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values.map(({ value }) => value));

const sum = (values: readonly MetricValue[] = []): number =>
  values.reduce((total, { value }) => total + value, 0);

async function lateness({ outputs, aws, now }: AwsPlaces): Promise<Lateness> {
  const read = await metricReader(aws);
  const [longest, overdue, pending] = await read(
    [
      ownMetric(outputs, 'TimerLateness', 'Maximum'),
      ownMetric(outputs, 'OverdueSessionAge', 'Maximum'),
      ownMetric(outputs, 'PendingCancelAge', 'Maximum'),
    ],
    { from: now() - hour, to: now(), period: 60 },
  );
  return { longest: highest(longest), overdueSession: latest(overdue), pendingCancel: latest(pending) };
}

async function klarnaResponses({ outputs, aws, now }: AwsPlaces): Promise<KlarnaResponses> {
  const read = await metricReader(aws);
  // One value for the whole hour: a median of medians would be another number.
  const [count, median, slowest, unclear] = await read(
    [
      ownMetric(outputs, 'KlarnaMillis', 'SampleCount'),
      ownMetric(outputs, 'KlarnaMillis', 'p50'),
      ownMetric(outputs, 'KlarnaMillis', 'Maximum'),
      ownMetric(outputs, 'KlarnaUnclear', 'Sum'),
    ],
    { from: now() - hour, to: now(), period: hour / 1_000 },
  );
  return { count: sum(count), unclear: sum(unclear), median: latest(median), slowest: highest(slowest) };
}
