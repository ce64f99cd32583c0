import { readFile } from 'node:fs/promises';
import { join, resolve as absolute } from 'node:path';
import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import { createResolver, type Resolve, type Resource, type Resources } from './intrinsics.ts';
import type {
  FunctionDescription,
  QueueDescription,
  QueueSourceDescription,
  RecurringScheduleDescription,
  RouteDescription,
  StackDescription,
  StreamSourceDescription,
  TableDescription,
} from './stack-description.ts';

export interface ReadStackOptions {
  /** Endpoint of the local AWS server, without a slash at its end. */
  readonly awsUrl: string;
}

/** The other outputs are addresses, which differ here, or name what there is at AWS only. */
const operatorsOutput =
  /^(ApiAuthorization|CredentialsPrefix|TableName|RetentionDays|TombstoneRetentionDays|EventBusName|ScheduleGroupName|FunctionNames|MetricsStack|\w+QueueUrl)$/;

const region = 'eu-west-1';
const accountId = '000000000000';

/**
 * Reads the one stack of a cloud assembly as the local system needs it. Throws, naming the resource,
 * when it cannot read a resource of a kind that it uses. A failed start is better than running something else.
 */
export async function readStack(cdkOut: string, { awsUrl }: ReadStackOptions): Promise<StackDescription> {
  const assembly = absolute(cdkOut);
  const { stackName, templateFile } = await findStack(assembly);
  const { Resources: resources, Outputs: outputs } = JSON.parse(
    await readFile(join(assembly, templateFile), 'utf8'),
  ) as {
    readonly Resources: Resources;
    readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  };
  const resolve = createResolver(resources, { region, accountId, stackName, awsUrl });
  const ofType = createReader(resources, resolve);
  const functions = ofType('AWS::Lambda::Function', functionSchema)
    .filter(({ resource }) => resource.Metadata?.['aws:asset:path'] !== undefined)
    .map((found) => describeFunction(found, assembly));
  const functionIdOf = functionFinder(functions);
  return {
    region,
    accountId,
    functions,
    queues: ofType('AWS::SQS::Queue', queueSchema).map(describeQueue),
    tables: ofType('AWS::DynamoDB::GlobalTable', tableSchema).map(describeTable),
    ...readTriggers(ofType, functionIdOf),
    scheduleGroups: ofType('AWS::Scheduler::ScheduleGroup', namedSchema).map(nameOf),
    eventBuses: ofType('AWS::Events::EventBus', namedSchema).map(nameOf),
    secrets: ofType('AWS::SecretsManager::Secret', namedSchema).map((found) => ({
      id: found.id,
      name: nameOf(found),
      purpose: purposeOf(found.id, found.resource),
    })),
    outputs: Object.fromEntries(
      Object.entries(outputs ?? {})
        .filter(([name]) => operatorsOutput.test(name))
        .map(([name, { Value: value }]) => [name, String(resolve(value))]),
    ),
  };
}

/** Every resource of a type, its properties resolved and checked. */
type ReadType = <Schema extends v.GenericSchema>(type: string, schema: Schema) => readonly Found<Schema>[];

const createReader =
  (resources: Resources, resolve: Resolve): ReadType =>
  (type, schema) =>
    Object.entries(resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, resource]) => {
        const parsed = v.safeParse(schema, resolve(resource.Properties ?? {}));
        if (parsed.success) return { id, resource, properties: parsed.output };
        const [issue] = parsed.issues;
        throw new Error(`${id} (${type}): ${v.getDotPath(issue) ?? 'properties'}: ${issue.message}`);
      });

/** The logical id of a function, by its ARN or its name, with or without the alias. */
const functionFinder =
  (functions: readonly FunctionDescription[]) =>
  (reference: string): string => {
    const name = reference.split(':')[reference.startsWith('arn:') ? 6 : 0];
    const found = functions.find((each) => each.name === name);
    if (!found) throw new Error(`A trigger invokes ${reference}, which the stack does not have.`);
    return found.id;
  };

type Triggers = Pick<
  StackDescription,
  'routes' | 'functionUrls' | 'queueSources' | 'streamSources' | 'recurringSchedules'
>;

/** Everything that invokes a function. */
function readTriggers(ofType: ReadType, functionIdOf: (reference: string) => string): Triggers {
  const integrations = ofType('AWS::ApiGatewayV2::Integration', integrationSchema);
  const sources = ofType('AWS::Lambda::EventSourceMapping', sourceSchema);
  return {
    routes: ofType('AWS::ApiGatewayV2::Route', routeSchema).map(({ properties: route }): RouteDescription => {
      const [method = '', path = ''] =
        route.RouteKey === '$default' ? ['ANY', '$default'] : route.RouteKey.split(' ');
      const integration = integrations.find(({ id }) => route.Target === `integrations/${id}`);
      if (!integration) throw new Error(`The route ${route.RouteKey} does not have an integration.`);
      return {
        method,
        path,
        functionId: functionIdOf(integration.properties.IntegrationUri),
        authorization: route.AuthorizationType,
      };
    }),
    functionUrls: ofType('AWS::Lambda::Url', functionUrlSchema).map(({ properties }) => ({
      functionId: functionIdOf(properties.TargetFunctionArn),
      authorization: properties.AuthType,
    })),
    queueSources: sources
      .filter(({ properties }) => properties.EventSourceArn.includes(':sqs:'))
      .map(({ properties }) => describeQueueSource(properties, functionIdOf)),
    streamSources: sources
      .filter(({ properties }) => properties.EventSourceArn.includes(':dynamodb:'))
      .map(({ properties }) => describeStreamSource(properties, functionIdOf)),
    recurringSchedules: ofType('AWS::Scheduler::Schedule', scheduleSchema).map((found) =>
      describeRecurringSchedule(
        found,
        ofType('AWS::Lambda::EventInvokeConfig', asynchronousSchema),
        functionIdOf,
      ),
    ),
  };
}

