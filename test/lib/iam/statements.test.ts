import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { expect, it } from 'vitest';
import { Lapse, type LapseProps } from '../../../lib/lapse.ts';
import { resourcesOf, type Synthesized, templateOf, withBundles } from '../synthesized.ts';
import { policiesOf, type Statement } from './stack-policies.ts';
import { findingsOf } from './statement-findings.ts';

/** Lapse with a key and a topic of the app it is in. */
const withKey = (): readonly Synthesized[] =>
  withBundles((bundles) => {
    const stack = new Stack(new App(), 'Checkout', { env: { region: 'eu-west-1' } });
    const encryptionKey = new Key(stack, 'Key');
    const alarmTopic = new Topic(stack, 'OnCall', { masterKey: encryptionKey });
    new Lapse(stack, 'Lapse', { bundles, ...({ encryptionKey, alarmTopic } as LapseProps) });
    return resourcesOf(Template.fromStack(stack));
  });

const stacks: readonly (readonly [string, () => readonly Synthesized[]])[] = [
  ['the default stack', () => resourcesOf(templateOf())],
  [
    'a stack with JWTs and the webhook on the API',
    () =>
      resourcesOf(
        templateOf({
          webhookIngress: 'http-api',
          jwtIssuer: 'https://issuer.example',
          jwtAudience: ['lapse'],
        }),
      ),
  ],
  ['a stack with your own key and topic', withKey],
];

it.each(stacks)(
  'every statement of %s names actions, resource types and condition keys of AWS',
  async (_, make) => {
    const policies = policiesOf(make());
    expect(policies.length).toBeGreaterThan(20);
    expect((await Promise.all(policies.map(findingsOf))).flat()).toEqual([]);
  },
);

it.each<[string, Statement, string]>([
  [
    'an action on a resource that it does not take',
    { Effect: 'Allow', Action: 'lambda:UpdateAlias', Resource: 'arn:aws:lambda:eu-west-1:1:function:f:live' },
    'P: lambda:UpdateAlias does not take arn:aws:lambda:eu-west-1:1:function:f:live; it takes function',
  ],
  [
    'an action on the index of a table that takes the table only',
    { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: 'arn:aws:dynamodb:eu-west-1:1:table/t/index/i' },
    'P: dynamodb:GetItem does not take arn:aws:dynamodb:eu-west-1:1:table/t/index/i; it takes table',
  ],
  [
    'an action that does not exist',
    { Effect: 'Allow', Action: 'sqs:SendMessages', Resource: 'arn:aws:sqs:eu-west-1:1:q' },
    'P: no action matches sqs:SendMessages',
  ],
  [
    'all resources where the action takes one',
    { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' },
    'P: sqs:SendMessage takes a resource and is on *',
  ],
  [
    'a condition key that the action does not have',
    {
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: 'arn:aws:iam::1:role/r',
      Condition: { StringEquals: { 'iam:PassedToServices': 'scheduler.amazonaws.com' } },
    },
    'P: iam:PassRole knows no condition key iam:PassedToServices',
  ],
])('the check names %s', async (_, statement, finding) => {
  expect(await findingsOf({ id: 'P', kind: 'identity', of: 'R', statements: [statement] })).toEqual([
    finding,
  ]);
});
