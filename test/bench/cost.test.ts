import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countCosts, fixedCosts } from '../../bench/cost/fixed.ts';
import type { Job } from '../../bench/cost/jobs.ts';
import { leanUsage, typicalUsage } from '../../bench/cost/peers.ts';
import { dollarsOf } from '../../bench/cost/prices.ts';
import { metrics } from '../../functions/contract/metric-names.ts';
import { type RecordedDatabase, startRecordedDatabase } from '../../bench/cost/recorded-database.ts';
import { tracedWrites, unitsOfSession } from '../../bench/cost/traced-writes.ts';
import { durableFunctionsCost, stepFunctionsCost } from '../../bench/cost/workflow-services.ts';
import { type Image, type Index, refusedUnits, writeUnits } from '../../bench/cost/write-units.ts';
import { templateOf } from '../lib/synthesized.ts';

const text = (value: string) => ({ S: value });
const due: Index = { name: 'due', keys: ['shard', 'at'], projected: [] };
const withDue = (at: string, more: Image = {}): Image => ({
  PK: text('a'),
  shard: text('1'),
  at: text(at),
  ...more,
});
const unitsOf = (before: Image | undefined, after: Image | undefined, index = due) =>
  writeUnits({ before, after, tableKeys: ['PK'], indexes: [index] });

describe('write units', () => {
  it('an item costs the started kilobytes of its larger version', () => {
    const large = { PK: text('a'), body: text('x'.repeat(2_000)) };
    expect(unitsOf(large, { PK: text('a') }).base).toBe(2);
    expect(unitsOf(undefined, { PK: text('a') }).base).toBe(1);
  });

  it('an entry that enters or leaves an index costs a unit, and one that moves costs two', () => {
    expect(unitsOf(undefined, withDue('1')).indexes).toEqual({ due: 1 });
    expect(unitsOf(withDue('1'), { PK: text('a') }).indexes).toEqual({ due: 1 });
    expect(unitsOf(withDue('1'), withDue('2')).indexes).toEqual({ due: 2 });
  });

  it('an index that a write leaves alone costs nothing', () => {
    expect(unitsOf(withDue('1'), withDue('1', { other: text('b') })).indexes).toEqual({});
    expect(unitsOf({ PK: text('a') }, { PK: text('a'), shard: text('1') }).indexes).toEqual({});
  });

  it('a projected attribute that changes costs the entry once', () => {
    const projecting: Index = { ...due, projected: ['state'] };
    const [before, after] = ['A', 'B'].map((state) => withDue('1', { state: text(state) }));
    expect(unitsOf(before, after, projecting).indexes).toEqual({ due: 1 });
    expect(unitsOf(before, after).indexes).toEqual({});
    expect(unitsOf(before, after, { ...due, projected: 'all' }).indexes).toEqual({ due: 1 });
  });

  it('a refused write costs by the size of the item that stands', () => {
    expect(refusedUnits({ PK: text('a'), body: text('x'.repeat(3_000)) })).toEqual({ base: 3, indexes: {} });
    expect(refusedUnits(undefined)).toEqual({ base: 1, indexes: {} });
  });
});

it('the writes of a session are named by their function and position', () => {
  const write = (caller: string, key: string, base: number, refused = false) => ({
    caller,
    key,
    refused,
    units: { base, indexes: { due: 1 } },
    bytes: 1,
  });
  const traced = tracedWrites(
    [
      write('register', 'A#1', 1),
      write('cancel', 'A#1', 2),
      write('register', 'A#2', 1),
      write('cancel', 'A#1', 3),
      write('cancel', 'A#other', 9),
      write('cancel', 'A#2', 2, true),
    ],
    ['1', '2'],
  );
  expect(traced).toEqual([
    { caller: 'register', position: 1, times: 1, refused: 0, base: 1, indexes: { due: 1 } },
    { caller: 'cancel', position: 1, times: 1, refused: 0.5, base: 2, indexes: { due: 1 } },
    { caller: 'cancel', position: 2, times: 0.5, refused: 0, base: 1.5, indexes: { due: 0.5 } },
  ]);
  expect(unitsOfSession(traced)).toBe(7);
});

describe('the recording database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-recorded-'));
  let database: RecordedDatabase;
  let client: DynamoDBClient;
  const TableName = 'recorded';

  beforeAll(async () => {
    database = await startRecordedDatabase(folder);
    const settings = {
      endpoint: database.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    };
    const creator = new DynamoDBClient(settings);
    await creator.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'PK', KeyType: 'HASH' }],
        AttributeDefinitions: ['PK', 'shard', 'at'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        GlobalSecondaryIndexes: [
          {
            IndexName: 'due',
            KeySchema: [
              { AttributeName: 'shard', KeyType: 'HASH' },
              { AttributeName: 'at', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
      }),
    );
    creator.destroy();
    client = new DynamoDBClient({ ...settings, userAgentAppId: 'some-function' });
  });
  afterAll(async () => {
    client.destroy();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  it('notes each write with its function, its units and whether it was refused', async () => {
    const from = database.writes.length;
    const Item = withDue('1', { body: text('x'.repeat(1_500)) });
    await client.send(new PutItemCommand({ TableName, Item }));
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: { PK: text('a') },
        UpdateExpression: 'SET #at = :at',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: { ':at': text('2') },
      }),
    );
    const refused = client.send(
      new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(PK)' }),
    );
    await expect(refused).rejects.toThrow('conditional');
    expect(database.writes.slice(from)).toEqual([
      {
        caller: 'some-function',
        key: 'a',
        refused: false,
        units: { base: 2, indexes: { due: 1 } },
        bytes: 1_516,
      },
      {
        caller: 'some-function',
        key: 'a',
        refused: false,
        units: { base: 2, indexes: { due: 2 } },
        bytes: 1_516,
      },
      { caller: 'some-function', key: 'a', refused: true, units: { base: 2, indexes: {} }, bytes: 1_516 },
    ]);
  });

  it('notes what each read costs', async () => {
    const from = database.reads.length;
    const Key = { PK: text('a') };
    await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    await client.send(new GetItemCommand({ TableName, Key: { PK: text('none') } }));
    await client.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key], ConsistentRead: true } } }),
    );
    await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'due',
        KeyConditionExpression: '#shard = :shard',
        ExpressionAttributeNames: { '#shard': 'shard' },
        ExpressionAttributeValues: { ':shard': text('1') },
      }),
    );
    expect(database.reads.slice(from).map(({ action, units }) => [action, units])).toEqual([
      ['GetItem', 1],
      ['GetItem', 0.5],
      ['BatchGetItem', 1],
      ['Query', 0.5],
    ]);
  });
});

