import { App, NestedStack, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AttributeType,
  type ITable,
  ProjectionType,
  StreamViewType,
  Table,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { tableIndexes, tableSchema } from '../../functions/contract/table-schema.ts';
import {
  type ForwardEventsProps,
  type GrantCallProps,
  Lapse,
  type LapseProps,
  type OnEventProps,
} from '../../lib/lapse.ts';
import { LapseStack, type LapseStackProps } from '../../lib/lapse-stack.ts';
import { schemaFindings } from './aws-schema.ts';
import { resourcesOf, type Synthesized, templateOf, withBundles } from './synthesized.ts';

/** The resources of a stack in which one or several Lapse are made. */
const resourcesWith = (build: (stack: Stack, lapse: MakeLapse) => unknown): readonly Synthesized[] =>
  resourcesOf(templateWith(build));

type MakeLapse = (scope: Construct, id: string, props?: LapseProps) => Lapse;

const templateWith = (build: (stack: Stack, lapse: MakeLapse) => unknown): Template =>
  withBundles((bundles) => {
    const stack = new Stack(new App(), 'Checkout');
    build(stack, (scope, id, props) => new Lapse(scope, id, { bundles, ...props }));
    return Template.fromStack(stack);
  });

const ofType = (resources: readonly Synthesized[], type: string) =>
  resources.filter((resource) => resource.type === type).map(({ properties }) => properties);

const groupNames = (resources: readonly Synthesized[]): readonly string[] =>
  ofType(resources, 'AWS::Scheduler::ScheduleGroup').map(({ Name }) => String(Name));

describe('where a Lapse can stand', () => {
  it('two in one stack have names and outputs of their own', async () => {
    const template = templateWith((stack, lapse) => {
      lapse(stack, 'Sweden').addOutputs('Sweden');
      lapse(stack, 'Norway').addOutputs('Norway');
    });
    const resources = resourcesOf(template);
    expect(await schemaFindings(resources)).toEqual([]);
    expect(groupNames(resources)).toEqual([
      expect.stringMatching(/^Checkout-Sweden-[0-9a-f]{8}-sessions$/),
      expect.stringMatching(/^Checkout-Sweden-[0-9a-f]{8}-sweep$/),
      expect.stringMatching(/^Checkout-Norway-[0-9a-f]{8}-sessions$/),
      expect.stringMatching(/^Checkout-Norway-[0-9a-f]{8}-sweep$/),
    ]);
    const buses = ofType(resources, 'AWS::Events::EventBus').map(({ Name }) => Name);
    expect(buses).toEqual([
      expect.stringMatching(/^Checkout-Sweden-[0-9a-f]{8}-events$/),
      expect.stringMatching(/^Checkout-Norway-[0-9a-f]{8}-events$/),
    ]);
    const outputs = Object.keys(template.findOutputs('*'));
    expect(outputs).toEqual(expect.arrayContaining(['SwedenApiUrl', 'NorwayApiUrl']));
  });

  it('a second Lapse that adds the same outputs is refused', () => {
    templateWith((stack, lapse) => {
      lapse(stack, 'Sweden').addOutputs();
      const second = lapse(stack, 'Norway');
      expect(() => second.addOutputs()).toThrow(
        'prefix is empty; allowed: one that no other Lapse of the stack has.',
      );
      expect(() => second.addOutputs('no-way')).toThrow(
        'prefix is no-way; allowed: 1 to 32 of A-Z, a-z and 0-9.',
      );
    });
  });

  it('one in a nested stack has a name that is known at synth, and its outputs on the outer stack', () => {
    withBundles((bundles) => {
      const stack = new Stack(new App(), 'Checkout');
      const nested = new NestedStack(stack, 'Payments');
      new Lapse(nested, 'Lapse', { bundles }).addOutputs();
      expect(groupNames(resourcesOf(Template.fromStack(nested)))).toEqual([
        expect.stringMatching(/^Checkout-Payments-Lapse-[0-9a-f]{8}-sessions$/),
        expect.stringMatching(/^Checkout-Payments-Lapse-[0-9a-f]{8}-sweep$/),
      ]);
      const outputs = Template.fromStack(stack).findOutputs('*');
      expect(Object.keys(outputs)).toContain('ApiUrl');
      expect(JSON.stringify(outputs['FunctionNames'])).toContain('Outputs.Checkout');
    });
  });

  it('one in a stage is named after the stage and the stack', () => {
    withBundles((bundles) => {
      const stage = new Stage(new App(), 'Live');
      const { lapse } = new LapseStack(stage, 'Lapse', { lapse: { bundles } });
      expect(groupNames(resourcesOf(Template.fromStack(Stack.of(lapse))))).toEqual([
        'Live-Lapse-sessions',
        'Live-Lapse-sweep',
      ]);
    });
  });

  it('long stack names that differ only at their end give different group names of 64 characters at most', () => {
    const names = ['A', 'B'].flatMap((end) =>
      withBundles((bundles) => {
        const stack = new LapseStack(new App(), `${'Checkout-'.repeat(14)}${end}`, { lapse: { bundles } });
        return groupNames(resourcesOf(Template.fromStack(stack)));
      }),
    );
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^Checkout-[0-9A-Za-z_.-]{1,55}$/);
  });

  it('characters that no group name can have are replaced', () => {
    const names = groupNames(resourcesWith((stack, lapse) => lapse(stack, 'Kassa å Ö')));
    expect(names[0]).toMatch(/^Checkout-Kassa-[0-9a-f]{8}-sessions$/);
  });
});

