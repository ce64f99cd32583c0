/** A cancel as most teams write it: read the record, read Klarna, DELETE, write, remove the schedule, one after the other. */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { IdempotencyConfig } from '@aws-lambda-powertools/idempotency';
import { makeHandlerIdempotent } from '@aws-lambda-powertools/idempotency/middleware';
import { DeleteScheduleCommand } from '@aws-sdk/client-scheduler';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import httpContentNegotiation from '@middy/http-content-negotiation';
import httpCors from '@middy/http-cors';
import httpErrorHandler from '@middy/http-error-handler';
import httpEventNormalizer from '@middy/http-event-normalizer';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import httpResponseSerializer from '@middy/http-response-serializer';
import httpSecurityHeaders from '@middy/http-security-headers';
import httpUrlencodePathParser from '@middy/http-urlencode-path-parser';
import validator from '@middy/validator';
import { transpileSchema } from '@middy/validator/transpile';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import {
  documents,
  logger,
  metrics,
  persistenceStore,
  scheduler,
  secret,
  tableName,
  tracer,
} from './typical-services.ts';

const eventSchema = {
  type: 'object',
  required: ['pathParameters'],
  properties: {
    pathParameters: {
      type: 'object',
      required: ['account', 'payment_request_id'],
      properties: {
        account: { type: 'string', pattern: '^[a-z0-9-]{1,32}$' },
        payment_request_id: { type: 'string', pattern: '^krn:payment:[a-z0-9]+:request:[0-9a-f-]{36}$' },
      },
    },
    queryStringParameters: {
      type: 'object',
      properties: {
        reason: { type: 'string', minLength: 1, maxLength: 255 },
        dry_run: { type: 'string', enum: ['true', 'false'] },
      },
    },
  },
} as const;

interface Account {
  readonly api_key: string;
  readonly partner_account_id: string;
}

interface KlarnaPaymentRequest {
  readonly state: string;
  readonly updated_at: string;
}

async function klarna(method: 'GET' | 'DELETE', account: Account, id: string): Promise<KlarnaPaymentRequest> {
  const response = await fetch(
    `${process.env['KLARNA_URL'] ?? ''}/v2/accounts/${account.partner_account_id}/payment/requests/${id}`,
    {
      method,
      headers: { accept: 'application/json', authorization: `Basic ${account.api_key}` },
      signal: AbortSignal.timeout(5_000),
    },
  );
  if (!response.ok) throw new Error(`Klarna responded ${response.status}`);
  return (await response.json()) as KlarnaPaymentRequest;
}

const reply = (statusCode: number, body: unknown) => ({ statusCode, body: JSON.stringify(body) });

async function cancel(event: APIGatewayProxyEventV2) {
  const { account = '', payment_request_id: id = '' } = event.pathParameters ?? {};
  const reason = event.queryStringParameters?.['reason'];
  const accounts = (await secret()) as Readonly<Record<string, Account>>;
  const settings = accounts[account];
  if (!settings) return reply(404, { message: 'unknown account' });

  const key = { PK: `${account}#${id}` };
  const { Item: record } = await documents.send(
    new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }),
  );
  if (record?.['state'] === 'CANCELED') return reply(200, { outcome: 'already_canceled', ...record });
  if (record?.['state'] === 'COMPLETED') return reply(409, { outcome: 'already_final', ...record });

  const seen = await klarna('GET', settings, id);
  if (seen.state === 'COMPLETED') return reply(409, { outcome: 'already_final', state: seen.state });
  const ended = await klarna('DELETE', settings, id);

  const now = new Date().toISOString();
  await documents.send(
    new UpdateCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression:
        'SET #state = :state, previous_state = :previous, occurred_at = :occurred, updated_at = :now, cancel_reason = :reason',
      ConditionExpression: 'attribute_not_exists(#state) OR #state <> :completed',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':state': ended.state,
        ':previous': seen.state,
        ':occurred': ended.updated_at,
        ':now': now,
        ':reason': reason ?? 'none',
        ':completed': 'COMPLETED',
      },
    }),
  );
  await scheduler.send(
    new DeleteScheduleCommand({
      Name: `session-${id.slice(-36)}`,
      GroupName: process.env['SCHEDULE_GROUP_NAME'],
    }),
  );
  metrics.addMetric('Canceled', MetricUnit.Count, 1);
  logger.info('canceled', { account, payment_request_id: id });
  return reply(200, {
    outcome: 'canceled',
    account,
    payment_request_id: id,
    state: ended.state,
    updated_at: now,
  });
}

export const handler = middy<APIGatewayProxyEventV2>()
  .use(captureLambdaHandler(tracer))
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .use(httpEventNormalizer())
  .use(httpHeaderNormalizer())
  .use(httpUrlencodePathParser())
  .use(httpContentNegotiation({ availableMediaTypes: ['application/json'], failOnMismatch: false }))
  .use(httpJsonBodyParser({ disableContentTypeError: true }))
  .use(httpSecurityHeaders())
  .use(httpCors())
  .use(
    httpResponseSerializer({
      serializers: [{ regex: /^application\/json$/, serializer: ({ body }) => body as string }],
      defaultContentType: 'application/json',
    }),
  )
  .use(httpErrorHandler())
  .use(validator({ eventSchema: transpileSchema(eventSchema) }))
  .use(
    makeHandlerIdempotent({
      persistenceStore,
      config: new IdempotencyConfig({ eventKeyJmesPath: 'pathParameters' }),
    }),
  )
  .handler(cancel);
