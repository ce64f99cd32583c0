import { expect, it } from 'vitest';
import { resourcesOf, templateOf } from './synthesized.ts';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
}

const resources = resourcesOf(templateOf());

/** The names of the stack's resources in the table below. */
const names: readonly (readonly [RegExp, string])[] = [
  [/^arn:aws:dynamodb:.*:table\/PaymentRequests[^/]*$/, 'table'],
  [/^arn:aws:dynamodb:.*:table\/PaymentRequests[^/]*\/index\/(\w+)$/, 'table/index/$1'],
  [/^arn:aws:dynamodb:.*\/stream\/.*$/, 'stream'],
  [/^arn:aws:secretsmanager:.*:secret:Secretsaccounts.*$/, 'secret accounts'],
  [/^arn:aws:secretsmanager:.*:secret:Lapse\/credentials\/\*$/, 'secrets of credentials'],
  [/^arn:aws:secretsmanager:.*:secret:Secretssigningkeys.*$/, 'secret signing-keys'],
  [/^arn:aws:secretsmanager:.*:secret:Secretspagekeys.*$/, 'secret page-keys'],
  [/^arn:aws:scheduler:.*:schedule\/Lapse-sessions\/\*$/, 'schedules of sessions'],
  [/^arn:aws:sqs:.*:SessionTimerQueue.*$/, 'timer queue'],
  [/^arn:aws:sqs:.*:SessionTimerDeadLetters.*$/, 'timer dead letters'],
  [/^arn:aws:sqs:.*:ReconciliationDeadLetters.*$/, 'sweep dead letters'],
  [/^arn:aws:sqs:.*:StateChangesUnpublished.*$/, 'unpublished'],
  [/^arn:aws:iam::.*:role\/SessionTimerRole.*$/, 'timer role'],
  [/^arn:aws:events:.*$/, 'bus'],
  [/^arn:aws:lambda:.*:function:([\w-]+):live$/, '$1'],
  [/^arn:aws:lambda:.*:function:([\w-]+)$/, '$1 itself'],
  [/^arn:.*logs.*$/, 'own log'],
];

const list = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string' ? [value] : value;

const nameOf = (resource: string): string => {
  const [pattern, name] = names.find(([candidate]) => candidate.test(resource)) ?? [];
  return pattern && name !== undefined ? resource.replace(pattern, name) : resource;
};

