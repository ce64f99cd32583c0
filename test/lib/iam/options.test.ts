import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { expect, it } from 'vitest';
import { resourcesOf, templateOf, type Synthesized } from '../synthesized.ts';
import { arn, type IamRequest } from './iam-requests.ts';
import { decide } from './simulate.ts';
import { listOf, policiesOf, type Statement } from './stack-policies.ts';
import { findingsOf } from './statement-findings.ts';
import { addLapseWithOptions } from './stack-with-options.ts';

/** Without the hashes of logical ids. */
const plain = (resources: readonly Synthesized[]): readonly Synthesized[] =>
  JSON.parse(JSON.stringify(resources).replaceAll(/(?<=[a-z])[0-9A-F]{8}\b/g, '')) as readonly Synthesized[];

const stack = addLapseWithOptions(new App(), (lapse) => {
  const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
  const backEnd = new Role(Stack.of(lapse), 'BackEnd', { assumedBy });
  lapse.grantCall(backEnd, { account: 'shop-se', actions: ['read', 'register'] });
});
const resources = plain(resourcesOf(Template.fromStack(stack)));
const policies = policiesOf(resources);

/** The permissions of roles, one line each. */
const linesOf = (of: readonly Synthesized[]): ReadonlySet<string> =>
  new Set(
    policiesOf(of)
      .filter(({ kind }) => kind === 'identity')
      .flatMap(({ of: role, statements }) =>
        statements.flatMap((statement) =>
          listOf(statement.Action).map(
            (action) => `${role.replace(/^Lapse/, '')}: ${lineOf(action, statement)}`,
          ),
        ),
      ),
  );

const lineOf = (action: string, { Effect, Condition }: Statement): string =>
  `${Effect === 'Deny' ? 'not ' : ''}${action}${Condition === undefined ? '' : ` if ${Object.keys(Condition).join()}`}`;

it('every statement of a stack with all options names actions, resource types and condition keys of AWS', async () => {
  expect(policies.length).toBeGreaterThan(30);
  expect((await Promise.all(policies.map(findingsOf))).flat()).toEqual([]);
});

it('the options add these permissions to each function, and no others', () => {
  const byDefault = linesOf(plain(resourcesOf(templateOf())));
  const added = [...linesOf(resources)].filter((line) => !byDefault.has(line));
  const network = [
    'AssignPrivateIpAddresses',
    'CreateNetworkInterface',
    'DeleteNetworkInterface',
    'DescribeNetworkInterfaces',
    'DescribeSubnets',
    'UnassignPrivateIpAddresses',
  ];
  const key = ['Decrypt', 'Encrypt', 'GenerateDataKey*', 'ReEncrypt*'].map((verb) => `kms:${verb}`);
  const ofFunction = [
    ...network.flatMap((verb) => [`ec2:${verb}`, `not ec2:${verb} if ArnLike`]),
    ...key,
    'xray:PutTraceSegments',
    'xray:PutTelemetryRecords',
  ];
  const roles = [
    'ApiRegisterRole',
    'ApiGetRole',
    'ApiCancelRole',
    'WebhookReceiveRole',
    'SessionTimerExpireRole',
    'ReconciliationReconcileRole',
    'StateChangesPublishRole',
  ];
  expect(added.toSorted()).toEqual(
    [
      ...roles.flatMap((role) => ofFunction.map((line) => `${role}: ${line}`)),
      ...['SessionTimerRole', 'ReconciliationRole'].flatMap((role) => key.map((line) => `${role}: ${line}`)),
      // The CDK grants it with the stream of an encrypted table.
      'StateChangesPublishRole: kms:DescribeKey',
      'ForwardedEventsDestinationEventsRole: events:InvokeApiDestination',
      'BackEnd: execute-api:Invoke',
    ].toSorted(),
  );
});

const rule = resources.find(({ type }) => type === 'AWS::Events::Rule')?.id ?? '';
const ruleArn = arn('events', `rule/bus/${rule}`);
const deadLetters = arn('sqs', 'LapseForwardedEventsDeadLettersQueue');
const key = arn('kms', 'key/Key');
const fromHere = { 'aws:SourceAccount': '000000000000' };
const role = 'LapseApiCancelRole';
const destination = resources.find(({ type }) => type === 'AWS::Events::ApiDestination')?.id ?? '';
const roleArn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

const pageKeys = arn('secretsmanager', 'secret:LapseSecretspagekeys');

const described = ({ principal, action, resource, context }: IamRequest): string =>
  `${principal}: ${action} on ${resource}${context ? ` with ${JSON.stringify(context)}` : ''}`;

const logs = 'logs.eu-west-1.amazonaws.com';
const logContext = (group: string) => ({
  'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:eu-west-1:${group}`,
});

