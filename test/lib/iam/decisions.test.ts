import { expect, it } from 'vitest';
import { pageRouteKeys, routeKeys, routes } from '../../../functions/contract/routes.ts';
import { functionNames } from '../../../functions/contract/function-name.ts';
import { localPageOrigins } from '../../../local/template/assembly.ts';
import { recordedCalls, withoutHashes } from '../../support/recorded-calls.ts';
import { resourcesOf, type Synthesized, templateOf } from '../synthesized.ts';
import { arn, type IamRequest, requestsOf } from './iam-requests.ts';
import { decide } from './simulate.ts';
import { policiesOf } from './stack-policies.ts';

/** The stack that the scenarios run. */
const stack = templateOf({ pageOrigins: localPageOrigins });
const resources = JSON.parse(withoutHashes(JSON.stringify(resourcesOf(stack)))) as readonly Synthesized[];
const policies = policiesOf(resources);

const ofFunction = (name: string): Synthesized['properties'] =>
  resources.find(
    ({ type, properties }) => type === 'AWS::Lambda::Function' && properties['Description'] === name,
  )?.properties ?? {};
/** The role of a function, by its logical id. */
const roleOf = (name: string): string => String(ofFunction(name)['Role']).replace(/^.*role\//, '');
const logOf = (name: string): string =>
  arn('logs', `log-group:${(ofFunction(name)['LoggingConfig'] as { LogGroup: string }).LogGroup}`);

const described = ({ principal, action, resource, context }: IamRequest): string =>
  `${principal}: ${action} on ${resource}${context ? ` with ${JSON.stringify(context)}` : ''}`;

const table = arn('dynamodb', 'table/PaymentRequestsTable');
const stream = `${table}/stream/local`;
const timerQueue = arn('sqs', 'SessionTimerQueue');
const deadTimers = arn('sqs', 'SessionTimerDeadLettersQueue');
const deadSweeps = arn('sqs', 'ReconciliationDeadLettersQueue');
const unpublished = arn('sqs', 'StateChangesUnpublishedQueue');
const topic = arn('sns', 'AlarmTopic');
const accountsSecret = arn('secretsmanager', 'secret:Secretsaccounts');
const signingKeysSecret = arn('secretsmanager', 'secret:Secretssigningkeys');
const functionArn = (name: string): string => arn('lambda', `function:${name}`);
const live = (name: string): string => `${functionArn(name)}:live`;
const roleArn = (role: string): string => `arn:aws:iam::000000000000:role/${role}`;
const fromHere = { 'aws:SourceAccount': '000000000000' };
const ofGroup = (group: string) => ({ 'aws:SourceArn': arn('scheduler', `schedule-group/${group}`) });

const scheduler = 'scheduler.amazonaws.com';
const expire = roleOf('cancel-expired-session');
const publish = roleOf('publish-state-changes');
const webhook = roleOf('receive-klarna-webhook');

/** Calls that AWS's services make themselves, from their documents. */
const ofServices: readonly IamRequest[] = [
  // Scheduler, for the session timers and for the sweep.
  {
    principal: scheduler,
    action: 'sts:AssumeRole',
    resource: roleArn('SessionTimerRole'),
    context: { ...fromHere, ...ofGroup('Lapse-sessions') },
  },
  { principal: 'SessionTimerRole', action: 'sqs:SendMessage', resource: timerQueue },
  { principal: 'SessionTimerRole', action: 'sqs:SendMessage', resource: deadTimers },
  {
    principal: scheduler,
    action: 'sts:AssumeRole',
    resource: roleArn('ReconciliationRole'),
    context: { ...fromHere, ...ofGroup('Lapse-sweep') },
  },
  {
    principal: 'ReconciliationRole',
    action: 'lambda:InvokeFunction',
    resource: live('reconcile-payment-requests'),
  },
  { principal: 'ReconciliationRole', action: 'sqs:SendMessage', resource: deadSweeps },
  // Lambda: roles, logs, and the two event source mappings.
  ...functionNames.flatMap((name) => [
    { principal: 'lambda.amazonaws.com', action: 'sts:AssumeRole', resource: roleArn(roleOf(name)) },
    ...['CreateLogStream', 'PutLogEvents'].map((verb) => ({
      principal: roleOf(name),
      action: `logs:${verb}`,
      resource: `${logOf(name)}:log-stream:2026/11/29/[1]abc`,
    })),
  ]),
  ...['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((verb) => ({
    principal: expire,
    action: `sqs:${verb}`,
    resource: timerQueue,
  })),
  ...['DescribeStream', 'GetRecords', 'GetShardIterator'].map((verb) => ({
    principal: publish,
    action: `dynamodb:${verb}`,
    resource: stream,
  })),
  { principal: publish, action: 'sqs:SendMessage', resource: unpublished },
  // Lambda keeps a failed run of the sweep.
  { principal: roleOf('reconcile-payment-requests'), action: 'sqs:SendMessage', resource: deadSweeps },
  // CodeDeploy shifts the alias and looks at the alarms.
  { principal: 'codedeploy.amazonaws.com', action: 'sts:AssumeRole', resource: roleArn('CanaryRole') },
  ...functionNames.flatMap((name) => [
    { principal: 'CanaryRole', action: 'lambda:GetAlias', resource: functionArn(name) },
    { principal: 'CanaryRole', action: 'lambda:UpdateAlias', resource: functionArn(name) },
    { principal: 'CanaryRole', action: 'lambda:GetProvisionedConcurrencyConfig', resource: live(name) },
  ]),
  { principal: 'CanaryRole', action: 'cloudwatch:DescribeAlarms', resource: '*' },
  // CloudWatch notifies the topic.
  { principal: 'cloudwatch.amazonaws.com', action: 'sns:Publish', resource: topic, context: fromHere },
  // API Gateway invokes a function for every route, and for unknown ones.
  ...[
    ...routeKeys.map((key) => [key, routes[key].by] as const),
    ...pageRouteKeys.map((key) => [key, 'get-payment-request'] as const),
  ].map(([key, by]) => ({
    principal: 'apigateway.amazonaws.com',
    action: 'lambda:InvokeFunction',
    resource: live(by),
    context: { 'aws:SourceArn': arn('execute-api', `Api/$default/${key.replace(' ', '')}`) },
  })),
  {
    principal: 'apigateway.amazonaws.com',
    action: 'lambda:InvokeFunction',
    resource: live('get-payment-request'),
    context: { 'aws:SourceArn': arn('execute-api', 'Api/$default/$default') },
  },
  // Klarna calls the Lambda URL, which needs both permissions.
  {
    principal: 'anonymous',
    action: 'lambda:InvokeFunctionUrl',
    resource: live('receive-klarna-webhook'),
    context: { 'lambda:FunctionUrlAuthType': 'NONE' },
  },
  {
    principal: 'anonymous',
    action: 'lambda:InvokeFunction',
    resource: live('receive-klarna-webhook'),
    context: { 'lambda:InvokedViaFunctionUrl': 'true' },
  },
];

