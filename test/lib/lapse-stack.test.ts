import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { pageRouteKeys, routeKeys } from '../../functions/contract/routes.ts';
import type { LapseProps } from '../../lib/lapse.ts';
import { functionNames } from '../../functions/contract/function-name.ts';
import { resourcesOf, templateOf, type Synthesized } from './synthesized.ts';

const template = templateOf();
const resources = resourcesOf(template);
const ofType = (type: string, of = resources): readonly Synthesized[] =>
  of.filter((resource) => resource.type === type);
const propertiesOf = (type: string, of = resources) => ofType(type, of).map(({ properties }) => properties);

const jwt = { jwtIssuer: 'https://issuer.example', jwtAudience: ['lapse'], jwtScopes: ['lapse/cancel'] };

describe('the API', () => {
  it('the API serves exactly the routes of the table, all with IAM', () => {
    const routes = propertiesOf('AWS::ApiGatewayV2::Route');
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual([...routeKeys, '$default'].toSorted());
    expect(new Set(routes.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['AWS_IAM']));
  });

  it('the API takes JWTs with a scope instead, on the same routes', () => {
    const routes = propertiesOf('AWS::ApiGatewayV2::Route', resourcesOf(templateOf(jwt)));
    for (const route of routes) {
      expect(route).toMatchObject({ AuthorizationType: 'JWT', AuthorizationScopes: ['lapse/cancel'] });
    }
    expect(routes).toHaveLength(routeKeys.length + 1);
  });

  it('the API has a throttle, and a log of every call without personal data', () => {
    const [stage] = propertiesOf('AWS::ApiGatewayV2::Stage');
    expect(stage).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
    });
    const { Format: format } = stage?.['AccessLogSettings'] as { Format: string };
    expect(Object.keys(JSON.parse(format) as object)).toContain('status');
    expect(format).not.toMatch(/identity|caller|user|sourceIp/i);
  });
});

describe('the pages of the shop', () => {
  const pages: LapseProps = {
    pageOrigins: ['https://shop.example', 'http://localhost:3000'],
    pageRateLimit: 30,
  };

  it.each<[string, LapseProps]>([
    ['IAM', {}],
    ['JWTs with scopes', jwt],
    ['the webhook on the API', { webhookIngress: 'http-api' }],
  ])(
    'a stack with pages and %s has their routes without an authorizer, and no other in addition',
    (_, props) => {
      const routesOf = (of: LapseProps) =>
        propertiesOf('AWS::ApiGatewayV2::Route', resourcesOf(templateOf({ ...props, ...of }))).map(
          ({ RouteKey, AuthorizationType, AuthorizationScopes: scopes }) =>
            `${String(RouteKey)}: ${String(AuthorizationType)}${scopes === undefined ? '' : ' with scopes'}`,
        );
      const before = routesOf({});
      expect(routesOf(pages).filter((route) => !before.includes(route))).toEqual(
        pageRouteKeys.map((route) => `${route}: NONE`),
      );
    },
  );

  it('the routes of pages have a limit of their own, which is set after the routes exist', () => {
    const withPages = templateOf(pages);
    const limit = { ThrottlingRateLimit: 30, ThrottlingBurstLimit: 60 };
    withPages.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
      RouteSettings: { 'GET /page/session': limit, 'OPTIONS /page/session': limit },
    });
    const ids = ofType('AWS::ApiGatewayV2::Route', resourcesOf(withPages))
      .filter(({ properties }) => pageRouteKeys.some((route) => route === properties['RouteKey']))
      .map(({ id }) => id);
    const [stage] = Object.values(withPages.findResources('AWS::ApiGatewayV2::Stage')) as {
      readonly DependsOn: readonly string[];
    }[];
    expect(ids).toHaveLength(2);
    expect(stage?.DependsOn).toEqual(expect.arrayContaining(ids));
  });

  it('the key of page tokens is made in the stack, and stays when the stack is deleted', () => {
    const secrets = ofType('AWS::SecretsManager::Secret', resourcesOf(templateOf(pages)));
    const [keys] = secrets.filter(({ properties }) => 'GenerateSecretString' in properties);
    expect(secrets).toHaveLength(3);
    expect(keys).toMatchObject({
      deletionPolicy: 'Retain',
      // Another value would make CloudFormation replace the key of a deployed stack.
      properties: {
        GenerateSecretString: {
          SecretStringTemplate: '{}',
          GenerateStringKey: 'current',
          ExcludePunctuation: true,
          PasswordLength: 64,
        },
      },
    });
  });

  it('only get-payment-request knows the origins and the secret of the keys, and the command line its name', () => {
    const withPages = templateOf(pages);
    const knowing = propertiesOf('AWS::Lambda::Function', resourcesOf(withPages)).filter(({ Environment }) =>
      JSON.stringify(Environment).includes('PAGE_'),
    );
    expect(knowing).toMatchObject([
      {
        Description: 'get-payment-request',
        Environment: {
          Variables: {
            PAGE_ORIGINS: 'https://shop.example,http://localhost:3000',
            PAGE_KEYS_SECRET_ID: expect.stringContaining('Secretspagekeys') as unknown,
          },
        },
      },
    ]);
    expect(Object.keys(withPages.findOutputs('*'))).toContain('PageKeysSecretName');
  });

  it('a stack without pages has no secret, no variable, no output and no limit for them', () => {
    expect(JSON.stringify(template.toJSON())).not.toMatch(
      /PAGE_|PageKeys|page-keys|"RouteSettings"|page\/session/,
    );
  });
});

