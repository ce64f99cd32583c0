import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  Code,
  Function as LambdaFunction,
  type IFunction,
  type IVersion,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { EnvironmentOf } from '../functions/contract/environment.ts';
import type { FunctionName } from '../functions/contract/function-name.ts';
import { acknowledge, acknowledgeKey } from './acknowledge.ts';
import { bundleHandler } from './bundles.ts';
import { allowNetwork } from './function-network.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { metricsNamespace } from './lapse-metrics.ts';
import type { SharedProps } from './shared-props.ts';

/**
 * What differs from function to function.
 *
 * @internal
 */
export interface LapseFunctionProps<Name extends FunctionName> {
  readonly shared: SharedProps;
  readonly functionName: Name;
  /** Exactly the variables that the function reads. */
  readonly environment: EnvironmentOf<Name>;
  readonly timeout: Duration;
  /**
   * Megabytes of memory, which also set the share of a processor.
   * @default 256
   */
  readonly memorySize?: number;
  /**
   * Concurrent executions that are set aside for this function and are its upper limit.
   * @default - none are set aside: the account's unreserved concurrency
   */
  readonly reservedConcurrentExecutions?: number | undefined;
}

/**
 * One function as all of Lapse's are: Node 24 on arm64, JSON logs with a retention, and the alias `live` that every trigger
 * invokes. It has alarms on errors, throttles and duration. It may write its own log, and use the encryption key if there is one.
 */
export class LapseFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly functionName: Name;
  readonly function: LambdaFunction;
  readonly alias: Alias;
  /** The alarms that roll a new version back. */
  readonly rollbackAlarms: readonly LapseAlarm[];

  /** @internal */
  constructor(scope: Construct, id: string, props: LapseFunctionProps<Name>) {
    super(scope, id);
    const { shared, functionName } = props;
    this.functionName = functionName;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: shared.settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(shared.encryptionKey && { encryptionKey: shared.encryptionKey }),
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Permissions of the Lapse function ${functionName}`,
    });
    logGroup.grantWrite(role);
    shared.encryptionKey?.grantEncryptDecrypt(role);
    acknowledgeKey(role);
    if (shared.network) allowNetwork(role, functionsOf(Stack.of(this)));
    this.function = new LambdaFunction(this, 'Function', {
      role,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(shared.bundles[functionName]),
      handler: bundleHandler,
      description: functionName,
      environment: {
        ...(props.environment as Readonly<Record<string, string>>),
        SERVICE_NAME: functionName,
        METRICS_NAMESPACE: metricsNamespace,
        LOG_LEVEL: shared.settings.logLevel,
      },
      timeout: props.timeout,
      memorySize: props.memorySize ?? 256,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...shared.network,
      ...(shared.settings.tracing && { tracing: Tracing.ACTIVE }),
      ...(props.reservedConcurrentExecutions !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      }),
    });
    this.#acknowledge(shared.settings.tracing);
    // The CDK's classes are not assignable to its own interfaces under exactOptionalPropertyTypes.
    const version = this.function.currentVersion as IVersion;
    this.alias = new Alias(this, 'Live', { aliasName: 'live', version });
    this.rollbackAlarms = this.#watch(shared, props.timeout);
  }

  /** The alias `live`, with the type that the rest of the CDK takes. */
  get live(): IFunction {
    return this.alias as IFunction;
  }

  /** Allows these actions on these resources. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }

  #acknowledge(isTraced: boolean): void {
    acknowledge(
      this.function,
      {
        id: 'Serverless::Serverless-LambdaDLQ',
        reason:
          'An HTTP API, a Lambda URL, a queue or a stream waits for the response. Only the sweep is invoked asynchronously, and its failed runs go to a queue.',
      },
      {
        id: 'Serverless::Serverless-LambdaTracing',
        reason:
          'Every call to Klarna has a correlation id in the record, the log and the history. X-Ray is a setting.',
      },
    );
    if (isTraced) {
      acknowledge(this.function.role ?? this, {
        id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
        reason: 'The two actions that send a trace to X-Ray have no resource type.',
      });
    }
  }

  #watch({ alarmTopic: topic, settings }: SharedProps, timeout: Duration): readonly LapseAlarm[] {
    const period = Duration.minutes(5);
    const { functionName } = this;
    new LapseAlarm(this, 'Duration', {
      topic,
      description: `The slowest invocation of ${functionName} takes ${settings.thresholds.durationPercent} percent of its time limit or more.`,
      section: 'function-duration',
      metric: this.live.metricDuration({ period, statistic: Stats.MAXIMUM }),
      threshold: (timeout.toMilliseconds() * settings.thresholds.durationPercent) / 100,
      periods: 2,
    });
    const errors = new LapseAlarm(this, 'Errors', {
      topic,
      description: `An invocation of ${functionName} failed.`,
      section: 'function-errors',
      metric: this.live.metricErrors({ period }),
      threshold: 1,
    });
    const throttles = new LapseAlarm(this, 'Throttles', {
      topic,
      description: `Invocations of ${functionName} are throttled for lack of concurrency.`,
      section: 'function-throttles',
      metric: this.live.metricThrottles({ period }),
      threshold: 1,
      periods: 2,
    });
    return [errors, throttles];
  }
}

/** Every function of the account and Region. The function itself would make a circle: it waits for its policy. */
const functionsOf = (stack: Stack): string =>
  stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
