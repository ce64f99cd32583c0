import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../functions/contract/event-types.ts';
import { type ForwardEventsProps, Lapse, type LapseProps, type OnEventProps } from '../../lib/lapse.ts';
import { schemaFindings } from './aws-schema.ts';
import { resourcesOf, type Synthesized, withBundles } from './synthesized.ts';

const stackWith = (
  use: (lapse: Lapse, stack: Stack) => unknown,
  propsOf: (stack: Stack) => LapseProps = () => ({}),
) =>
  withBundles((bundles) => {
    const stack = new Stack(new App(), 'Checkout');
    use(new Lapse(stack, 'Lapse', { bundles, ...propsOf(stack) }), stack);
    return resourcesOf(Template.fromStack(stack));
  });

const ofType = (resources: readonly Synthesized[], type: string) =>
  resources.filter((resource) => resource.type === type).map(({ properties }) => properties);

describe('archiveDays', () => {
  const archivesOf = (props: LapseProps) =>
    ofType(
      stackWith(
        () => undefined,
        () => props,
      ),
      'AWS::Events::Archive',
    );

  it('a bus keeps no archive by default', () => {
    expect(archivesOf({})).toEqual([]);
  });

  it('a bus with archiveDays keeps an archive of each type of event, and an output names them', () => {
    const archives = archivesOf({ archiveDays: 30 });
    expect(archives.map(({ EventPattern: pattern }) => pattern)).toEqual(
      eventTypes.map((type) => ({ source: ['lapse'], 'detail-type': [type] })),
    );
    expect(archives.every(({ RetentionDays: days }) => days === 30)).toBe(true);
    const template = withBundles((bundles) => {
      const stack = new Stack(new App(), 'Checkout');
      new Lapse(stack, 'Lapse', { bundles, archiveDays: 30 }).addOutputs('Lapse');
      return Template.fromStack(stack);
    });
    const output = JSON.stringify(template.findOutputs('LapseEventArchives'));
    for (const type of eventTypes) expect(output).toContain(`${type}=`);
  });

  it.each([0, 1.5, 4_000])('archiveDays of %s is refused', (archiveDays) => {
    expect(() => archivesOf({ archiveDays })).toThrow(
      `archiveDays is ${archiveDays}; allowed: a whole number from 1 to 3650.`,
    );
  });
});

describe('onEvent', () => {
  const rulesOf = (props: OnEventProps) =>
    ofType(
      stackWith((lapse, stack) => {
        lapse.onEvent('Attention', { target: new SqsQueue(new Queue(stack, 'Inbox')), ...props });
      }),
      'AWS::Events::Rule',
    );

  it('a rule without a selection matches every event of Lapse on its bus', () => {
    expect(rulesOf({})).toEqual([
      expect.objectContaining({
        EventBusName: expect.stringMatching(/^Checkout-Lapse-[0-9a-f]{8}-events$/) as unknown,
        EventPattern: { source: ['lapse'] },
        State: 'ENABLED',
        Targets: [expect.objectContaining({ Arn: expect.stringContaining('Inbox') as unknown })],
      }),
    ]);
  });

  it('a rule matches the types and the accounts that are named', () => {
    expect(
      rulesOf({ types: ['Payment Request Needs Attention'], accounts: ['shop-se', 'shop-no'] }),
    ).toMatchObject([
      {
        EventPattern: {
          source: ['lapse'],
          'detail-type': ['Payment Request Needs Attention'],
          detail: { account: ['shop-se', 'shop-no'] },
        },
      },
    ]);
  });

  it.each<[OnEventProps, string]>([
    [
      { types: ['Payment Request Paid' as never] },
      'types is ["Payment Request Paid"]; allowed: Payment Request',
    ],
    [{ types: [] }, `types is []; allowed: ${eventTypes.join(', ')}.`],
    [{ accounts: [] }, 'accounts is empty; allowed: at least one, or leave it out.'],
  ])('the selection %j, which matches nothing, is refused', (props, sentence) => {
    expect(() => rulesOf(props)).toThrow(sentence);
  });
});

