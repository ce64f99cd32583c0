/** A webhook as a careful team writes it: verify the raw body, one conditional write, publish. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import * as v from 'valibot';
import {
  clientSettings,
  documents,
  httpErrors,
  keyOf,
  note,
  oneLine,
  parseJson,
  Refusal,
  reply,
  requestIdSchema,
  secret,
  stateSchema,
  tableName,
} from './lean-services.ts';

const eventBridge = new EventBridgeClient(clientSettings);

const signingKeysSchema = v.record(
  v.string(),
  v.object({ key: v.pipe(v.string(), v.minLength(1)), accounts: v.record(v.string(), v.string()) }),
);
type SigningKey = v.InferOutput<typeof signingKeysSchema>[string];

const deliverySchema = v.object({
  metadata: v.object({
    event_id: v.pipe(v.string(), v.uuid()),
    event_type: v.string(),
    occurred_at: v.pipe(v.string(), v.isoTimestamp()),
    subject_account_id: v.string(),
  }),
  payload: v.object({ payment_request_id: requestIdSchema, state: stateSchema }),
});

/** The key of a valid signature over the raw body. Throws for any other. */
async function signingKeyOf(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
): Promise<SigningKey> {
  const key = (await secret(signingKeysSchema))[headers['klarna-signing-key-id'] ?? ''];
  const given = headers['klarna-signature'] ?? '';
  if (!key || !/^[0-9a-f]{64}$/.test(given)) throw new Refusal(400, 'invalid signature');
  const expected = createHmac('sha256', key.key).update(body).digest();
  if (!timingSafeEqual(Buffer.from(given, 'hex'), expected)) throw new Refusal(400, 'invalid signature');
  return key;
}

async function receive({ body, headers, isBase64Encoded }: LambdaFunctionURLEvent) {
  const raw = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  const { accounts } = await signingKeyOf(headers, raw);
  const { metadata, payload } = v.parse(deliverySchema, parseJson(raw.toString('utf8')));
  const account = accounts[metadata.subject_account_id];
  if (account === undefined) throw new Refusal(400, 'unknown account');
  note({ account, payment_request_id: payload.payment_request_id, state: payload.state });
  const isNews = await write(account, { metadata, payload });
  note({ is_news: isNews });
  if (isNews) await publish(account, { metadata, payload });
  return reply(200, { received: true });
}

type Delivery = v.InferOutput<typeof deliverySchema>;

/** Whether the delivery was new and not older than what is known. */
async function write(account: string, { metadata, payload }: Delivery): Promise<boolean> {
  try {
    await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(account, payload.payment_request_id),
        UpdateExpression:
          'SET #state = :state, occurred_at = :occurred, event_id = :event, updated_at = :now',
        ConditionExpression:
          'attribute_not_exists(occurred_at) OR (occurred_at <= :occurred AND (attribute_not_exists(event_id) OR event_id <> :event))',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': payload.state,
          ':occurred': metadata.occurred_at,
          ':event': metadata.event_id,
          ':now': new Date().toISOString(),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Publishes the change to the rest of the shop. */
async function publish(account: string, { metadata, payload }: Delivery): Promise<void> {
  const { FailedEntryCount: failed } = await eventBridge.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: process.env['EVENT_BUS_NAME'] ?? '',
          Source: 'shop.payments',
          DetailType: 'Payment Request State Changed',
          Detail: JSON.stringify({
            account,
            payment_request_id: payload.payment_request_id,
            state: payload.state,
            occurred_at: metadata.occurred_at,
          }),
        },
      ],
    }),
  );
  if (failed) throw new Error('the bus refused the event');
}

export const handler = middy<LambdaFunctionURLEvent>()
  .use(httpErrors())
  .use(oneLine('webhook'))
  .handler(receive);