const allowed: readonly IamRequest[] = [
  // Lambda connects a function to the network.
  { principal: role, action: 'ec2:CreateNetworkInterface', resource: arn('ec2', 'network-interface/eni-1') },
  { principal: role, action: 'ec2:DescribeNetworkInterfaces', resource: '*' },
  // The Lambda service sends traces with the role of the function.
  { principal: role, action: 'xray:PutTraceSegments', resource: '*' },
  // The functions read secrets that are not of this stack, with their own keys.
  {
    principal: role,
    action: 'secretsmanager:GetSecretValue',
    resource: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:accounts-abcdef',
  },
  {
    principal: 'LapseWebhookReceiveRole',
    action: 'secretsmanager:GetSecretValue',
    resource: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:signing-keys-123456',
  },
  { principal: role, action: 'kms:Decrypt', resource: arn('kms', 'key/SecretsKey') },
  // One function makes and accepts page tokens.
  { principal: 'LapseApiGetRole', action: 'secretsmanager:GetSecretValue', resource: pageKeys },
  // CloudWatch Logs, EventBridge and CloudWatch use the key.
  {
    principal: logs,
    action: 'kms:GenerateDataKey',
    resource: key,
    context: logContext('000000000000:log-group:g'),
  },
  {
    principal: 'events.amazonaws.com',
    action: 'kms:GenerateDataKey',
    resource: key,
    context: { ...fromHere, 'aws:SourceArn': ruleArn },
  },
  { principal: 'cloudwatch.amazonaws.com', action: 'kms:Decrypt', resource: key, context: fromHere },
  // EventBridge forwards events, and keeps those that the endpoint does not take.
  {
    principal: 'events.amazonaws.com',
    action: 'sts:AssumeRole',
    resource: roleArn('LapseForwardedEventsDestinationEventsRole'),
  },
  {
    principal: 'LapseForwardedEventsDestinationEventsRole',
    action: 'events:InvokeApiDestination',
    resource: arn('events', `api-destination/${destination}`),
  },
  {
    principal: 'events.amazonaws.com',
    action: 'sqs:SendMessage',
    resource: deadLetters,
    context: { 'aws:SourceArn': arn('events', `rule/${rule}`) },
  },
];

const denied: readonly IamRequest[] = [
  // The code of a function cannot do what Lambda does with the function's role.
  ...['CreateNetworkInterface', 'DeleteNetworkInterface'].map((verb) => ({
    principal: role,
    action: `ec2:${verb}`,
    resource: arn('ec2', 'network-interface/eni-1'),
    context: { 'lambda:SourceFunctionArn': arn('lambda', 'function:any') },
  })),
  { principal: role, action: 'ec2:RunInstances', resource: arn('ec2', 'instance/i-1') },
  // The webhook has no API keys, also where the secrets are not of this stack.
  {
    principal: 'LapseWebhookReceiveRole',
    action: 'secretsmanager:GetSecretValue',
    resource: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:accounts-abcdef',
  },
  {
    principal: 'LapseWebhookReceiveRole',
    action: 'secretsmanager:GetSecretValue',
    resource: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:signing-keys-of-another-system-123456',
  },
  // No other function has the keys of page tokens, and none can replace them.
  ...[role, 'LapseApiRegisterRole', 'LapseWebhookReceiveRole'].map((principal) => ({
    principal,
    action: 'secretsmanager:GetSecretValue',
    resource: pageKeys,
  })),
  { principal: 'LapseApiGetRole', action: 'secretsmanager:PutSecretValue', resource: pageKeys },
  // No other account and no other rule uses the key or the queue.
  {
    principal: logs,
    action: 'kms:GenerateDataKey',
    resource: key,
    context: logContext('111111111111:log-group:g'),
  },
  {
    principal: 'events.amazonaws.com',
    action: 'kms:GenerateDataKey',
    resource: key,
    context: { 'aws:SourceAccount': '111111111111', 'aws:SourceArn': ruleArn },
  },
  {
    principal: 'events.amazonaws.com',
    action: 'sqs:SendMessage',
    resource: deadLetters,
    context: { 'aws:SourceArn': arn('events', 'rule/another') },
  },
  {
    principal: 'LapseForwardedEventsDestinationEventsRole',
    action: 'events:PutEvents',
    resource: arn('events', 'event-bus/another'),
  },
  // A caller that may register cannot cancel, and has no other account.
  ...[
    'DELETE/accounts/shop-se/payment-requests/id',
    'PUT/accounts/shop-se/cancel-jobs/id',
    'GET/accounts/shop-no/payment-requests/id',
  ].map((path) => ({
    principal: 'BackEnd',
    action: 'execute-api:Invoke',
    resource: arn('execute-api', `LapseApi/$default/${path}`),
  })),
];

it.each(allowed.map((request) => [described(request), request] as const))(
  'allowed: %s',
  async (_, request) => {
    expect(await decide(policies, request)).toBe('allowed');
  },
);

it.each(denied.map((request) => [described(request), request] as const))('denied: %s', async (_, request) => {
  expect(await decide(policies, request)).toBe('denied');
});