const nameOf = ({ id, properties }: Found<typeof namedSchema>): string => properties.Name ?? id;

interface Found<Schema extends v.GenericSchema> {
  readonly id: string;
  readonly resource: Resource;
  readonly properties: v.InferOutput<Schema>;
}

const optionalNumber = (fallback: number) => v.optional(v.number(), fallback);

const functionSchema = v.object({
  Description: v.optional(v.string()),
  Handler: v.optional(v.string(), 'index.handler'),
  Timeout: optionalNumber(3),
  MemorySize: optionalNumber(128),
  ReservedConcurrentExecutions: v.optional(v.number()),
  Environment: v.optional(v.object({ Variables: recordOf(v.string(), v.string()) })),
});

const queueSchema = v.object({
  QueueName: v.optional(v.string()),
  VisibilityTimeout: optionalNumber(30),
  MessageRetentionPeriod: optionalNumber(345_600),
  RedrivePolicy: v.optional(v.object({ deadLetterTargetArn: v.string(), maxReceiveCount: v.number() })),
});

const tableSchema = v.object({
  TableName: v.optional(v.string()),
  AttributeDefinitions: v.array(v.unknown()),
  KeySchema: v.array(v.unknown()),
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.looseObject({ IndexName: v.string(), KeySchema: v.array(v.unknown()), Projection: v.unknown() }),
    ),
  ),
  StreamSpecification: v.optional(v.object({ StreamViewType: v.string() })),
});

const routeSchema = v.object({
  RouteKey: v.string(),
  Target: v.string(),
  AuthorizationType: v.optional(v.picklist(['AWS_IAM', 'JWT', 'NONE', 'CUSTOM']), 'NONE'),
});

const integrationSchema = v.object({
  IntegrationType: v.literal('AWS_PROXY'),
  IntegrationUri: v.string(),
  PayloadFormatVersion: v.literal('2.0'),
});

const functionUrlSchema = v.object({
  TargetFunctionArn: v.string(),
  AuthType: v.picklist(['AWS_IAM', 'NONE']),
});

const sourceSchema = v.object({
  EventSourceArn: v.string(),
  FunctionName: v.string(),
  BatchSize: v.optional(v.number()),
  MaximumBatchingWindowInSeconds: optionalNumber(0),
  FunctionResponseTypes: v.optional(v.array(v.string()), []),
  ScalingConfig: v.optional(v.object({ MaximumConcurrency: v.optional(v.number()) })),
  StartingPosition: v.optional(v.picklist(['TRIM_HORIZON', 'LATEST'])),
  BisectBatchOnFunctionError: v.optional(v.boolean(), false),
  MaximumRetryAttempts: optionalNumber(-1),
  MaximumRecordAgeInSeconds: optionalNumber(-1),
  DestinationConfig: v.optional(v.object({ OnFailure: v.optional(v.object({ Destination: v.string() })) })),
});

const scheduleSchema = v.object({
  ScheduleExpression: v.string(),
  Target: v.object({ Arn: v.string(), Input: v.optional(v.string(), '{}') }),
});

const asynchronousSchema = v.object({
  FunctionName: v.string(),
  MaximumRetryAttempts: v.optional(v.number()),
  DestinationConfig: v.optional(v.object({ OnFailure: v.optional(v.object({ Destination: v.string() })) })),
});

const namedSchema = v.object({ Name: v.optional(v.string()) });

async function findStack(assembly: string): Promise<{ stackName: string; templateFile: string }> {
  const manifest = JSON.parse(await readFile(join(assembly, 'manifest.json'), 'utf8')) as {
    readonly artifacts: Readonly<
      Record<string, { type: string; properties?: { templateFile?: string; stackName?: string } }>
    >;
  };
  const stacks = Object.entries(manifest.artifacts).filter(
    ([, { type }]) => type === 'aws:cloudformation:stack',
  );
  const [[id, stack] = ['', undefined], another] = stacks;
  if (!stack || another)
    throw new Error(`${assembly} has ${stacks.length} stacks; the local system runs one.`);
  return {
    stackName: stack.properties?.stackName ?? id,
    templateFile: stack.properties?.templateFile ?? `${id}.template.json`,
  };
}

