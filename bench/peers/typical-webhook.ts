/** A webhook as most teams write it: verify, write, publish, one after the other. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { IdempotencyConfig } from '@aws-lambda-powertools/idempotency';
import { makeHandlerIdempotent } from '@aws-lambda-powertools/idempotency/middleware';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import middy, { type MiddlewareObj } from '@middy/core';
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
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import {
  documents,
  logger,
  metrics,
  persistenceStore,
  publish,
  secret,
  tableName,
  tracer,
} from './typical-services.ts';

const eventSchema = {
  type: 'object',
  required: ['body'],
  properties: {
    body: {
      type: 'object',
      required: ['metadata', 'payload'],
      properties: {
        metadata: {
          type: 'object',
          required: ['event_id', 'event_type', 'occurred_at'],
          properties: {
            event_id: { type: 'string', format: 'uuid' },
            event_type: { type: 'string' },
            occurred_at: { type: 'string', format: 'date-time' },
          },
        },
        payload: {
          type: 'object',
          required: ['payment_request_id', 'state'],
          properties: {
            payment_request_id: { type: 'string' },
            state: {
              type: 'string',
              enum: ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'],
            },
          },
        },
      },
    },
  },
} as const;

interface SigningKey {
  readonly key: string;
  readonly accounts: Readonly<Record<string, string>>;
}

interface Delivery {
  readonly metadata: {
    readonly event_id: string;
    readonly event_type: string;
    readonly occurred_at: string;
    readonly subject_account_id: string;
  };
  readonly payload: { readonly payment_request_id: string; readonly state: string };
}

const isBase64 = (event: LambdaFunctionURLEvent): BufferEncoding =>
  event.isBase64Encoded ? 'base64' : 'utf8';

/** Verifies the raw body, before it is parsed. */
const signature = (): MiddlewareObj<LambdaFunctionURLEvent> => ({
  before: async ({ event }) => {
    const keys = (await secret()) as Readonly<Record<string, SigningKey>>;
    const key = keys[event.headers['klarna-signing-key-id'] ?? ''];
    const given = Buffer.from(event.headers['klarna-signature'] ?? '', 'hex');
    const expected = createHmac('sha256', key?.key ?? 'none')
      .update(Buffer.from(event.body ?? '', isBase64(event)))
      .digest();
    if (!key || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw Object.assign(new Error('invalid signature'), { statusCode: 400 });
    }
  },
});

async function receive({
  body,
  headers,
}: {
  readonly body: Delivery;
  readonly headers: Record<string, string>;
}) {
  const { metadata, payload } = body;
  const keys = (await secret()) as Readonly<Record<string, SigningKey>>;
  const account = keys[headers['klarna-signing-key-id'] ?? '']?.accounts[metadata.subject_account_id] ?? '';
  await documents.send(
    new UpdateCommand({
      TableName: tableName,
      Key: { PK: `${account}#${payload.payment_request_id}` },
      UpdateExpression: 'SET #state = :state, occurred_at = :occurred, event_id = :event, updated_at = :now',
      ConditionExpression: 'attribute_not_exists(occurred_at) OR occurred_at < :occurred',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':state': payload.state,
        ':occurred': metadata.occurred_at,
        ':event': metadata.event_id,
        ':now': new Date().toISOString(),
      },
    }),
  );
  await publish('Payment Request State Changed', {
    account,
    payment_request_id: payload.payment_request_id,
    state: payload.state,
    occurred_at: metadata.occurred_at,
  });
  metrics.addMetric('WebhookReceived', MetricUnit.Count, 1);
  logger.info('webhook received', {
    account,
    payment_request_id: payload.payment_request_id,
    state: payload.state,
  });
  return { statusCode: 200, body: JSON.stringify({ received: true }) };
}

export const handler = middy<LambdaFunctionURLEvent>()
  .use(captureLambdaHandler(tracer))
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .use(httpEventNormalizer())
  .use(httpHeaderNormalizer())
  .use(httpUrlencodePathParser())
  .use(httpContentNegotiation({ availableMediaTypes: ['application/json'], failOnMismatch: false }))
  .use(httpSecurityHeaders())
  .use(httpCors())
  .use(
    httpResponseSerializer({
      serializers: [{ regex: /^application\/json$/, serializer: ({ body }) => body as string }],
      defaultContentType: 'application/json',
    }),
  )
  .use(httpErrorHandler())
  .use(signature())
  .use(httpJsonBodyParser())
  .use(validator({ eventSchema: transpileSchema(eventSchema) }))
  .use(
    makeHandlerIdempotent({
      persistenceStore,
      config: new IdempotencyConfig({ eventKeyJmesPath: 'body.metadata.event_id' }),
    }),
  )
  .handler(receive as never);
