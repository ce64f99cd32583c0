import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FunctionName } from '../../functions/runtime/environment.ts';
import { apiRoutes } from '../../functions/runtime/unknown-route.ts';
import { functionNames } from '../../lib/function-bundle.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';

let template: Template;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-bundle-'));
  writeFileSync(join(folder, 'index.js'), 'exports.handler = async () => undefined;');
  const bundles = Object.fromEntries(functionNames.map((name) => [name, folder])) as Record<
    FunctionName,
    string
  >;
  template = Template.fromStack(new LapseStack(new App(), 'Lapse', { bundles }));
  rmSync(folder, { recursive: true });
});

/** The statements of a function's own policy as `action`s, sorted. */
function actionsOf(functionName: FunctionName): readonly string[] {
  const [entry] = Object.entries(template.findResources('AWS::Lambda::Function')).filter(
    ([, resource]) =>
      (resource as { Properties: { Description?: string } }).Properties.Description === functionName,
  );
  const role = (entry?.[1] as { Properties: { Role: { 'Fn::GetAtt': [string] } } }).Properties.Role[
    'Fn::GetAtt'
  ][0];
  const policies = template.findResources('AWS::IAM::Policy', { Properties: { Roles: [{ Ref: role }] } });
  const statements = Object.values(policies).flatMap(
    (policy) =>
      (policy as { Properties: { PolicyDocument: { Statement: { Action: string | string[] }[] } } })
        .Properties.PolicyDocument.Statement,
  );
  return statements.flatMap(({ Action }) => Action).toSorted();
}

const items = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];
const secret = 'secretsmanager:GetSecretValue';
const arm = [
  'iam:PassRole',
  ...['CreateSchedule', 'DeleteSchedule', 'GetSchedule', 'UpdateSchedule'].map((verb) => `scheduler:${verb}`),
];
const receive = [
  'ChangeMessageVisibility',
  'DeleteMessage',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ReceiveMessage',
];

describe('least privilege', () => {
  it.each<[FunctionName, readonly string[]]>([
    ['register-payment-request', [...items, ...arm, secret, 'sqs:SendMessage']],
    ['get-payment-request', [...items, 'dynamodb:Query', secret]],
    ['cancel-payment-request', [...items, 'dynamodb:Query', 'scheduler:DeleteSchedule', secret]],
    ['receive-klarna-webhook', ['dynamodb:UpdateItem', secret]],
    [
      'cancel-expired-session',
      [
        ...items,
        ...arm,
        secret,
        'sqs:ChangeMessageVisibility',
        'sqs:SendMessage',
        ...receive.map((a) => `sqs:${a}`),
      ],
    ],
    ['reconcile-payment-requests', [...items, 'dynamodb:Query', ...arm, secret, 'sqs:SendMessage']],
    [
      'publish-state-changes',
      [
        ...['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((a) => `dynamodb:${a}`),
        'events:PutEvents',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:SendMessage',
      ],
    ],
  ])('%s', (name, actions) => {
    expect(actionsOf(name)).toEqual(actions.toSorted());
  });
});

it('serves exactly the routes that the answer to an unknown one lists, all behind IAM', () => {
  const routes = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(
    (route) => (route as { Properties: { RouteKey: string; AuthorizationType: string } }).Properties,
  );
  expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual([...apiRoutes, '$default'].toSorted());
  expect(new Set(routes.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['AWS_IAM']));
});

it('keeps what holds data, under ids that stay', () => {
  const ids = [
    ...Object.keys(template.findResources('AWS::DynamoDB::GlobalTable')),
    ...Object.keys(template.findResources('AWS::SecretsManager::Secret')),
  ];
  expect(ids).toMatchInlineSnapshot(`
    [
      "PaymentRequestsTableBAC0AE11",
      "Secretsaccounts010D0AF0",
      "Secretssigningkeys3245CC07",
    ]
  `);
  template.allResources('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Retain' });
  template.allResources('AWS::SecretsManager::Secret', { DeletionPolicy: 'Retain' });
  template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
    Replicas: [
      Match.objectLike({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    ],
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
});

it('runs every function on Node 24 and arm64, and every queue has a dead-letter queue or is one', () => {
  template.allResourcesProperties('AWS::Lambda::Function', {
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
  });
  template.hasResourceProperties('AWS::SQS::Queue', {
    RedrivePolicy: Match.objectLike({ maxReceiveCount: 12 }),
    VisibilityTimeout: 180,
  });
});

it('opens the webhook to the world with both permissions that a Lambda URL needs', () => {
  template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
  for (const action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
    template.hasResourceProperties('AWS::Lambda::Permission', { Action: action, Principal: '*' });
  }
});

it('delivers timers and changes with partial failures', () => {
  template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2);
  template.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
});