/** Calls that a conflict can lead to: a webhook reads its record, and arming a timer reads and updates the schedule. */
const afterConflicts: readonly IamRequest[] = [
  { principal: webhook, action: 'dynamodb:GetItem', resource: table },
  ...[expire, roleOf('reconcile-payment-requests')].flatMap((principal) => [
    ...['GetSchedule', 'UpdateSchedule'].map((verb) => ({
      principal,
      action: `scheduler:${verb}`,
      resource: arn('scheduler', 'schedule/Lapse-sessions/A-SCHEDULE'),
    })),
    { principal, action: 'sqs:SendMessage', resource: timerQueue },
  ]),
];

it('every call that the scenarios recorded is allowed', async () => {
  const calls = recordedCalls();
  expect(new Set(calls.map(({ caller }) => caller))).toEqual(new Set(functionNames));
  const requests = calls.flatMap((call) => requestsOf(call, roleOf(call.caller)));
  const decisions = await Promise.all(
    requests.map(async (request) => `${await decide(policies, request)}: ${described(request)}`),
  );
  expect(decisions.filter((decision) => !decision.startsWith('allowed'))).toEqual([]);
});

it.each([...ofServices, ...afterConflicts].map((request) => [described(request), request] as const))(
  'allowed: %s',
  async (_, request) => {
    expect(await decide(policies, request)).toBe('allowed');
  },
);