describe('credentials', () => {
  const others = resourcesOf(templateOf({ credentials: ['acquirer', 'direct'] }));

  it('the stack has an empty secret for each credential, which stays when the stack is deleted', () => {
    const secrets = ofType('AWS::SecretsManager::Secret', others).filter(
      ({ properties }) => properties['Name'],
    );
    expect(secrets).toMatchObject([
      { deletionPolicy: 'Retain', properties: { Name: 'Lapse/credentials/acquirer', SecretString: '{}' } },
      { deletionPolicy: 'Retain', properties: { Name: 'Lapse/credentials/direct', SecretString: '{}' } },
    ]);
  });

  it('the functions that call Klarna know the names of the credentials and where their secrets are', () => {
    const environments = propertiesOf('AWS::Lambda::Function', others)
      .map(({ Environment }) => (Environment as { Variables: Record<string, string> }).Variables)
      .filter(({ KLARNA_TEST_URL: url }) => url !== undefined);
    expect(environments).toHaveLength(5);
    for (const variables of environments) {
      expect(variables).toMatchObject({
        CREDENTIALS: 'acquirer,direct',
        CREDENTIALS_PREFIX: 'Lapse/credentials/',
      });
    }
  });

  it('a stack without credentials has no secret for one', () => {
    const names = propertiesOf('AWS::SecretsManager::Secret').map(({ Name }) => Name);
    expect(names).toEqual([undefined, undefined]);
  });
});

describe('the webhook', () => {
  it('the webhook is a public Lambda URL on the alias, with both permissions that it needs', () => {
    expect(propertiesOf('AWS::Lambda::Url')).toMatchObject([{ AuthType: 'NONE', Qualifier: 'live' }]);
    for (const action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
      template.hasResourceProperties('AWS::Lambda::Permission', { Action: action, Principal: '*' });
    }
  });

  it('the webhook is a public route of the API instead, to the same function', () => {
    const other = resourcesOf(templateOf({ webhookIngress: 'http-api' }));
    expect(ofType('AWS::Lambda::Url', other)).toEqual([]);
    const [route] = propertiesOf('AWS::ApiGatewayV2::Route', other).filter(
      ({ RouteKey }) => RouteKey === 'ANY /klarna/webhook',
    );
    expect(route).toMatchObject({ AuthorizationType: 'NONE' });
    const integration = ofType('AWS::ApiGatewayV2::Integration', other).find(
      ({ id }) => route?.['Target'] === `integrations/${id}`,
    );
    expect(integration?.properties).toMatchObject({
      IntegrationUri: expect.stringContaining('receive-klarna-webhook') as unknown,
      PayloadFormatVersion: '2.0',
    });
  });
});

describe('every route', () => {
  it.each<[string, LapseProps]>([
    ['IAM', {}],
    ['IAM and the webhook on the API', { webhookIngress: 'http-api' }],
    ['JWTs with scopes', jwt],
    ['JWTs with scopes and the webhook on the API', { ...jwt, webhookIngress: 'http-api' }],
  ])('with %s, a route without an authorizer has neither scopes nor an authorizer id', (_, props) => {
    const routes = propertiesOf('AWS::ApiGatewayV2::Route', resourcesOf(templateOf(props)));
    const open = routes.filter(({ AuthorizationType }) => AuthorizationType === 'NONE');
    expect(open).toHaveLength(props.webhookIngress === 'http-api' ? 1 : 0);
    for (const route of open) {
      expect(route).not.toHaveProperty('AuthorizationScopes');
      expect(route).not.toHaveProperty('AuthorizerId');
    }
  });
});