describe('forwardEvents', () => {
  const url = 'https://shop.example/lapse-events';
  const forward = (props: Partial<ForwardEventsProps> = {}, ofLapse?: (stack: Stack) => LapseProps) =>
    stackWith((lapse, stack) => {
      const apiKeySecret = Secret.fromSecretNameV2(stack, 'EndpointKey', 'shop/endpoint-key');
      lapse.forwardEvents({ url, apiKeySecret, ...props });
    }, ofLapse);

  it('events go to the address with the key of the secret, which the template does not hold', async () => {
    const resources = forward();
    expect(await schemaFindings(resources)).toEqual([]);
    expect(ofType(resources, 'AWS::Events::ApiDestination')).toMatchObject([
      { HttpMethod: 'POST', InvocationEndpoint: url, InvocationRateLimitPerSecond: 50 },
    ]);
    expect(ofType(resources, 'AWS::Events::Connection')).toMatchObject([
      {
        AuthorizationType: 'API_KEY',
        AuthParameters: {
          ApiKeyAuthParameters: {
            ApiKeyName: 'X-Api-Key',
            ApiKeyValue: expect.stringMatching(/^\{\{resolve:secretsmanager:.*shop\/endpoint-key/) as unknown,
          },
        },
      },
    ]);
  });

  it('what the endpoint does not take is repeated for a day, then kept in a queue with an alarm', () => {
    const resources = forward();
    const rule = ofType(resources, 'AWS::Events::Rule');
    expect(rule).toMatchObject([
      {
        EventPattern: { source: ['lapse'] },
        Targets: [
          {
            RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
            DeadLetterConfig: { Arn: expect.stringContaining('ForwardedEventsDeadLetters') as unknown },
          },
        ],
      },
    ]);
    const queue = resources.find(({ id }) => /ForwardedEventsDeadLettersQueue[0-9A-F]+$/.test(id));
    expect(queue).toMatchObject({ properties: { MessageRetentionPeriod: 1_209_600 } });
    const alarms = resources.filter(
      ({ id, type }) => type.endsWith('Alarm') && id.includes('ForwardedEvents'),
    );
    expect(alarms.map(({ properties }) => properties)).toMatchObject([
      { MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1 },
      {
        Namespace: 'AWS/Events',
        MetricName: 'RetryInvocationAttempts',
        Dimensions: [{ Name: 'EventBusName' }, { Name: 'RuleName' }],
        EvaluationPeriods: 3,
      },
    ]);
  });

  it('the address, the header and the rate are those of the properties', () => {
    const resources = forward({
      headerName: 'Authorization',
      maxPerSecond: 5,
      types: ['Payment Request State Changed'],
    });
    expect(ofType(resources, 'AWS::Events::ApiDestination')).toMatchObject([
      { InvocationRateLimitPerSecond: 5 },
    ]);
    expect(JSON.stringify(ofType(resources, 'AWS::Events::Connection'))).toContain('"Authorization"');
    expect(ofType(resources, 'AWS::Events::Rule')).toMatchObject([
      { EventPattern: { 'detail-type': ['Payment Request State Changed'] } },
    ]);
  });

  it('two addresses have two rules', () => {
    const resources = stackWith((lapse, stack) => {
      const apiKeySecret = Secret.fromSecretNameV2(stack, 'EndpointKey', 'shop/endpoint-key');
      lapse.forwardEvents({ url, apiKeySecret });
      lapse.forwardEvents({ url: 'https://erp.example/', apiKeySecret }, 'Erp');
    });
    expect(ofType(resources, 'AWS::Events::Rule')).toHaveLength(2);
  });

  it('without alarms, forwarding adds none', () => {
    expect(
      ofType(
        forward({}, () => ({ alarms: false })),
        'AWS::CloudWatch::Alarm',
      ),
    ).toEqual([]);
  });

  it('with a key, the queue is encrypted and EventBridge may use the key for it', () => {
    const resources = forward({}, (stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    const queue = resources.find(({ id }) => id.startsWith('LapseForwardedEventsDeadLettersQueue'));
    expect(queue?.properties).toHaveProperty('KmsMasterKeyId');
    const [key] = ofType(resources, 'AWS::KMS::Key');
    expect(JSON.stringify(key)).toContain(
      '"ArnLike":{"aws:SourceArn":"arn:aws:events:eu-west-1:000000000000:rule/*"}',
    );
  });

  it.each<[Partial<ForwardEventsProps>, string]>([
    [{ url: 'http://shop.example' }, 'url is http://shop.example; allowed: an https URL.'],
    [{ url: 'shop' }, 'url is shop; allowed: an https URL.'],
    [{ maxPerSecond: 301 }, 'maxPerSecond is 301; allowed: a whole number from 1 to 300.'],
    [{ types: [] }, 'types is []; allowed: Payment Request Registered,'],
  ])('%j is refused', (props, sentence) => {
    expect(() => forward(props)).toThrow(sentence);
  });
});