/** Every permission of every role, one line each, without those on the function's own log. */
const linesOf = (all: typeof resources) =>
  all
    .filter(({ type }) => type === 'AWS::IAM::Policy')
    .flatMap(({ properties }) => {
      const [role = ''] = properties['Roles'] as string[];
      const { Statement: statements } = properties['PolicyDocument'] as { Statement: Statement[] };
      return statements.flatMap(({ Action, Resource, Condition }) =>
        list(Action).flatMap((action) =>
          list(Resource).map(
            (resource) =>
              `${role.replace(/[0-9A-F]{8}$/, '')}: ${action} on ${nameOf(resource)}${Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`}`,
          ),
        ),
      );
    })
    .filter((line) => !line.endsWith('on own log'));
const lines = linesOf(resources);

const passRole =
  'iam:PassRole on timer role if {"StringEquals":{"iam:PassedToService":"scheduler.amazonaws.com"}}';
const items = ['dynamodb:GetItem on table', 'dynamodb:UpdateItem on table'];
const batch = 'dynamodb:BatchGetItem on table';
const accounts = [
  'secretsmanager:GetSecretValue on secret accounts',
  'secretsmanager:GetSecretValue on secrets of credentials',
];
const removal = 'scheduler:DeleteSchedule on schedules of sessions';
const arming = [
  ...['CreateSchedule', 'GetSchedule', 'UpdateSchedule'].map(
    (verb) => `scheduler:${verb} on schedules of sessions`,
  ),
  removal,
  'sqs:SendMessage on timer queue',
  passRole,
];
const receiving = [
  'ChangeMessageVisibility',
  'DeleteMessage',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ReceiveMessage',
];
const functions = ['register', 'get', 'cancel'];

const allowed: Readonly<Record<string, readonly string[]>> = {
  ApiRegisterRole: [
    ...items,
    batch,
    ...accounts,
    ...arming,
    'dynamodb:Query on table/index/reference',
    'dynamodb:Query on table/index/session',
  ],
  ApiGetRole: [
    ...items,
    batch,
    ...accounts,
    'dynamodb:Query on table/index/attention',
    'dynamodb:Query on table/index/due',
    'dynamodb:Query on table/index/open',
    'dynamodb:Query on table/index/reference',
    'dynamodb:Query on table/index/session',
  ],
  ApiCancelRole: [
    ...items,
    batch,
    ...accounts,
    removal,
    'dynamodb:Query on table/index/reference',
    'dynamodb:Query on table/index/session',
  ],
  WebhookReceiveRole: [...items, 'secretsmanager:GetSecretValue on secret signing-keys'],
  SessionTimerExpireRole: [
    ...items,
    batch,
    'dynamodb:Query on table/index/reference',
    'dynamodb:Query on table/index/session',
    ...accounts,
    ...arming,
    ...receiving.map((verb) => `sqs:${verb} on timer queue`),
  ],
  ReconciliationReconcileRole: [
    ...items,
    batch,
    'dynamodb:Query on table/index/session',
    ...accounts,
    ...arming,
    'dynamodb:Query on table/index/due',
    'dynamodb:Query on table/index/open',
    'dynamodb:Query on table/index/reference',
    'sqs:SendMessage on sweep dead letters',
  ],
  StateChangesPublishRole: [
    ...['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
      (verb) => `dynamodb:${verb} on stream`,
    ),
    'events:PutEvents on bus',
    'dynamodb:GetItem on table',
    batch,
    'dynamodb:Query on table/index/reference',
    'dynamodb:Query on table/index/session',
    'sqs:SendMessage on timer queue',
    'sqs:SendMessage on unpublished',
  ],
  SessionTimerRole: ['sqs:SendMessage on timer queue', 'sqs:SendMessage on timer dead letters'],
  ReconciliationRole: [
    'lambda:InvokeFunction on reconcile-payment-requests',
    'sqs:SendMessage on sweep dead letters',
  ],
  CanaryRole: [
    'cloudwatch:DescribeAlarms on *',
    ...[
      ...functions.map((verb) => `${verb}-payment-request`),
      ...[
        'receive-klarna-webhook',
        'cancel-expired-session',
        'reconcile-payment-requests',
        'publish-state-changes',
      ],
    ].flatMap((name) => [
      `lambda:GetAlias on ${name} itself`,
      `lambda:UpdateAlias on ${name} itself`,
      `lambda:GetProvisionedConcurrencyConfig on ${name}`,
    ]),
  ],
};

it.each(Object.entries(allowed))('%s has exactly these permissions', (role, statements) => {
  const own = lines.filter((line) => line.startsWith(`${role}: `)).map((line) => line.slice(role.length + 2));
  expect([...new Set(own)].toSorted()).toEqual(statements.toSorted());
});

it('no other role has permissions', () => {
  const roles = new Set(lines.map((line) => line.slice(0, line.indexOf(':'))));
  expect([...roles].toSorted()).toEqual(Object.keys(allowed).toSorted());
  for (const { properties } of resources.filter(({ type }) => type === 'AWS::IAM::Role')) {
    expect(properties).not.toHaveProperty('ManagedPolicyArns');
    expect(properties).not.toHaveProperty('Policies');
  }
});

it('a stack with pages adds one permission: get-payment-request reads the keys of their tokens', () => {
  const withPages = linesOf(resourcesOf(templateOf({ pageOrigins: ['https://shop.example'] })));
  expect(withPages.filter((line) => !lines.includes(line))).toEqual([
    'ApiGetRole: secretsmanager:GetSecretValue on secret page-keys',
  ]);
  expect(lines.filter((line) => !withPages.includes(line))).toEqual([]);
});

it('only actions without a resource type are allowed on all resources, and no action is a pattern', () => {
  expect(lines.filter((line) => line.includes(' on *'))).toEqual([
    'CanaryRole: cloudwatch:DescribeAlarms on *',
  ]);
  expect(lines.filter((line) => /: \w+:\S*\*/.test(line))).toEqual([]);
});

it('Scheduler can assume its roles for the schedules of their own group in this account only', () => {
  const trusts = resources
    .filter(({ type, id }) => type === 'AWS::IAM::Role' && /^(SessionTimer|Reconciliation)Role/.test(id))
    .map(({ properties }) => properties['AssumeRolePolicyDocument']);
  expect(trusts).toHaveLength(2);
  for (const trust of trusts) {
    expect(trust).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'scheduler.amazonaws.com' },
          Condition: {
            StringEquals: {
              'aws:SourceAccount': '000000000000',
              'aws:SourceArn': expect.stringMatching(/ScheduleGroup|schedulegroup|Group/i) as unknown,
            },
          },
        },
      ],
    });
  }
});