it('the fixed part counts each metric that an alarm reads', () => {
  const metric = { Id: 'm', MetricStat: {} };
  const counted = countCosts({
    Resources: {
      a: { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' } },
      b: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: { Metrics: [{ Id: 'e', Expression: 'm + n' }, metric, metric] },
      },
      c: { Type: 'AWS::SecretsManager::Secret' },
      d: { Type: 'AWS::Lambda::Function', Properties: { LoggingConfig: { SystemLogLevel: 'WARN' } } },
    },
  });
  expect(counted).toMatchObject({ alarms: 2, alarmMetrics: 3, secrets: 1, hasQuietPlatform: true });
  const costs = fixedCosts(counted, 10, { what: 'sweeps', count: 1, dollars: 0.1 });
  expect(costs.reduce((sum, { dollars }) => sum + dollars, 0)).toBeCloseTo(0.3 + 0.4 + 3 + 0.1);
});

it('the platform is not quiet where one function keeps the default log level', () => {
  const quiet = { Type: 'AWS::Lambda::Function', Properties: { LoggingConfig: { SystemLogLevel: 'WARN' } } };
  const loud = { Type: 'AWS::Lambda::Function', Properties: {} };
  expect(countCosts({ Resources: { quiet, loud } }).hasQuietPlatform).toBe(false);
});

it("a call of the API costs the bytes of its line in the API's log", () => {
  const stage = (Format: string) => ({
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { AccessLogSettings: { Format } },
  });
  const bytesOf = (format: string) => countCosts({ Resources: { stage: stage(format) } }).accessLogBytes;
  expect(bytesOf('{"status":"$context.status","error":"$context.authorizer.error"}')).toBe(
    '{"status":"200","error":"-"}\n'.length,
  );
  expect(countCosts({ Resources: {} }).accessLogBytes).toBe(0);
});

it('the stack costs at most 15 dollars a month without a session', () => {
  const template = countCosts(templateOf().toJSON());
  const sweep = { what: 'sweeps', count: 1, dollars: 0.2 };
  const dollars = fixedCosts(template, Object.keys(metrics).length, sweep).reduce(
    (sum, cost) => sum + cost.dollars,
    0,
  );
  expect(dollars).toBeLessThanOrEqual(15);
  expect(template.hasQuietPlatform).toBe(true);
});

describe('the peers', () => {
  const job = (...calls: readonly string[]): Job => ({ calls, millis: 100, logBytes: 1_024 });
  const webhook = job('dynamodb.UpdateItem', 'eventbridge.PutEvents');
  const cancel = job('dynamodb.GetItem', 'dynamodb.UpdateItem');
  const lean = {
    register: job('dynamodb.UpdateItem'),
    webhook,
    cancel,
    timer: cancel,
    'timer, paid': job('dynamodb.GetItem'),
  };

  it('a session of lean that is paid reads once at its deadline', () => {
    const usage = leanUsage(lean, { end: 'spared', timerFires: true }, 2);
    expect(usage).toMatchObject({
      'Lambda calls': 4,
      'HTTP API calls': 1,
      'DynamoDB write units': 3,
      'DynamoDB read units': 1,
      'EventBridge events': 2,
      'Scheduler firings': 1,
      'SQS calls': 0,
    });
  });

  it('a session of lean that the shop cancels fires no schedule', () => {
    const usage = leanUsage(lean, { end: 'canceled', timerFires: false }, 2);
    expect(usage).toMatchObject({
      'HTTP API calls': 2,
      'DynamoDB write units': 4,
      'Scheduler firings': 0,
    });
  });

  it('a workflow service takes the place of Scheduler', () => {
    const flow = { end: 'canceled', timerFires: true } as const;
    const typical = typicalUsage({ webhook, cancel }, flow, 2);
    const rest = dollarsOf(typical) - 1;
    const together = (costs: readonly { readonly dollars: number }[]) =>
      costs.reduce((sum, { dollars }) => sum + dollars, 0);
    expect(together(stepFunctionsCost(typical, dollarsOf(typical)))).toBeCloseTo(rest + 50);
    expect(together(durableFunctionsCost(flow, typical, dollarsOf(typical)))).toBeCloseTo(
      rest + 40 + 1.25 + 0.35 + 0.2,
    );
  });
});