function describeFunction(
  { id, resource, properties }: Found<typeof functionSchema>,
  assembly: string,
): FunctionDescription {
  return {
    id,
    name: properties.Description ?? id,
    bundle: join(assembly, String(resource.Metadata?.['aws:asset:path'])),
    handler: properties.Handler,
    timeoutSeconds: properties.Timeout,
    memoryMegabytes: properties.MemorySize,
    environment: properties.Environment?.Variables ?? {},
    reservedConcurrency: properties.ReservedConcurrentExecutions,
  };
}

const lastPart = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

function describeRecurringSchedule(
  { id, properties }: Found<typeof scheduleSchema>,
  invokeConfigs: readonly Found<typeof asynchronousSchema>[],
  functionIdOf: (reference: string) => string,
): RecurringScheduleDescription {
  const everySeconds = secondsOfRate(id, properties.ScheduleExpression);
  const functionId = functionIdOf(properties.Target.Arn);
  const config = invokeConfigs.find(({ properties: each }) => functionIdOf(each.FunctionName) === functionId);
  const onFailure = config?.properties.DestinationConfig?.OnFailure?.Destination;
  return {
    id,
    everySeconds,
    functionId,
    input: JSON.parse(properties.Target.Input) as unknown,
    // Without a setting, Lambda repeats an asynchronous invocation twice.
    retryAttempts: config?.properties.MaximumRetryAttempts ?? 2,
    onFailureQueueName: onFailure && lastPart(onFailure),
  };
}

function describeQueue({ id, properties }: Found<typeof queueSchema>): QueueDescription {
  const { RedrivePolicy: redrive } = properties;
  const name = properties.QueueName ?? id;
  return {
    id,
    name,
    arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
    visibilityTimeoutSeconds: properties.VisibilityTimeout,
    retentionSeconds: properties.MessageRetentionPeriod,
    redrive: redrive && {
      deadLetterQueueName: lastPart(redrive.deadLetterTargetArn),
      maxReceiveCount: redrive.maxReceiveCount,
    },
  };
}

/** CreateTable takes neither the replica settings of a global table nor its time to live. */
function describeTable({ id, properties }: Found<typeof tableSchema>): TableDescription {
  const {
    TableName: name = id,
    AttributeDefinitions,
    KeySchema,
    GlobalSecondaryIndexes = [],
    StreamSpecification: stream,
  } = properties;
  return {
    id,
    name,
    createTable: {
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions,
      KeySchema,
      ...(GlobalSecondaryIndexes.length > 0 && {
        GlobalSecondaryIndexes: GlobalSecondaryIndexes.map(
          ({ IndexName, KeySchema: KeySchemaOfIndex, Projection }) => ({
            IndexName,
            KeySchema: KeySchemaOfIndex,
            Projection,
          }),
        ),
      }),
      ...(stream && { StreamSpecification: { StreamEnabled: true, ...stream } }),
    },
    streamEnabled: stream !== undefined,
  };
}

type Source = v.InferOutput<typeof sourceSchema>;

const reportsItems = ({ FunctionResponseTypes: types }: Source): boolean =>
  types.includes('ReportBatchItemFailures');

function describeQueueSource(source: Source, functionIdOf: (arn: string) => string): QueueSourceDescription {
  return {
    functionId: functionIdOf(source.FunctionName),
    queueName: lastPart(source.EventSourceArn),
    batchSize: source.BatchSize ?? 10,
    maximumBatchingWindowSeconds: source.MaximumBatchingWindowInSeconds,
    reportBatchItemFailures: reportsItems(source),
    maximumConcurrency: source.ScalingConfig?.MaximumConcurrency,
  };
}

function describeStreamSource(
  source: Source,
  functionIdOf: (arn: string) => string,
): StreamSourceDescription {
  const destination = source.DestinationConfig?.OnFailure?.Destination;
  return {
    functionId: functionIdOf(source.FunctionName),
    tableName: source.EventSourceArn.split('/')[1] ?? '',
    batchSize: source.BatchSize ?? 100,
    maximumBatchingWindowSeconds: source.MaximumBatchingWindowInSeconds,
    startingPosition: source.StartingPosition ?? 'TRIM_HORIZON',
    reportBatchItemFailures: reportsItems(source),
    bisectBatchOnFunctionError: source.BisectBatchOnFunctionError,
    maximumRetryAttempts: source.MaximumRetryAttempts,
    maximumRecordAgeSeconds: source.MaximumRecordAgeInSeconds,
    onFailureQueueName: destination === undefined ? undefined : lastPart(destination),
  };
}

const secondsIn = { minute: 60, hour: 3_600, day: 86_400 } as const;

function secondsOfRate(id: string, expression: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit === undefined)
    throw new Error(`${id} runs at ${expression}; the local system supports rate(…) only.`);
  return Number(count) * secondsIn[unit as keyof typeof secondsIn];
}

/**
 * The last part of the construct's path before the resource: `signing-keys` in `Lapse/Secrets/signing-keys/Resource`.
 */
function purposeOf(id: string, { Metadata: metadata }: Resource): string {
  const path = metadata?.['aws:cdk:path'];
  const parts = typeof path === 'string' ? path.split('/').filter((part) => part !== 'Resource') : [];
  return parts.at(-1) ?? id;
}
