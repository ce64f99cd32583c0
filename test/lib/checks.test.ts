import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LapseProps } from '../../lib/lapse.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';
import { stages } from '../../lib/stages.ts';
import { schemaFindings } from './aws-schema.ts';
import { resourcesOf, synthesizeStack, templateOf, withBundles } from './synthesized.ts';

const jwt = {
  jwtIssuer: 'https://issuer.example',
  jwtAudience: ['lapse'],
  jwtScopes: ['lapse/cancel'],
} as const;

describe('AWS knows every resource, property and kind of value', () => {
  it.each<[string, LapseProps]>([
    ['as it is', {}],
    ['with JWTs, and the webhook on the API', { ...jwt, webhookIngress: 'http-api' }],
    ...Object.entries(stages),
  ])('%s', async (_, props) => {
    expect(await schemaFindings(resourcesOf(templateOf(props)))).toEqual([]);
  });

  it('and says what it does not know', async () => {
    const properties = { VisibilityTimeout: 'long', Colour: 'blue' };
    const queue = { id: 'Q', type: 'AWS::SQS::Queue', properties, deletionPolicy: undefined };
    expect(await schemaFindings([queue])).toEqual([
      'Q (AWS::SQS::Queue).VisibilityTimeout is "long"; expected: a whole number',
      'Q (AWS::SQS::Queue).Colour is not there',
    ]);
    const role = { ...queue, type: 'AWS::IAM::Role', properties: {} };
    expect(await schemaFindings([role])).toEqual([
      'Q (AWS::IAM::Role).AssumeRolePolicyDocument is required and missing',
    ]);
  });
});

describe('cdk-nag', () => {
  const synthesizeChecked = (build: (app: App) => unknown): void => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const app = new App();
    build(app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
    app.synth();
  };
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = 0;
  });

  it('has nothing that is not answered', () => {
    withBundles((bundles) => {
      expect(() =>
        synthesizeChecked((app) => new LapseStack(app, 'Lapse', { lapse: { bundles } })),
      ).not.toThrow();
    });
  });

  it('stops a synthesis that it has something against', () => {
    expect(() => synthesizeChecked((app) => new Queue(new Stack(app, 'Bare'), 'Queue'))).toThrow(
      /AwsSolutions-SQS4/,
    );
  });
});

describe('settings that are wrong are refused, every one with what is allowed', () => {
  it.each<[LapseProps, string]>([
    [{ retentionDays: 0 }, 'retentionDays is 0; allowed: a whole number from 1 to 3650.'],
    [{ logRetentionDays: 31 }, 'logRetentionDays is 31; allowed: 1, 3, 5, 7, 14, 30, 60,'],
    [
      { maxSession: Duration.hours(49) },
      'maxSession in seconds is 176400; allowed: a whole number from 1 to 172800.',
    ],
    [
      { webhookIngress: 'carrier-pigeon' as never },
      'webhookIngress is carrier-pigeon; allowed: function-url, http-api.',
    ],
    [{ timerConcurrency: 1 }, 'timerConcurrency is 1; allowed: a whole number from 2 to 1000.'],
    [
      { jwtIssuer: 'http://issuer.example', jwtAudience: ['a'] },
      'jwtIssuer is http://issuer.example; allowed: an https URL.',
    ],
    [{ jwtIssuer: jwt.jwtIssuer }, 'jwtAudience is empty; allowed: at least one audience with a jwtIssuer.'],
    [{ jwtScopes: ['a'] }, 'given without a jwtIssuer; allowed: all three, or none.'],
    [
      { alarmThresholds: { badSignatures: 0 } },
      'alarmThresholds.badSignatures is 0; allowed: a number above 0.',
    ],
    [
      { alarmThresholds: { colour: 1 } as never },
      'alarmThresholds.colour is no threshold; allowed: badSignatures,',
    ],
  ])('%j', (props, sentence) => {
    expect(() => synthesizeStack(props)).toThrow(sentence);
  });

  it('all at once, in one message', () => {
    expect(() => synthesizeStack({ retentionDays: 0, apiRateLimit: -1 })).toThrow(
      /^The settings of Lapse are wrong\. retentionDays is 0; .* apiRateLimit is -1; /,
    );
  });

  it('a Region that AWS does not have', () => {
    expect(() => synthesizeStack({}, { region: 'eu-wset-1' })).toThrow(
      'region is eu-wset-1; allowed: a Region of AWS, such as eu-west-1 or us-east-1.',
    );
  });
});