it('two stages whose stacks have other names and the same ids share no name that AWS takes only once', () => {
  const namesOf = (stackName: string) =>
    withBundles((bundles) => {
      const stack = new LapseStack(new App(), 'Lapse', {
        stackName,
        lapse: { bundles, credentials: ['main'] },
      });
      return (
        resourcesOf(Template.fromStack(stack))
          // An alias and the title of an API need not be unique.
          .filter(({ type }) => !['AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Api'].includes(type))
          .flatMap(({ properties }) => properties['Name'] ?? [])
      );
    });
  const [first, second] = [namesOf('lapse-pr-1'), namesOf('lapse-pr-2')];
  expect(first).toEqual(
    expect.arrayContaining([
      ...['sessions', 'sweep', 'events'].map((part) => `lapse-pr-1-${part}`),
      'lapse-pr-1/credentials/main',
    ]),
  );
  expect(first.filter((name) => second.includes(name))).toEqual([]);
});

describe('properties that do not exist', () => {
  it('an unknown property is refused with the names of all properties', () => {
    const wrong = { retentionDay: 30 } as LapseProps;
    expect(() => templateOf(wrong)).toThrow(
      /retentionDay is unknown; allowed: table, .*, alarmThresholds\.$/,
    );
  });

  it('a property of Lapse beside those of its stack is refused', () => {
    const wrong = { retentionDays: 30 } as LapseStackProps;
    expect(() => new LapseStack(new App(), 'Lapse', wrong)).toThrow(
      'retentionDays stands beside the properties of the stack; allowed: inside `lapse`.',
    );
  });

  it.each<[LapseProps, string]>([
    [{ alarms: 'no' as never }, 'alarms is "no"; allowed: true, false.'],
    [{ logLevel: 'DEBUG' as never }, 'logLevel is DEBUG; allowed: INFO, WARN, ERROR.'],
    [{ removalPolicy: RemovalPolicy.SNAPSHOT }, 'removalPolicy is snapshot; allowed: retain, destroy.'],
    [{ vpcSubnets: {} }, 'vpcSubnets and securityGroups are given without a vpc; allowed: with a vpc only.'],
    [
      { vpc: {} as IVpc, securityGroups: [] },
      'securityGroups is empty; allowed: at least one group, or leave it out.',
    ],
  ])('%j is refused', (props, sentence) => {
    expect(() => templateOf(props)).toThrow(sentence);
  });
});