describe('concurrency', () => {
  it('no concurrency is reserved by default, so that the stack deploys at any quota', () => {
    for (const each of propertiesOf('AWS::Lambda::Function'))
      expect(each).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  it('webhookConcurrency reserves executions for the webhook only', () => {
    const reserved = propertiesOf(
      'AWS::Lambda::Function',
      resourcesOf(templateOf({ webhookConcurrency: 50 })),
    )
      .filter(({ ReservedConcurrentExecutions }) => ReservedConcurrentExecutions !== undefined)
      .map(({ Description, ReservedConcurrentExecutions }) => [Description, ReservedConcurrentExecutions]);
    expect(reserved).toEqual([['receive-klarna-webhook', 50]]);
  });

  it('a failed run of the sweep is not repeated and goes to its dead-letter queue', () => {
    expect(propertiesOf('AWS::Lambda::EventInvokeConfig')).toMatchObject([
      {
        FunctionName: 'reconcile-payment-requests',
        Qualifier: 'live',
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: {
          OnFailure: { Destination: expect.stringContaining('ReconciliationDeadLetters') as unknown },
        },
      },
    ]);
  });
});

it('calls to Klarna go to the addresses of the settings', () => {
  const klarnaTestUrl = 'http://127.0.0.1:5300';
  const environments = propertiesOf('AWS::Lambda::Function', resourcesOf(templateOf({ klarnaTestUrl })))
    .map(({ Environment }) => (Environment as { Variables: Record<string, string> }).Variables)
    .filter((variables) => 'KLARNA_TEST_URL' in variables);
  expect(environments).toHaveLength(5);
  for (const variables of environments) {
    expect(variables).toMatchObject({
      KLARNA_TEST_URL: klarnaTestUrl,
      KLARNA_LIVE_URL: 'https://api-global.klarna.com',
    });
  }
});

describe('stored data', () => {
  it('the table and the secrets stay when the stack is deleted, under fixed logical ids', () => {
    const kept = resources.filter(({ deletionPolicy }) => deletionPolicy === 'Retain').map(({ id }) => id);
    expect(kept).toEqual([
      'PaymentRequestsTableBAC0AE11',
      'Secretsaccounts010D0AF0',
      'Secretssigningkeys3245CC07',
    ]);
  });

  it('the table has point-in-time recovery, deletion protection and limits on its units', () => {
    template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          ReadOnDemandThroughputSettings: { MaxReadRequestUnits: 10_000 },
        }),
      ],
      WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 10_000 },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      TimeToLiveSpecification: Match.objectLike({ Enabled: true }),
    });
  });
});

