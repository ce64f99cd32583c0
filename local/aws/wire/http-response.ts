import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ServiceError } from './service-error.ts';
import type { ServiceName } from './service.ts';

/** A response that is ready to be sent. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Buffer;
}

/** The media type of the responses, and the namespace of exceptions where `__type` carries one. */
const protocols: Readonly<Record<ServiceName, { readonly type: string; readonly namespace: string }>> = {
  dynamodb: { type: 'application/x-amz-json-1.0', namespace: 'com.amazonaws.dynamodb.v20120810#' },
  scheduler: { type: 'application/json', namespace: '' },
  sqs: { type: 'application/x-amz-json-1.0', namespace: 'com.amazonaws.sqs#' },
  eventbridge: { type: 'application/x-amz-json-1.1', namespace: '' },
  secretsmanager: { type: 'application/x-amz-json-1.1', namespace: '' },
};

export const successResponse = (service: ServiceName, output: object): HttpResponse => ({
  status: 200,
  headers: { 'content-type': protocols[service].type },
  body: JSON.stringify(output),
});

/** Puts the exception where each client reads it: in a header, in `__type`, and for SQS under its older name, too. */
export function errorResponse(service: ServiceName, { code, message, status }: ServiceError): HttpResponse {
  const { type, namespace } = protocols[service];
  return {
    status,
    headers: {
      'content-type': type,
      'x-amzn-errortype': code,
      ...(service === 'sqs' && { 'x-amzn-query-error': `${queryCodeOf(code)};${sideOf(status)}` }),
    },
    body: JSON.stringify(
      service === 'scheduler' ? { Message: message } : { __type: `${namespace}${code}`, message },
    ),
  };
}

const sideOf = (status: number): string => (status < 500 ? 'Sender' : 'Receiver');

/** SQS was a query API, where some exceptions had other names: see the trait `awsQueryError` of the SDK's schema. */
const prefixedInQueries = new Set(['MessageNotInflight', 'UnsupportedOperation']);

function queryCodeOf(code: string): string {
  if (code === 'QueueDoesNotExist') return 'AWS.SimpleQueueService.NonExistentQueue';
  return prefixedInQueries.has(code) ? `AWS.SimpleQueueService.${code}` : code;
}

/** Sends it in one piece. Does nothing when the caller has disconnected. */
export function sendHttpResponse(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'x-amzn-requestid': randomUUID(),
    ...headers,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