describe('a property of a method that does not exist', () => {
  it.each<[string, (lapse: Lapse, stack: Stack) => unknown, string]>([
    [
      'grantCall',
      (lapse, stack) =>
        lapse.grantCall(new AccountRootPrincipal(), {
          account: stack.stackName.toLowerCase(),
          action: ['read'],
        } as GrantCallProps),
      'grantCall has action; allowed: account, actions.',
    ],
    [
      'onEvent',
      (lapse) => lapse.onEvent('Rule', { type: 'Payment Request Registered' } as OnEventProps),
      'onEvent has type; allowed: types, accounts, target, description.',
    ],
    [
      'forwardEvents',
      (lapse, stack) =>
        lapse.forwardEvents({
          url: 'https://shop.example',
          apiKeySecret: new Secret(stack, 'EndpointKey'),
          account: 'shop-se',
        } as unknown as ForwardEventsProps),
      'forwardEvents has account; allowed: url, apiKeySecret, headerName, maxPerSecond, types, accounts.',
    ],
  ])('%s refuses it, because a misspelled limit would allow or send more', (_, call, sentence) => {
    templateWith((stack, lapse) => {
      const made = lapse(stack, 'Lapse');
      expect(() => call(made, stack)).toThrow(sentence);
    });
  });

  it.each(['Lapse.shop.example', 'https://lapse.shop.example', 'lapse', '', 'a'.repeat(64) + '.example'])(
    'the domain name %j is refused',
    (name) => {
      expect(() =>
        templateWith((stack, lapse) => {
          const certificate = Certificate.fromCertificateArn(
            stack,
            'Certificate',
            'arn:aws:acm:1:1:certificate/1',
          );
          lapse(stack, 'Lapse', { domain: { name, certificate } });
        }),
      ).toThrow(`domain.name is ${name}; allowed: a name in lower case such as lapse.shop.example.`);
    },
  );
});

describe('a table of your own', () => {
  const { partitionKey, timeToLive } = tableSchema;
  const indexes = tableIndexes.map((index) => ({
    indexName: index.name,
    partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
    sortKey: { name: index.sortKey, type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  }));
  const right = {
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    globalSecondaryIndexes: indexes,
    timeToLiveAttribute: timeToLive,
    dynamoStream: StreamViewType.NEW_IMAGE,
  };
  const withTable = (make: (stack: Stack) => ITable) =>
    templateWith((stack, lapse) => lapse(stack, 'Lapse', { table: make(stack) }));
  const tableV2 = (props: object) =>
    withTable((stack) => new TableV2(stack, 'Payments', { ...right, ...props }) as ITable);

  it.each([StreamViewType.NEW_IMAGE, StreamViewType.NEW_AND_OLD_IMAGES])(
    'a table with the keys and indexes of tableSchema and a stream of %s is taken',
    (dynamoStream) => {
      tableV2({ dynamoStream }).resourceCountIs('AWS::DynamoDB::GlobalTable', 1);
    },
  );

  it('a table of the older kind is taken, and its indexes may be added after the construct', () => {
    const template = templateWith((stack, lapse) => {
      const table = new Table(stack, 'Payments', {
        partitionKey: right.partitionKey,
        stream: StreamViewType.NEW_AND_OLD_IMAGES,
        timeToLiveAttribute: timeToLive,
      });
      lapse(stack, 'Lapse', { table: table as ITable });
      for (const index of indexes) table.addGlobalSecondaryIndex(index);
    });
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
  });

  it.each<[string, object, string]>([
    [
      'another key',
      { partitionKey: { name: 'id', type: AttributeType.STRING } },
      'the key of table is id (S); allowed: PK (S).',
    ],
    [
      'a sort key',
      { sortKey: { name: 'SK', type: AttributeType.STRING } },
      'the key of table is PK (S), SK (S); allowed: PK (S).',
    ],
    [
      'a missing index',
      { globalSecondaryIndexes: indexes.slice(0, 4) },
      'table has no index attention; allowed: a table with the indexes due, open, session, reference, attention.',
    ],
    [
      'an index on a number',
      {
        globalSecondaryIndexes: [
          { ...indexes[0], sortKey: { name: 'da', type: AttributeType.NUMBER } },
          ...indexes.slice(1),
        ],
      },
      'the key of the index due of table is d (S), da (N); allowed: d (S), da (S).',
    ],
    [
      'a stream of keys',
      { dynamoStream: StreamViewType.KEYS_ONLY },
      'the stream of table has KEYS_ONLY; allowed: NEW_IMAGE or NEW_AND_OLD_IMAGES.',
    ],
    [
      'another time to live',
      { timeToLiveAttribute: 'expiry' },
      `the time to live of table is expiry; allowed: the attribute ${timeToLive}.`,
    ],
  ])('a table with %s is refused at synth', (_, props, sentence) => {
    expect(() => tableV2(props)).toThrow(sentence);
  });

  it('a table without a stream is refused, also an imported one', () => {
    expect(() => tableV2({ dynamoStream: undefined })).toThrow('table has no stream; allowed: ');
    expect(() => withTable((stack) => TableV2.fromTableName(stack, 'Payments', 'payments'))).toThrow(
      'table has no stream; allowed: a table with a stream of NEW_IMAGE or NEW_AND_OLD_IMAGES.',
    );
  });
});

describe('removalPolicy', () => {
  const policies = (props: LapseProps) =>
    resourcesOf(templateOf(props)).map(({ deletionPolicy }) => deletionPolicy ?? 'Delete');

  it('a stack whose data may be destroyed leaves nothing behind', () => {
    expect(new Set(policies({ removalPolicy: RemovalPolicy.DESTROY }))).toEqual(new Set(['Delete']));
    templateOf({ removalPolicy: RemovalPolicy.DESTROY }).hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [
        {
          DeletionProtectionEnabled: false,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
        },
      ],
    });
  });

  it('by default table and secrets stay', () => {
    expect(policies({}).filter((policy) => policy === 'Retain')).toHaveLength(3);
  });
});