describe('the functions', () => {
  it('the functions run on Node 24 and arm64, log JSON for a month, and start with the warm-up', () => {
    expect(ofType('AWS::Lambda::Function')).toHaveLength(7);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      LoggingConfig: Match.objectLike({ LogFormat: 'JSON' }),
      Handler: 'entry.handler',
      // Node would read the source map at every start.
      Environment: { Variables: Match.not(Match.objectLike({ NODE_OPTIONS: Match.anyValue() })) },
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('the functions are invoked by their alias only, and a new version gets a tenth of the invocations first', () => {
    const mappings = propertiesOf('AWS::Lambda::EventSourceMapping').map(({ FunctionName }) => FunctionName);
    const integrations = propertiesOf('AWS::ApiGatewayV2::Integration').map(
      ({ IntegrationUri }) => IntegrationUri,
    );
    for (const target of [...mappings, ...integrations]) expect(target).toMatch(/:live$/);
    const groups = propertiesOf('AWS::CodeDeploy::DeploymentGroup');
    expect(groups).toHaveLength(7);
    for (const group of groups) {
      expect(group).toMatchObject({
        DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
        AutoRollbackConfiguration: { Enabled: true },
        AlarmConfiguration: { Enabled: true, Alarms: [{}] },
      });
    }
    expect(ofType('AWS::CodeDeploy::DeploymentGroup', resourcesOf(templateOf({ canary: false })))).toEqual(
      [],
    );
  });

  it('the functions have a time limit below that of their trigger', () => {
    const timeoutOf = (name: string): number =>
      Number(
        propertiesOf('AWS::Lambda::Function').find(({ Description }) => Description === name)?.['Timeout'],
      );
    const [queue] = propertiesOf('AWS::SQS::Queue').filter(
      ({ RedrivePolicy }) => RedrivePolicy !== undefined,
    );
    expect(Number(queue?.['VisibilityTimeout'])).toBeGreaterThanOrEqual(
      6 * timeoutOf('cancel-expired-session'),
    );
    for (const name of ['register', 'get', 'cancel']) {
      expect(timeoutOf(`${name}-payment-request`)).toBeLessThan(30);
    }
    expect(timeoutOf('reconcile-payment-requests')).toBeLessThan(60);
  });
});

describe('queues and streams', () => {
  it('every queue has a dead-letter queue or is one, is encrypted, and refuses calls without TLS', () => {
    const queues = ofType('AWS::SQS::Queue');
    const deadLetters = queues.filter(({ properties }) => properties['RedrivePolicy'] === undefined);
    expect(queues.length - deadLetters.length).toBe(1);
    for (const { id, properties } of deadLetters) {
      expect(properties['MessageRetentionPeriod']).toBe(1_209_600);
      // A queue, a stream or a schedule names it as its dead-letter queue.
      const others = resources.filter((each) => each.id !== id && !/Policy|Alarm|Dashboard/.test(each.type));
      expect(others.some((each) => JSON.stringify(each.properties).includes(`:${id}"`))).toBe(true);
    }
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    expect(ofType('AWS::SQS::QueuePolicy')).toHaveLength(queues.length);
  });

  it('event source mappings report failed items only, and have a dead-letter queue', () => {
    expect(propertiesOf('AWS::Lambda::EventSourceMapping')).toMatchObject([
      {
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 10 },
      },
      {
        BatchSize: 100,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRecordAgeInSeconds: 72_000,
        DestinationConfig: { OnFailure: {} },
      },
    ]);
  });
});

it('the outputs say where everything is and what to do next', () => {
  const outputs = template.findOutputs('*');
  expect(Object.keys(outputs).toSorted()).toEqual([
    'AccountsSecretName',
    'AlarmTopicArn',
    'ApiAuthorization',
    'ApiUrl',
    'CredentialsPrefix',
    'DashboardUrl',
    'DeadTimersQueueUrl',
    'EventBusName',
    'FunctionNames',
    'KlarnaLiveUrl',
    'KlarnaTestUrl',
    'MetricsStack',
    'NextCommand',
    'RetentionDays',
    'ScheduleGroupName',
    'SigningKeysSecretName',
    'SweepFailuresQueueUrl',
    'TableName',
    'TimerQueueUrl',
    'TombstoneRetentionDays',
    'UnpublishedEventsQueueUrl',
    'WebhookUrl',
  ]);
  const kept = templateOf({ retentionDays: 30 }).findOutputs('RetentionDays');
  expect(kept).toMatchObject({ RetentionDays: { Value: '30' } });
});

interface LambdaResource {
  readonly Properties: { readonly Environment: { readonly Variables: Readonly<Record<string, string>> } };
}

interface Output {
  readonly Value: unknown;
}

it('each kind of data has its own retention, which is that of records where it is not given', () => {
  const variable = (given: LapseProps, name: string) => {
    const functions = Object.values(
      templateOf(given).findResources('AWS::Lambda::Function'),
    ) as unknown as readonly LambdaResource[];
    const values = functions.map(({ Properties }) => Properties.Environment.Variables[name]);
    return [...new Set(values.filter((value) => value !== undefined))];
  };
  const names = ['RETENTION_DAYS', 'QUARANTINE_RETENTION_DAYS', 'JOB_RETENTION_DAYS'];
  const daysOf = (given: LapseProps) => [
    ...names.flatMap((name) => variable(given, name)),
    (templateOf(given).findOutputs('TombstoneRetentionDays')['TombstoneRetentionDays'] as Output).Value,
  ];
  expect(daysOf({ retentionDays: 30 })).toEqual(['30', '30', '30', '30']);
  const each = { quarantineRetentionDays: 20, jobRetentionDays: 10, tombstoneRetentionDays: 2 };
  expect(daysOf({ retentionDays: 30, ...each })).toEqual(['30', '20', '10', '2']);
});

it('the outputs name the functions, the authorization of the API and the addresses of Klarna', () => {
  const valueOf = (from: typeof template, name: string) =>
    (from.findOutputs(name)[name] as { readonly Value: unknown }).Value;
  const parts = (valueOf(template, 'FunctionNames') as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'deployed')).join('');
  expect(text.split(' ').toSorted()).toEqual(functionNames.map((name) => `${name}=deployed`).toSorted());
  expect(valueOf(template, 'ApiAuthorization')).toBe('AWS_IAM');
  expect(valueOf(template, 'KlarnaTestUrl')).toBe('https://api-global.test.klarna.com');
  const other = templateOf({
    jwtIssuer: 'https://issuer.example',
    jwtAudience: ['lapse'],
    klarnaLiveUrl: 'https://klarna.example',
  });
  expect(valueOf(other, 'ApiAuthorization')).toBe('JWT');
  expect(valueOf(other, 'KlarnaLiveUrl')).toBe('https://klarna.example');
});

it('the alarm topic allows CloudWatch of this account to publish, and refuses calls without TLS', () => {
  expect(propertiesOf('AWS::SNS::TopicPolicy')).toMatchObject([
    {
      PolicyDocument: {
        Statement: [
          { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
          {
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } },
          },
        ],
      },
    },
  ]);
});
