import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../../functions/contract/function-name.ts';
import { createResolver } from '../../../local/template/intrinsics.ts';
import { readStack } from '../../../local/template/read-stack.ts';
import type { StackDescription } from '../../../local/template/stack-description.ts';
import { synthesize } from '../../../local/template/synthesize.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const awsUrl = 'http://127.0.0.1:4566';

describe('the stack of this project', () => {
  let cdkOut: string;
  let stack: StackDescription;

  beforeAll(async () => {
    ({ cdkOut } = await synthesize(root));
    stack = await readStack(cdkOut, { awsUrl });
  });

  it('the stack is synthesized once for the same source', async () => {
    expect(await synthesize(root)).toEqual({ cdkOut, cached: true });
  });

  it('the stack has every function, with its bundle on disk', () => {
    expect(stack.functions.map(({ name }) => name).toSorted()).toEqual([...functionNames].toSorted());
    for (const { bundle } of stack.functions) {
      for (const file of ['entry.mjs', 'index.js']) expect(existsSync(join(bundle, file))).toBe(true);
    }
  });

  it('the stack has no unresolved variable, and addresses of the local server', () => {
    for (const { environment } of stack.functions) {
      expect(JSON.stringify(environment)).not.toMatch(/\$\{|Fn::|"Ref"/);
    }
    const [queue] = stack.queueSources;
    const register = stack.functions.find(({ name }) => name === 'register-payment-request');
    expect(register?.environment).toMatchObject({
      TABLE_NAME: stack.tables[0]?.name,
      TIMER_QUEUE_URL: `${awsUrl}/000000000000/${queue?.queueName ?? ''}`,
      TIMER_QUEUE_ARN: stack.queues.find(({ name }) => name === queue?.queueName)?.arn,
    });
  });

  it('every route, the webhook and every trigger of the stack leads to a function', () => {
    const ids = stack.functions.map(({ id }) => id);
    const targets = [
      ...stack.routes,
      ...stack.functionUrls,
      ...stack.queueSources,
      ...stack.streamSources,
      ...stack.recurringSchedules,
    ].map(({ functionId }) => functionId);
    expect(targets.length).toBeGreaterThanOrEqual(10);
    for (const target of targets) expect(ids).toContain(target);
  });

  it('the stack has the settings that the local system uses', () => {
    expect(stack.recurringSchedules).toMatchObject([
      {
        everySeconds: 60,
        input: {},
        retryAttempts: 0,
        onFailureQueueName: expect.stringMatching(/^ReconciliationDeadLetters/) as unknown,
      },
    ]);
    expect(stack.streamSources).toMatchObject([
      { reportBatchItemFailures: true, bisectBatchOnFunctionError: true },
    ]);
    expect(stack.queueSources).toMatchObject([{ reportBatchItemFailures: true, batchSize: 10 }]);
    expect(stack.tables).toMatchObject([
      { streamEnabled: true, createTable: { BillingMode: 'PAY_PER_REQUEST' } },
    ]);
    expect(stack.secrets.map(({ purpose }) => purpose).toSorted()).toEqual(['accounts', 'signing-keys']);
  });
});

describe('a template', () => {
  const resolve = createResolver(
    {
      Queue: { Type: 'AWS::SQS::Queue' },
      Named: { Type: 'AWS::Events::EventBus', Properties: { Name: { 'Fn::Sub': '${AWS::StackName}-bus' } } },
      Function: { Type: 'AWS::Lambda::Function', Properties: { Description: 'some-function' } },
      Live: { Type: 'AWS::Lambda::Alias', Properties: { FunctionName: { Ref: 'Function' }, Name: 'live' } },
    },
    { region: 'eu-west-1', accountId: '000000000000', stackName: 'Lapse', awsUrl },
  );

  it.each([
    [{ Ref: 'AWS::Region' }, 'eu-west-1'],
    [{ Ref: 'Queue' }, `${awsUrl}/000000000000/Queue`],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-west-1:000000000000:Queue'],
    [{ Ref: 'Named' }, 'Lapse-bus'],
    [{ Ref: 'Live' }, 'arn:aws:lambda:eu-west-1:000000000000:function:some-function:live'],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Function' }]] }, 'a-some-function'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    [{ 'Fn::Sub': '${Queue.Arn}/${!literal}' }, 'arn:aws:sqs:eu-west-1:000000000000:Queue/${!literal}'],
    [{ 'Fn::Sub': ['${here}', { here: { Ref: 'Queue' } }] }, `${awsUrl}/000000000000/Queue`],
    [
      { list: [{ Ref: 'AWS::AccountId' }], n: 1 },
      { list: ['000000000000'], n: 1 },
    ],
  ])('%j is resolved', (value, wanted) => {
    expect(resolve(value)).toEqual(wanted);
  });

  it.each([
    [
      { 'Fn::ImportValue': 'x' },
      'The template uses Fn::ImportValue, which the local system does not support.',
    ],
    [{ Ref: 'Missing' }, 'The template refers to Missing, which it does not have.'],
  ])('the template value %j is refused', (value, message) => {
    expect(() => resolve(value)).toThrow(message);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a schedule that is not a rate',
      {
        Cron: {
          Type: 'AWS::Scheduler::Schedule',
          Properties: { ScheduleExpression: 'cron(0 * * * ? *)', Target: { Arn: 'x' } },
        },
      },
      /Cron runs at cron.*rate/,
    ],
    [
      'a queue of the wrong shape',
      { Q: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 'x' } } },
      /^Q \(AWS::SQS::Queue\): VisibilityTimeout/,
    ],
    [
      'a route to nowhere',
      {
        R: { Type: 'AWS::ApiGatewayV2::Route', Properties: { RouteKey: 'GET /', Target: 'integrations/X' } },
      },
      /GET \/ does not have an integration/,
    ],
  ])('a template with %s is refused by name', async (_, resources, message) => {
    const assembly = await temporaryFolder();
    const artifacts = { S: { type: 'aws:cloudformation:stack', properties: { templateFile: 't.json' } } };
    await writeFile(join(assembly, 'manifest.json'), JSON.stringify({ artifacts }));
    await writeFile(join(assembly, 't.json'), JSON.stringify({ Resources: resources }));
    await expect(readStack(assembly, { awsUrl })).rejects.toThrow(message);
  });
});

it('an app that fails is refused with its output, and leaves nothing behind', async () => {
  const broken = await temporaryFolder();
  await writeFile(join(broken, 'cdk.json'), '{"context":{}}');
  await expect(synthesize(broken)).rejects.toThrow(/^The stack cannot be synthesized:\n[^]*app\.ts/);
  expect(await readdir(join(broken, '.cache', 'assemblies'))).toEqual(['package.json']);
});
