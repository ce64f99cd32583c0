import { type Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  Alias,
  Architecture,
  Code,
  Function as LambdaFunction,
  type IFunction,
  type IVersion,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { bundleHandler } from './function-bundle.ts';
import { metricsNamespace } from './lapse-metrics.ts';
import type { EnvironmentOf, FunctionName } from '../functions/contract/environment.ts';

export interface LapseFunctionProps<Name extends FunctionName> {
  readonly functionName: Name;
  /** The bundle's folder. */
  readonly bundle: string;
  /** Exactly the variables that the function reads. */
  readonly environment: EnvironmentOf<Name>;
  readonly timeout: Duration;
  /** @default 256 */
  readonly memorySize?: number;
  /** @default - the account's unreserved concurrency */
  readonly reservedConcurrentExecutions?: number;
  readonly logRetentionDays: RetentionDays;
}

/** One function as all of them are: Node 24 on arm64, JSON logs with a retention, source maps, and an alias `live` that everything calls. */
export class LapseFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly functionName: Name;
  readonly timeout: Duration;
  readonly function: LambdaFunction;
  readonly alias: Alias;

  constructor(scope: Construct, id: string, props: LapseFunctionProps<Name>) {
    super(scope, id);
    this.functionName = props.functionName;
    this.timeout = props.timeout;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${props.functionName} of Lapse may do`,
    });
    logGroup.grantWrite(role);
    this.function = new LambdaFunction(this, 'Function', {
      role,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.bundle),
      handler: bundleHandler,
      description: props.functionName,
      environment: {
        ...(props.environment as Readonly<Record<string, string>>),
        SERVICE_NAME: props.functionName,
        METRICS_NAMESPACE: metricsNamespace,
      },
      timeout: props.timeout,
      memorySize: props.memorySize ?? 256,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.reservedConcurrentExecutions !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      }),
    });
    Validations.of(this.function).acknowledge(
      {
        id: 'Serverless::Serverless-LambdaDLQ',
        reason:
          'Never invoked asynchronously: an HTTP API, a Lambda URL, a queue, a stream or Scheduler waits for the answer.',
      },
      {
        id: 'Serverless::Serverless-LambdaTracing',
        reason:
          'Every call to Klarna has a correlation id in the record, the log and the history; X-Ray would add a service.',
      },
    );
    // The CDK's classes are not assignable to its own interfaces under exactOptionalPropertyTypes.
    const version = this.function.currentVersion as IVersion;
    this.alias = new Alias(this, 'Live', { aliasName: 'live', version });
  }

  /** The alias, as what the rest of the CDK takes. */
  get live(): IFunction {
    return this.alias as IFunction;
  }

  /** Allows literal actions on literal resources, and nothing else. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }
}
