import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../functions/domain/configuration-error.ts';
import { TransientError } from '../../../functions/domain/transient-error.ts';
import { faultKindOf } from '../../../functions/telemetry/fault-kind.ts';
import {
  type Behaviour,
  hanging,
  resetting,
  responding,
  startMisbehavingServer,
} from '../../support/misbehaving-server.ts';

const named = (name: string, fields: object = {}): Error =>
  Object.assign(new Error('text'), { name, ...fields });

/** An error as the SDK throws it for a response with this status. */
const ofAws = (name: string, httpStatusCode: number): Error => named(name, { $metadata: { httpStatusCode } });

describe('the kind of a fault', () => {
  it.each([
    ['DynamoDB throttles', ofAws('ProvisionedThroughputExceededException', 400)],
    ['the account is throttled', ofAws('RequestLimitExceeded', 400)],
    ['Scheduler throttles', ofAws('ThrottlingException', 429)],
    ['KMS throttles SQS', ofAws('KmsThrottled', 400)],
    ['an AWS service fails', ofAws('InternalServerError', 500)],
    ['an AWS service is unavailable', ofAws('ServiceUnavailable', 503)],
    ['two writers met', ofAws('TransactionConflictException', 400)],
    ['two callers create one schedule', ofAws('ConflictException', 409)],
    ['credentials ran out', ofAws('ExpiredTokenException', 400)],
    ['the SDK had no response', named('Error', { $metadata: { attempts: 3 } })],
    ['other writers were faster', new TransientError('text')],
    ['time runs out', named('TimeoutError')],
    ['a connection is refused', named('Error', { code: 'ECONNREFUSED' })],
    ['a name does not resolve', named('Error', { code: 'ENOTFOUND' })],
    ['its cause passes', new Error('text', { cause: ofAws('ThrottlingException', 400) })],
  ])('a fault is transient when %s', (_, error) => {
    expect(faultKindOf(error)).toBe('transient');
  });

  it.each([
    ['a secret is malformed', new ConfigurationError('The secret accounts is empty.')],
    ['DynamoDB denies access', ofAws('AccessDeniedException', 400)],
    ['SQS denies access', ofAws('AccessDenied', 403)],
    ['the table does not exist', ofAws('ResourceNotFoundException', 400)],
    ['the queue does not exist', ofAws('QueueDoesNotExist', 400)],
    ['the KMS key of a queue is disabled', ofAws('KmsDisabled', 400)],
    ['the KMS key of the table is not accessible', ofAws('KMSAccessDeniedException', 400)],
    ['Secrets Manager cannot decrypt', ofAws('DecryptionFailure', 400)],
    ['the credentials are unknown', ofAws('UnrecognizedClientException', 400)],
    ['the quota of schedules is used up', ofAws('ServiceQuotaExceededException', 402)],
    ['AWS forbids it under a name that we do not know', ofAws('SomethingNew', 403)],
  ])('a fault is the configuration when %s', (_, error) => {
    expect(faultKindOf(error)).toBe('misconfigured');
  });

  it.each([
    ['the item is too large or the request is invalid', ofAws('ValidationException', 400)],
    ['the body cannot be read', ofAws('SerializationException', 400)],
    ['a condition fails that the code does not expect', ofAws('ConditionalCheckFailedException', 400)],
    ['code is wrong', new TypeError('text')],
    ['Node rejects an argument', named('TypeError', { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a text is thrown', 'text'],
    ['nothing is thrown', undefined],
    ['its cause is a bug', new Error('text', { cause: new TypeError('text') })],
  ])('a fault is a bug when %s', (_, error) => {
    expect(faultKindOf(error)).toBe('internal');
  });
});

describe('the kind of a fault that the SDK throws', () => {
  let server: Awaited<ReturnType<typeof startMisbehavingServer>>;
  beforeAll(async () => {
    server = await startMisbehavingServer();
  });
  afterAll(() => server.close());

  const refusing = (type: string, status = 400): Behaviour =>
    responding(status, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'text' });

  it.each<[string, Behaviour, string]>([
    ['refuses access', refusing('AccessDeniedException'), 'misconfigured'],
    ['has no such table', refusing('ResourceNotFoundException'), 'misconfigured'],
    ['finds the request invalid', refusing('ValidationException'), 'internal'],
    ['throttles', refusing('ProvisionedThroughputExceededException'), 'transient'],
    ['fails', refusing('InternalServerError', 500), 'transient'],
    ['responds 503 without JSON', responding(503, '<html>'), 'transient'],
    ['resets the connection', resetting, 'transient'],
    ['does not respond', hanging, 'transient'],
  ])('the fault has its kind when DynamoDB %s', async (_, behaviour, kind) => {
    server.behaves(behaviour);
    const client = new DynamoDBClient({
      endpoint: server.url,
      region: 'eu-north-1',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: behaviour === hanging ? 100 : 20_000,
        throwOnRequestTimeout: true,
      },
    });
    const error: unknown = await client
      .send(new GetItemCommand({ TableName: 'lapse', Key: { PK: { S: 'key' } } }))
      .catch((thrown: unknown) => thrown);
    expect(faultKindOf(error)).toBe(kind);
  });
});
