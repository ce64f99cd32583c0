/**
 * The synthesized stack as the local system needs it: plain data, with all CloudFormation references resolved. Names
 * are the physical names that the local AWS server uses; `id` is the logical id in the template.
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
  /** The outputs that name the resources for an operator, with their local names. */
  readonly outputs: Readonly<Record<string, string>>;
  /** `purpose` is the last part of the construct's id: `accounts`, `signing-keys` or `page-keys`. */
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
  /** As the template sets it, with references resolved. The local system overrides single variables. */
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
  /** Input for the SDK's CreateTable, with on-demand billing and the stream specification. */
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
  /** -1 means no limit. */
  readonly maximumRetryAttempts: number;
  /** -1 means no limit. */
  readonly maximumRecordAgeSeconds: number;
  /** The queue that receives discarded batches, if any. */
  readonly onFailureQueueName: string | undefined;
}

export interface RecurringScheduleDescription {
  readonly id: string;
  readonly everySeconds: number;
  readonly functionId: string;
  /** The JSON document that the target is invoked with. */
  readonly input: unknown;
  /** How often Lambda repeats a run that fails. */
  readonly retryAttempts: number;
  /** The queue for runs that failed, if there is one. */
  readonly onFailureQueueName: string | undefined;
}
