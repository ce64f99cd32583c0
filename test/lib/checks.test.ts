import { readFileSync } from 'node:fs';
import { App, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LapseProps } from '../../lib/lapse.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';
import { resolveSettings } from '../../lib/resolve-settings.ts';
import { stages } from '../../lib/stages.ts';
import { schemaFindings } from './aws-schema.ts';
import { addLapseWithOptions } from './iam/stack-with-options.ts';
import { resourcesOf, synthesizeStack, templateOf, withBundles } from './synthesized.ts';

const jwt = {
  jwtIssuer: 'https://issuer.example',
  jwtAudience: ['lapse'],
  jwtScopes: ['lapse/cancel'],
} as const;

describe('the template matches the CloudFormation schema', () => {
  it.each<[string, LapseProps]>([
    ['the default stack', {}],
    ['a stack with JWTs and the webhook on the API', { ...jwt, webhookIngress: 'http-api' }],
    ['a stack with pages', { pageOrigins: ['https://shop.example'], ...jwt }],
    ...Object.entries(stages).map(
      ([stage, settings]) => [`the stage ${stage}`, settings] as [string, LapseProps],
    ),
  ])('%s has only resources, properties and values that CloudFormation knows', async (_, props) => {
    expect(await schemaFindings(resourcesOf(templateOf(props)))).toEqual([]);
  });

  it('the schema check names an unknown property, a wrong value and a missing property', async () => {
    const properties = { VisibilityTimeout: 'long', Colour: 'blue' };
    const queue = { id: 'Q', type: 'AWS::SQS::Queue', properties, deletionPolicy: undefined };
    expect(await schemaFindings([queue])).toEqual([
      'Q (AWS::SQS::Queue).VisibilityTimeout is "long"; expected: a whole number',
      'Q (AWS::SQS::Queue).Colour does not exist',
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

  it('cdk-nag has no finding without an acknowledged reason', () => {
    withBundles((bundles) => {
      expect(() =>
        synthesizeChecked((app) => new LapseStack(app, 'Lapse', { lapse: { bundles } })),
      ).not.toThrow();
    });
  });

  it('cdk-nag has no finding in a stack with all options', () => {
    expect(() => synthesizeChecked((app) => addLapseWithOptions(app))).not.toThrow();
  });

  it('cdk-nag has no finding in a stack whose data may be destroyed', () => {
    withBundles((bundles) => {
      const lapse = { bundles, removalPolicy: RemovalPolicy.DESTROY };
      expect(() => synthesizeChecked((app) => new LapseStack(app, 'Lapse', { lapse }))).not.toThrow();
    });
  });

  it('cdk-nag fails a synthesis with a finding', () => {
    expect(() => synthesizeChecked((app) => new Queue(new Stack(app, 'Bare'), 'Queue'))).toThrow(
      /AwsSolutions-SQS4/,
    );
  });
});

/** The name of every setting, as its interface has them. */
const settingNames = [
  ...readFileSync('lib/lapse-settings.ts', 'utf8').matchAll(/^ {2}readonly (\w+)\?:/gm),
].map(([, name = '']) => name);

/** The message of the error that a call throws. */
function errorOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) return error.message;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('wrong settings', () => {
  it.each<[LapseProps, string]>([
    [{ retentionDays: 0 }, 'retentionDays is 0; allowed: a whole number from 3 to 3650.'],
    // A session of 48 hours could outlive its record.
    [{ retentionDays: 2 }, 'retentionDays is 2; allowed: a whole number from 3 to 3650.'],
    [
      { retentionDays: 1, maxSession: Duration.hours(2) },
      'retentionDays is 1; allowed: a whole number from 2 to 3650.',
    ],
    // Klarna may send a webhook again for 21 hours.
    [{ quarantineRetentionDays: 1 }, 'quarantineRetentionDays is 1; allowed: a whole number from 2 to 3650.'],
    [{ jobRetentionDays: 1 }, 'jobRetentionDays is 1; allowed: a whole number from 2 to 3650.'],
    [{ tombstoneRetentionDays: 1 }, 'tombstoneRetentionDays is 1; allowed: a whole number from 2 to 3650.'],
    [{ webhookConcurrency: 0 }, 'webhookConcurrency is 0; allowed: a whole number from 1 to 1000.'],
    [
      { klarnaTestUrl: 'http://klarna.example' },
      'klarnaTestUrl is http://klarna.example; allowed: an https URL, or an http URL of this machine.',
    ],
    [{ klarnaLiveUrl: 'klarna' }, 'klarnaLiveUrl is klarna; allowed: an https URL'],
    [{ logRetentionDays: 31 }, 'logRetentionDays is 31; allowed: 1, 3, 5, 7, 14, 30, 60,'],
    [
      { maxSession: Duration.hours(49) },
      'maxSession in seconds is 176400; allowed: a whole number from 1 to 172800.',
    ],
    [
      { webhookIngress: 'carrier-pigeon' as never },
      'webhookIngress is carrier-pigeon; allowed: function-url, http-api.',
    ],
    [{ credentials: ['A'] }, 'credentials is [A]; allowed: at most 20 different names'],
    [{ credentials: ['a', 'a'] }, 'credentials is [a, a]; allowed: at most 20 different names'],
    ...[
      ['http://shop.example'],
      ['https://shop.example/'],
      ['https://shop.example/pay'],
      ['https://*.shop.example'],
      ['https://Shop.example'],
      ['https://shop.example:443'],
      ['https://user@shop.example'],
      ['https://shop.example?'],
      [`https://${'a'.repeat(60)}.${'b'.repeat(32)}`],
      ['shop.example'],
      ['*'],
      ['null'],
      ['https://a.example', 'https://a.example'],
      ['https://a.example,https://b.example'],
      Array.from({ length: 21 }, (_, number) => `https://shop-${number}.example`),
    ].map((pageOrigins): [LapseProps, string] => [
      { pageOrigins },
      `pageOrigins is [${pageOrigins.join(', ')}]; allowed: at most 20 different origins such as https://shop.example`,
    ]),
    [{ pageRateLimit: 0 }, 'pageRateLimit is 0; allowed: a whole number from 1 to 10000.'],
    [{ timerConcurrency: 1 }, 'timerConcurrency is 1; allowed: a whole number from 2 to 1000.'],
    [
      { jwtIssuer: 'http://issuer.example', jwtAudience: ['a'] },
      'jwtIssuer is http://issuer.example; allowed: an https URL.',
    ],
    [{ jwtIssuer: jwt.jwtIssuer }, 'jwtAudience is empty; allowed: at least one audience with a jwtIssuer.'],
    [{ jwtScopes: ['a'] }, 'given without a jwtIssuer; allowed: all three, or none.'],
    [
      { alarmThresholds: { durationPercent: 40 } },
      'alarmThresholds.durationPercent is 40; allowed: a number from 50 to 100.',
    ],
    [
      { alarmThresholds: { badSignatures: 0 } },
      'alarmThresholds.badSignatures is 0; allowed: a number above 0.',
    ],
    [
      { alarmThresholds: { colour: 1 } as never },
      'alarmThresholds.colour is unknown; allowed: badSignatures,',
    ],
  ])('the settings %j are refused with the given and the allowed value', (props, sentence) => {
    expect(() => synthesizeStack(props)).toThrow(sentence);
  });

  /** Values of every other type, for an app in JavaScript. */
  const values: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['a text', 'x'],
    ['a number in a text', '5'],
    ['a number', -1.5],
    ['NaN', Number.NaN],
    ['true', true],
    ['an object', {}],
    ['a list', [1, null]],
    ['a list of a text', ['https://shop.example/x']],
    ['a function', () => 1],
  ];
  /** The types that are right, with a value that may be wrong. */
  const right: Readonly<Partial<Record<string, readonly string[]>>> = {
    ...Object.fromEntries(
      ['observe', 'tracing', 'alarms', 'dashboard', 'canary'].map((name) => [name, ['true']]),
    ),
    alarmThresholds: ['an object'],
    // Only together.
    jwtIssuer: ['a text', 'a number in a text'],
    jwtAudience: ['a list of a text'],
    jwtScopes: ['a list of a text'],
  };
  const wrongTypes = settingNames.flatMap((name) =>
    values
      .filter(([type]) => right[name]?.includes(type) !== true)
      .map(([type, value]) => ({ name, type, value })),
  );

  it.each(wrongTypes)('$name as $type is refused with one sentence', ({ name, value }) => {
    const sentence = errorOf(() => resolveSettings({ [name]: value }));
    expect(sentence).toMatch(
      new RegExp(`^The settings of Lapse are wrong\\. ${name}( in seconds)? is [^;]+; allowed: [^;]+\\.$`),
    );
  });

  it('a threshold of a wrong type is refused, and so is one that objects inherit', () => {
    for (const value of [null, '60', true, {}, [60]]) {
      const alarmThresholds = { durationPercent: value } as never;
      expect(errorOf(() => resolveSettings({ alarmThresholds }))).toMatch(
        /^The settings of Lapse are wrong\. alarmThresholds\.durationPercent is [^;]+; allowed: a number above 0\.$/,
      );
    }
    expect(errorOf(() => resolveSettings({ alarmThresholds: { constructor: 1 } as never }))).toContain(
      'alarmThresholds.constructor is unknown',
    );
  });

  it('a setting that is undefined is left out', () => {
    const written = Object.fromEntries(settingNames.map((name) => [name, undefined]));
    expect(resolveSettings(written)).toEqual(resolveSettings({}));
  });

  it('a setting of a wrong type hides no other wrong setting', () => {
    const given = { pageOrigins: 'https://shop.example', retentionDays: 0 } as never;
    expect(errorOf(() => resolveSettings(given))).toMatch(
      /pageOrigins is "https:\/\/shop\.example"; allowed: a list of .* retentionDays is 0; /,
    );
  });

  it('all wrong settings are named in one message', () => {
    expect(() => synthesizeStack({ retentionDays: 0, apiRateLimit: -1 })).toThrow(
      /^The settings of Lapse are wrong\. retentionDays is 0; .* apiRateLimit is -1; /,
    );
  });

  it('a Region that AWS does not have is refused', () => {
    expect(() => synthesizeStack({}, { region: 'eu-wset-1' })).toThrow(
      'region is eu-wset-1; allowed: a Region of AWS, such as eu-west-1 or us-east-1.',
    );
  });
});
