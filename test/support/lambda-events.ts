/** Events as AWS sends them to the functions. */
import type {
  APIGatewayProxyEventV2,
  Context,
  DynamoDBStreamEvent,
  LambdaFunctionURLEvent,
  SQSEvent,
} from 'aws-lambda';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toItem } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { account, key } from './fixtures.ts';

/** The context of an invocation that has this many milliseconds left. */
export const lambdaContext = (remainingMillis = 30_000): Context => {
  const context: Omit<Context, 'done' | 'fail' | 'succeed'> = {
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'lapse-function',
    functionVersion: '7',
    invokedFunctionArn: 'arn:aws:lambda:eu-north-1:000000000000:function:lapse-function:live',
    memoryLimitInMB: '256',
    awsRequestId: '2f1b9d5e-0000-4000-8000-000000000000',
    logGroupName: '/aws/lambda/lapse-function',
    logStreamName: '2026/03/01/[7]0123456789abcdef',
    getRemainingTimeInMillis: () => remainingMillis,
  };
  // The runtime of Node 24 has no callbacks. The type still has them.
  return context as Context;
};

export const callerArn = 'arn:aws:iam::000000000000:user/checkout';

export const paymentRequestRoute = '/accounts/{account}/payment-requests/{payment_request_id}';

export const sessionRoute = '/accounts/{account}/sessions/{session_id}';

export const referenceRoute = '/accounts/{account}/references/{reference}';

export const cancelJobsRoute = '/accounts/{account}/cancel-jobs';

export const listRoute = '/accounts/{account}/payment-requests';

export interface ApiCall {
  readonly method: string;
  readonly route?: string;
  readonly path?: string;
  /** Percent-decoded, as API Gateway sends them. */
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Bytes arrive as base64, a text as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call of the HTTP API, format 2.0, authorized by IAM. */
export function apiEvent({
  method,
  route,
  path,
  pathParameters,
  query,
  body,
  headers,
}: ApiCall): APIGatewayProxyEventV2 {
  const routeKey = `${method} ${route ?? paymentRequestRoute}`;
  const parameters = pathParameters ?? { account, payment_request_id: key.paymentRequestId };
  const rawPath =
    path ?? (route ?? paymentRequestRoute).replace(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '');
  const isBase64Encoded = body instanceof Uint8Array;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const requestContext = {
    accountId: '000000000000',
    apiId: 'api0123456',
    authorizer: {
      iam: {
        accessKey: 'ASIAEXAMPLEEXAMPLE00',
        accountId: '000000000000',
        callerId: 'AIDAEXAMPLE',
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: callerArn,
        userId: 'AIDAEXAMPLE',
      },
    },
    domainName: 'api0123456.execute-api.eu-north-1.amazonaws.com',
    domainPrefix: 'api0123456',
    http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'shop/1.0' },
    requestId: 'JKJaXmPLvHcESHA=',
    routeKey,
    stage: '$default',
    time: '01/Mar/2026:12:00:00 +0000',
    timeEpoch: 1_772_366_400_000,
  };
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=ASIAEXAMPLEEXAMPLE00/20260301/eu-north-1/execute-api/aws4_request',
      'content-type': 'application/json',
      host: 'api0123456.execute-api.eu-north-1.amazonaws.com',
      ...headers,
    },
    ...(query && { queryStringParameters: query }),
    requestContext,
    pathParameters: parameters,
    ...(body !== undefined && { body: isBase64Encoded ? Buffer.from(body).toString('base64') : text }),
    isBase64Encoded,
  };
}

export interface UrlCall {
  readonly method?: string;
  /** Names in lower case, and the values of a repeated header joined by a comma, as a Lambda URL sends them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** A Lambda URL sends a body as base64 if it does not look like text. */
  readonly base64?: boolean;
}

/** A call of a Lambda URL. */
export function functionUrlEvent({
  method = 'POST',
  headers = {},
  body,
  base64 = false,
}: UrlCall): LambdaFunctionURLEvent {
  const host = 'abcdefghijklmnop.lambda-url.eu-north-1.on.aws';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: '',
    headers: { host, 'x-forwarded-proto': 'https', 'x-forwarded-port': '443', ...headers },
    requestContext: {
      accountId: 'anonymous',
      apiId: 'abcdefghijklmnop',
      domainName: host,
      domainPrefix: 'abcdefghijklmnop',
      http: { method, path: '/', protocol: 'HTTP/1.1', sourceIp: '198.51.100.7', userAgent: 'Klarna' },
      requestId: '7b9d0c2e-0000-4000-8000-000000000000',
      routeKey: '$default',
      stage: '$default',
      time: '01/Mar/2026:12:00:00 +0000',
      timeEpoch: 1_772_366_400_000,
    },
    ...(body && { body: Buffer.from(body).toString(base64 ? 'base64' : 'utf8') }),
    isBase64Encoded: base64,
  };
}

export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly receiveCount?: number;
}

/** A batch from the timer queue. The receipt handle of message `m` is `receipt-m`. */
export const queueEvent = (...messages: readonly QueuedMessage[]): SQSEvent => ({
  Records: messages.map(({ id, body, receiveCount = 1 }) => ({
    messageId: id,
    receiptHandle: `receipt-${id}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      ApproximateFirstReceiveTimestamp: '1772366400000',
      SenderId: 'AROAEXAMPLE:lapse',
      SentTimestamp: '1772366400000',
    },
    messageAttributes: {},
    md5OfBody: '00000000000000000000000000000000',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-north-1:000000000000:timers',
    awsRegion: 'eu-north-1',
  })),
});

export interface Write {
  /** Milliseconds since 1970. @default now */
  readonly writtenAt?: number;
  readonly sequenceNumber: string;
  readonly before?: PaymentRequest;
  readonly after?: PaymentRequest;
}

/** A batch from the table's stream. A write without `after` is a deletion, one without `before` makes an item. */
export const streamEvent = (...writes: readonly Write[]): DynamoDBStreamEvent => ({
  Records: writes.map(({ sequenceNumber, before, after, writtenAt = Date.now() }) => ({
    eventID: sequenceNumber,
    eventName: after ? (before ? 'MODIFY' : 'INSERT') : 'REMOVE',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-north-1',
    eventSourceARN: 'arn:aws:dynamodb:eu-north-1:000000000000:table/lapse/stream/2026-03-01T00:00:00.000',
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(writtenAt / 1_000),
      SequenceNumber: sequenceNumber,
      SizeBytes: 1000,
      StreamViewType: 'NEW_IMAGE',
      ...(after && { NewImage: imageOf(after) }),
    },
  })),
});

type StreamImage = NonNullable<NonNullable<DynamoDBStreamEvent['Records'][number]['dynamodb']>['NewImage']>;

/** The types of aws-lambda and of the SDK describe the same JSON. */
const imageOf = (record: PaymentRequest): StreamImage => itemOf(record) as StreamImage;

/** The item of a record in the table. */
export const itemOf = (record: PaymentRequest) =>
  marshall(toItem(record, 90), { removeUndefinedValues: true });

/** The event of the recurring schedule. */
export const recurringEvent = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  account: '000000000000',
  time: '2026-03-01T12:00:00Z',
  region: 'eu-north-1',
  resources: ['arn:aws:scheduler:eu-north-1:000000000000:schedule/default/sweep'],
  detail: '{}',
};
