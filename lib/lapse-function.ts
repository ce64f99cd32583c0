import { ArnFormat, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
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
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { EnvironmentOf } from '../functions/contract/environment.ts';
import type { FunctionName } from '../functions/contract/function-name.ts';
import { acknowledge, acknowledgeKey } from './acknowledge.ts';
import { bundleHandler } from './bundles.ts';
import { allowNetwork } from './function-network.ts';
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
 * invokes. It may write its own log, and use the encryption key if there is one. Lambda's own log lines are those of level WARN: what
 * an invocation took is in CloudWatch's metrics of the function.
 */
export class LapseFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly functionName: Name;
  readonly function: LambdaFunction;
  readonly alias: Alias;
  readonly logGroup: LogGroup;

  /** @internal */
  constructor(scope: Construct, id: string, props: LapseFunctionProps<Name>) {
    super(scope, id);
    const { shared, functionName } = props;
    this.functionName = functionName;
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: shared.settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(shared.encryptionKey && { encryptionKey: shared.encryptionKey }),
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Permissions of the Lapse function ${functionName}`,
    });
    this.logGroup.grantWrite(role);
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
        METRICS_STACK: shared.name,
        LOG_LEVEL: shared.settings.logLevel,
      },
      timeout: props.timeout,
      memorySize: props.memorySize ?? 256,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
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
}

/** Every function of the account and Region. The function itself would make a circle: it waits for its policy. */
const functionsOf = (stack: Stack): string =>
  stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
