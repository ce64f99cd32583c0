import type { Duration } from 'aws-cdk-lib';
import { RemovalPolicy } from 'aws-cdk-lib';
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
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { EnvironmentOf, FunctionName } from '../functions/runtime/environment.ts';

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
}

/** One function as all of them are: Node 24 on arm64, JSON logs that are kept for a month, and an alias `live` that everything calls. */
export class LapseFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly function: LambdaFunction;
  /** The alias, as what the rest of the CDK takes. */
  readonly live: IFunction;

  constructor(scope: Construct, id: string, props: LapseFunctionProps<Name>) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.function = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.bundle, { exclude: ['*.map'] }),
      handler: 'index.handler',
      description: props.functionName,
      environment: {
        ...(props.environment as Readonly<Record<string, string>>),
        POWERTOOLS_SERVICE_NAME: props.functionName,
        POWERTOOLS_METRICS_NAMESPACE: 'Lapse',
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
      timeout: props.timeout,
      memorySize: props.memorySize ?? 256,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.reservedConcurrentExecutions !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      }),
    });
    // The CDK's classes are not assignable to its own interfaces under exactOptionalPropertyTypes.
    const version = this.function.currentVersion as IVersion;
    this.live = new Alias(this, 'Live', { aliasName: 'live', version }) as IFunction;
  }

  /** Allows literal actions on literal resources, and nothing else. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }
}