it('secrets of your own are read with their own keys, and none is created', () => {
  const resources = resourcesWith((stack, lapse) => {
    const encryptionKey = new Key(stack, 'Key');
    lapse(stack, 'Lapse', {
      accountsSecret: new Secret(stack, 'Accounts', { encryptionKey }),
      signingKeysSecret: Secret.fromSecretNameV2(stack, 'SigningKeys', 'shop/signing-keys'),
    } as LapseProps);
  });
  expect(ofType(resources, 'AWS::SecretsManager::Secret')).toHaveLength(1);
  const statements = JSON.stringify(ofType(resources, 'AWS::IAM::Policy'));
  expect(statements).toContain(
    '"Action":"secretsmanager:GetSecretValue","Effect":"Allow","Resource":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:shop/signing-keys-??????"',
  );
  expect(statements.match(/"Action":"kms:Decrypt"/g)).toHaveLength(5);
  const variables = ofType(resources, 'AWS::Lambda::Function').map(
    ({ Environment }) => (Environment as { Variables: Record<string, string> }).Variables,
  );
  expect(variables.map((each) => each['SIGNING_KEYS_SECRET_ID']).filter(Boolean)).toEqual([
    'shop/signing-keys',
  ]);
  expect(
    variables.map((each) => each['ACCOUNTS_SECRET_ID']).filter((id) => id?.includes('secret:Accounts')),
  ).toHaveLength(5);
});

it('a domain of your own maps to the root of the API, and the webhook arrives there', async () => {
  const template = templateWith((stack, lapse) => {
    const zone = { hostedZoneId: 'Z1', zoneName: 'shop.example' };
    const made = lapse(stack, 'Lapse', {
      webhookIngress: 'http-api',
      domain: {
        name: 'lapse.shop.example',
        certificate: Certificate.fromCertificateArn(
          stack,
          'Certificate',
          'arn:aws:acm:eu-west-1:000000000000:certificate/1',
        ),
        hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', zone),
      },
    });
    made.addOutputs();
    expect([made.apiUrl, made.webhookUrl]).toEqual([
      'https://lapse.shop.example',
      'https://lapse.shop.example/klarna/webhook',
    ]);
  });
  const resources = resourcesOf(template);
  expect(await schemaFindings(resources)).toEqual([]);
  expect(ofType(resources, 'AWS::ApiGatewayV2::DomainName')).toMatchObject([
    { DomainName: 'lapse.shop.example' },
  ]);
  const [mapping] = ofType(resources, 'AWS::ApiGatewayV2::ApiMapping');
  expect(mapping).not.toHaveProperty('ApiMappingKey');
  expect(ofType(resources, 'AWS::Route53::RecordSet')).toMatchObject([
    { Name: 'lapse.shop.example.', Type: 'A' },
  ]);
  expect(template.findOutputs('ApiUrl')).toMatchObject({
    ApiUrl: { Value: 'https://lapse.shop.example' },
  });
});