const refused: readonly IamRequest[] = [
  // Only CloudWatch of this account notifies the topic, and only with TLS.
  {
    principal: 'cloudwatch.amazonaws.com',
    action: 'sns:Publish',
    resource: topic,
    context: { 'aws:SourceAccount': '111111111111' },
  },
  {
    principal: 'cloudwatch.amazonaws.com',
    action: 'sns:Publish',
    resource: topic,
    context: { ...fromHere, 'aws:SecureTransport': 'false' },
  },
  { principal: 'anonymous', action: 'sns:Publish', resource: topic },
  // The webhook reads no API key, and no function reads what is beside the prefix of the credentials.
  {
    principal: 'WebhookReceiveRole',
    action: 'secretsmanager:GetSecretValue',
    resource: arn('secretsmanager', 'secret:Lapse/credentials/acquirer-A1b2C3'),
  },
  {
    principal: 'ApiCancelRole',
    action: 'secretsmanager:GetSecretValue',
    resource: arn('secretsmanager', 'secret:Lapse-other/credentials/acquirer-A1b2C3'),
  },
  // Scheduler uses the roles for their own group of this account.
  {
    principal: scheduler,
    action: 'sts:AssumeRole',
    resource: roleArn('SessionTimerRole'),
    context: { ...fromHere, ...ofGroup('Lapse-sweep') },
  },
  {
    principal: scheduler,
    action: 'sts:AssumeRole',
    resource: roleArn('SessionTimerRole'),
    context: { 'aws:SourceAccount': '111111111111', ...ofGroup('Lapse-sessions') },
  },
  {
    principal: 'SessionTimerRole',
    action: 'lambda:InvokeFunction',
    resource: live('cancel-expired-session'),
  },
  { principal: 'ReconciliationRole', action: 'sqs:SendMessage', resource: timerQueue },
  {
    principal: 'ReconciliationRole',
    action: 'lambda:InvokeFunction',
    resource: live('cancel-payment-request'),
  },
  {
    principal: 'SessionTimerRole',
    action: 'sqs:SendMessage',
    resource: timerQueue,
    context: { 'aws:SecureTransport': 'false' },
  },
  // No function reads the whole table, deletes, or puts items without a condition on what is there.
  ...functionNames.flatMap((name) =>
    ['Scan', 'DeleteItem', 'PutItem', 'BatchWriteItem'].map((verb) => ({
      principal: roleOf(name),
      action: `dynamodb:${verb}`,
      resource: table,
    })),
  ),
  // No function changes a secret, a function or a role.
  ...functionNames.flatMap((name) => [
    { principal: roleOf(name), action: 'secretsmanager:PutSecretValue', resource: accountsSecret },
    { principal: roleOf(name), action: 'lambda:UpdateFunctionCode', resource: functionArn(name) },
    {
      principal: roleOf(name),
      action: 'iam:PassRole',
      resource: roleArn('ReconciliationRole'),
      context: { 'iam:PassedToService': scheduler },
    },
    {
      principal: roleOf(name),
      action: 'iam:PassRole',
      resource: roleArn('SessionTimerRole'),
      context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    },
    {
      principal: roleOf(name),
      action: 'scheduler:CreateSchedule',
      resource: arn('scheduler', 'schedule/default/A-SCHEDULE'),
    },
    { principal: roleOf(name), action: 'scheduler:ListSchedules', resource: '*' },
    { principal: roleOf(name), action: 'events:PutEvents', resource: arn('events', 'event-bus/default') },
  ]),
  // The public webhook has no API keys, lists no records, and makes no timers.
  { principal: webhook, action: 'secretsmanager:GetSecretValue', resource: accountsSecret },
  { principal: webhook, action: 'dynamodb:Query', resource: `${table}/index/session` },
  {
    principal: webhook,
    action: 'scheduler:CreateSchedule',
    resource: arn('scheduler', 'schedule/Lapse-sessions/A-SCHEDULE'),
  },
  // Neither a read nor a cancel makes a timer, and publishing changes no record.
  ...['get-payment-request', 'cancel-payment-request', 'publish-state-changes'].map((name) => ({
    principal: roleOf(name),
    action: 'scheduler:CreateSchedule',
    resource: arn('scheduler', 'schedule/Lapse-sessions/A-SCHEDULE'),
  })),
  {
    principal: roleOf('get-payment-request'),
    action: 'scheduler:DeleteSchedule',
    resource: arn('scheduler', 'schedule/Lapse-sessions/A-SCHEDULE'),
  },
  { principal: publish, action: 'dynamodb:UpdateItem', resource: table },
  { principal: publish, action: 'secretsmanager:GetSecretValue', resource: accountsSecret },
  // The functions that call Klarna do not need the signing keys.
  ...functionNames
    .filter((name) => name !== 'receive-klarna-webhook')
    .map((name) => ({
      principal: roleOf(name),
      action: 'secretsmanager:GetSecretValue',
      resource: signingKeysSecret,
    })),
  // CodeDeploy shifts the alias and changes nothing else.
  {
    principal: 'CanaryRole',
    action: 'lambda:UpdateFunctionCode',
    resource: functionArn('get-payment-request'),
  },
  { principal: 'CanaryRole', action: 'lambda:UpdateAlias', resource: functionArn('another-function') },
  // Functions are invoked by their trigger only.
  { principal: 'anonymous', action: 'lambda:InvokeFunction', resource: live('receive-klarna-webhook') },
  {
    principal: 'anonymous',
    action: 'lambda:InvokeFunctionUrl',
    resource: live('get-payment-request'),
    context: { 'lambda:FunctionUrlAuthType': 'NONE' },
  },
  {
    principal: 'apigateway.amazonaws.com',
    action: 'lambda:InvokeFunction',
    resource: live('get-payment-request'),
    context: {
      'aws:SourceArn': arn('execute-api', 'AnotherApi/$default/GET/accounts/{account}/payment-requests'),
    },
  },
  {
    principal: 'apigateway.amazonaws.com',
    action: 'lambda:InvokeFunction',
    resource: live('cancel-expired-session'),
  },
];

it.each(refused.map((request) => [described(request), request] as const))(
  'denied: %s',
  async (_, request) => {
    expect(await decide(policies, request)).toBe('denied');
  },
);
