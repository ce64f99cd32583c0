import { ConfigurationError } from '../domain/configuration-error.ts';
import { TransientError } from '../domain/transient-error.ts';

/**
 * What a fault asks for.
 * - `transient`: another try may succeed. AWS throttles, fails or does not respond.
 * - `misconfigured`: the operator must correct a secret, a permission, a key or a quota, or restore what was deleted.
 * - `internal`: a bug, such as a request that AWS finds invalid. Neither time nor another try helps.
 */
export type FaultKind = 'transient' | 'misconfigured' | 'internal';

/** The kind of a fault. An error that says nothing about it has the kind of its cause. */
export function faultKindOf(error: unknown): FaultKind {
  if (error instanceof ConfigurationError) return 'misconfigured';
  if (error instanceof TransientError) return 'transient';
  if (!(error instanceof Error)) return 'internal';
  if ('$metadata' in error) return kindOfAwsError(error.name, statusOf(error.$metadata));
  if (error.name === 'TimeoutError' || ('code' in error && isSystemCode(error.code))) return 'transient';
  return error.cause === undefined ? 'internal' : faultKindOf(error.cause);
}

/** ECONNRESET comes from the network. ERR_INVALID_ARG_TYPE comes from Node and means a bug of ours. */
const isSystemCode = (code: unknown): boolean => typeof code === 'string' && !code.startsWith('ERR_');

/** The SDK describes the response to every call in `$metadata`. There is no status where there was no response. */
const statusOf = (metadata: unknown): number | undefined =>
  typeof metadata === 'object' &&
  metadata !== null &&
  'httpStatusCode' in metadata &&
  typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;

function kindOfAwsError(name: string, status: number | undefined): FaultKind {
  if (status === undefined || status === 429 || status >= 500 || passing.has(name)) return 'transient';
  return operators.has(name) || kmsName.test(name) || statusesOfOperators.has(status)
    ? 'misconfigured'
    : 'internal';
}

/** What passes although its status is 400: throttling as the SDK knows it, two writers that met, and credentials that ran out. */
const passing: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'ConflictException',
  'ExpiredTokenException',
  'KmsThrottled',
  'LimitExceededException',
  'OverLimit',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'ReplicatedWriteConflictException',
  'RequestExpired',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** What the operator corrects although its status is 400. DynamoDB denies access with it, and reports a missing table with it. */
const operators: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AWS.SimpleQueueService.NonExistentQueue',
  'DecryptionFailure',
  'InaccessibleEncryptionCredentialsException',
  'MissingAuthenticationTokenException',
  'OptInRequired',
  'QueueDoesNotExist',
  'ResourceNotFoundException',
  'ServiceQuotaExceededException',
  'UnrecognizedClientException',
]);

/** SQS has eight errors of its own for the KMS key, such as `KmsAccessDenied`. */
const kmsName = /^kms/i;

const statusesOfOperators: ReadonlySet<number> = new Set([401, 402, 403, 404]);