describe('what can be switched', () => {
  it('the functions write log lines from the level of the settings', () => {
    for (const [props, level] of [
      [{}, 'INFO'],
      [{ logLevel: 'WARN' }, 'WARN'],
    ] as const) {
      for (const { Environment } of ofType(resourcesOf(templateOf(props)), 'AWS::Lambda::Function'))
        expect(Environment).toMatchObject({ Variables: { LOG_LEVEL: level } });
    }
  });

  it('tracing is off by default, and on for every function with its permission', () => {
    const modes = (props: LapseProps) =>
      ofType(resourcesOf(templateOf(props)), 'AWS::Lambda::Function').map(
        ({ TracingConfig }) => TracingConfig,
      );
    expect(modes({})).toEqual(Array.from({ length: 7 }));
    expect(modes({ tracing: true })).toEqual(Array.from({ length: 7 }, () => ({ Mode: 'Active' })));
    const policies = JSON.stringify(ofType(resourcesOf(templateOf({ tracing: true })), 'AWS::IAM::Policy'));
    expect(policies.match(/xray:PutTraceSegments/g)).toHaveLength(7);
  });

  it('without alarms there are none, a new version is rolled back by none, and the topic is still there', () => {
    const resources = resourcesOf(templateOf({ alarms: false }));
    expect(ofType(resources, 'AWS::CloudWatch::Alarm')).toEqual([]);
    const groups = ofType(resources, 'AWS::CodeDeploy::DeploymentGroup');
    expect(groups).toHaveLength(7);
    for (const group of groups) expect(group).not.toHaveProperty('AlarmConfiguration.Alarms.0');
    expect(ofType(resources, 'AWS::SNS::Topic')).toHaveLength(1);
  });

  it('without a dashboard there is neither a dashboard nor an output of its address', () => {
    const template = templateOf({ dashboard: false });
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    expect(Object.keys(template.findOutputs('*'))).not.toContain('DashboardUrl');
  });
});

describe('encryptionKey', () => {
  it('the key encrypts the table, queues, secrets, logs, topic and bus, also where the Region is not known', async () => {
    const resources = resourcesWith((stack, lapse) => {
      const encryptionKey = new Key(stack, 'Key');
      lapse(stack, 'Lapse', { encryptionKey });
    });
    expect(await schemaFindings(resources)).toEqual([]);
    const key = expect.stringContaining('Key') as unknown;
    const encrypted: readonly (readonly [string, object])[] = [
      [
        'AWS::DynamoDB::GlobalTable',
        {
          SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
          Replicas: [{ SSESpecification: { KMSMasterKeyId: key } }],
        },
      ],
      ['AWS::SQS::Queue', { KmsMasterKeyId: key }],
      ['AWS::SecretsManager::Secret', { KmsKeyId: key }],
      ['AWS::Logs::LogGroup', { KmsKeyId: key }],
      ['AWS::SNS::Topic', { KmsMasterKeyId: key }],
      ['AWS::Events::EventBus', { KmsKeyIdentifier: key }],
    ];
    for (const [type, properties] of encrypted) {
      const found = ofType(resources, type);
      expect(found.length).toBeGreaterThan(0);
      for (const each of found) expect(each).toMatchObject(properties);
    }
  });

  it('the outputs name the key, with which a secret that is connected later is encrypted too', () => {
    withBundles((bundles) => {
      const stack = new Stack(new App(), 'Checkout');
      const encryptionKey = new Key(stack, 'Key');
      new Lapse(stack, 'Lapse', { bundles, encryptionKey }).addOutputs();
      const [output] = Object.values(Template.fromStack(stack).findOutputs('EncryptionKeyArn'));
      expect(output).toEqual({ Value: stack.resolve(encryptionKey.keyArn) as unknown });
    });
  });
});

