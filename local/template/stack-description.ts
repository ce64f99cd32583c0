/**
 * What the local system needs to know of the synthesized stack: plain data, all CloudFormation references resolved.
 * Names are the physical names under which the local AWS server knows the resources; `id` is the logical id in the template.
 */
export interface StackDescription {
  readonly region: string;
  readonly accountId: string;
  readonly functions: readonly FunctionDescription[];
  readonly routes: readonly RouteDescription[];
  readonly functionUrls: readonly FunctionUrlDescription[];
  readonly tables: readonly TableDescription[];
  readonly queues: readonly QueueDescription[];
  readonly queueSources: readonly QueueSourceDescription[];
  readonly streamSources: readonly StreamSourceDescription[];
  readonly recurringSchedules: readonly RecurringScheduleDescription[];
  /** Names of the schedule groups. */
  readonly scheduleGroups: readonly string[];
  /** Names of the event buses. */
  readonly eventBuses: readonly string[];
  /** Names of the secrets; `purpose` is the last part of the construct's id: `accounts` or `signing-keys`. */
  /** The outputs that name what an operator works on, as it is named here. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly secrets: readonly { readonly id: string; readonly name: string; readonly purpose: string }[];
}

export interface FunctionDescription {
  readonly id: string;
  /** The function's name in the project, such as `cancel-payment-request`. */
  readonly name: string;
  /** Absolute path of the folder with the bundle. */
  readonly bundle: string;
  /** Lambda's handler setting, such as `index.handler`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  /** As the template sets it, references resolved; the local system overrides single variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly reservedConcurrency: number | undefined;
}

export interface RouteDescription {
  /** `GET`, `PUT`, … or `ANY`; `$default` routes have method `ANY` and path `$default`. */
  readonly method: string;
  /** API Gateway's path template, such as `/accounts/{account}/payment-requests/{payment_request_id}`. */
  readonly path: string;
  /** Logical id of the function. */
  readonly functionId: string;
  readonly authorization: 'AWS_IAM' | 'JWT' | 'NONE' | 'CUSTOM';
}

export interface FunctionUrlDescription {
  readonly functionId: string;
  readonly authorization: 'AWS_IAM' | 'NONE';
}

export interface TableDescription {
  readonly id: string;
  readonly name: string;
  /** Ready for the SDK's CreateTable, on-demand billing, stream specification included. */
  readonly createTable: Readonly<Record<string, unknown>>;
  readonly streamEnabled: boolean;
}

export interface QueueDescription {
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  readonly visibilityTimeoutSeconds: number;
  readonly retentionSeconds: number;
  readonly redrive: { readonly deadLetterQueueName: string; readonly maxReceiveCount: number } | undefined;
}

export interface QueueSourceDescription {
  readonly functionId: string;
  readonly queueName: string;
  readonly batchSize: number;
  readonly maximumBatchingWindowSeconds: number;
  readonly reportBatchItemFailures: boolean;
  readonly maximumConcurrency: number | undefined;
}

export interface StreamSourceDescription {
  readonly functionId: string;
  readonly tableName: string;
  readonly batchSize: number;
  readonly maximumBatchingWindowSeconds: number;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly reportBatchItemFailures: boolean;
  readonly bisectBatchOnFunctionError: boolean;
  /** -1: without limit. */
  readonly maximumRetryAttempts: number;
  /** -1: without limit. */
  readonly maximumRecordAgeSeconds: number;
  /** Queue that is told of a batch given up, if any. */
  readonly onFailureQueueName: string | undefined;
}

export interface RecurringScheduleDescription {
  readonly id: string;
  readonly everySeconds: number;
  readonly functionId: string;
  /** The JSON document the target is invoked with. */
  readonly input: unknown;
}