describe('what the CDK cannot change', () => {
  const warningsWith = (propsOf: (stack: Stack) => LapseProps) =>
    withBundles((bundles) => {
      const stack = new Stack(new App(), 'Checkout');
      new Lapse(stack, 'Lapse', { bundles, ...propsOf(stack) });
      return Annotations.fromStack(stack)
        .findWarning('*', Match.stringLikeRegexp('is imported'))
        .map(({ entry }) => entry.data);
    });

  it('an imported key gives a warning, because logs, events and alarms depend on its policy', () => {
    const arn = 'arn:aws:kms:eu-west-1:000000000000:key/1';
    expect(warningsWith((stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', arn) }))).toEqual([
      expect.stringContaining('its policy must allow the services logs, events and cloudwatch'),
    ]);
  });

  it('an imported topic gives a warning, because no alarm may arrive', () => {
    const arn = 'arn:aws:sns:eu-west-1:000000000000:on-call';
    expect(warningsWith((stack) => ({ alarmTopic: Topic.fromTopicArn(stack, 'OnCall', arn) }))).toEqual([
      expect.stringContaining('no alarm arrives unless its policy allows cloudwatch.amazonaws.com'),
    ]);
  });

  it('a key and a topic of the app give none', () => {
    expect(
      warningsWith((stack) => ({
        encryptionKey: new Key(stack, 'Key'),
        alarmTopic: new Topic(stack, 'OnCall'),
      })),
    ).toEqual([]);
  });
});

it('where the Region is known, a grant on the table allows the key too', () => {
  const statements = withBundles((bundles) => {
    const stack = new Stack(new App(), 'Checkout', { env: { region: 'eu-west-1' } });
    const encryptionKey = new Key(stack, 'Key');
    const lapse = new Lapse(stack, 'Lapse', { bundles, ...({ encryptionKey } as LapseProps) });
    lapse.table.grantReadData(new Role(stack, 'Reader', { assumedBy: new AccountRootPrincipal() }));
    return resourcesOf(Template.fromStack(stack))
      .filter(({ id, type }) => type === 'AWS::IAM::Policy' && id.startsWith('Reader'))
      .map(({ properties }) => JSON.stringify(properties));
  });
  expect(statements[0]).toContain('kms:Decrypt');
});

describe('vpc', () => {
  it('every function runs in the private subnets, with one group that lets out HTTPS and lets in nothing', async () => {
    const resources = resourcesWith((stack, lapse) => {
      lapse(stack, 'Lapse', {
        vpc: new Vpc(stack, 'Vpc', { availabilityZones: ['eu-west-1a', 'eu-west-1b'] }),
      } as LapseProps);
    });
    expect(await schemaFindings(resources.filter(({ id }) => id.startsWith('Lapse')))).toEqual([]);
    const configs = ofType(resources, 'AWS::Lambda::Function')
      .filter(({ Runtime }) => Runtime === 'nodejs24.x')
      .flatMap(({ VpcConfig }) => (VpcConfig === undefined ? [] : [JSON.stringify(VpcConfig)]));
    expect(configs).toHaveLength(7);
    expect(new Set(configs).size).toBe(1);
    expect(configs[0]).toMatch(/VpcPrivateSubnet1.*VpcPrivateSubnet2/);
    expect(ofType(resources, 'AWS::EC2::SecurityGroup')).toMatchObject([
      { SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443, IpProtocol: 'tcp' }] },
    ]);
    expect(ofType(resources, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });

  it('a network without a way to the internet is refused', () => {
    expect(() =>
      templateWith((stack, lapse) => {
        const vpc = new Vpc(stack, 'Vpc', { natGateways: 0 });
        lapse(stack, 'Lapse', { vpc } as LapseProps);
      }),
    ).toThrow(/There are no 'Private' subnet groups in this VPC/);
  });
});
