import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { applyObservation } from '../../functions/domain/transition.ts';
import { aws, callLimits, resetAws, sentCommands, signingKeysSecret } from '../support/aws-clients.ts';
import { throttled, unreachable } from '../support/aws-faults.ts';
import { account, key, observed, recordWith } from '../support/fixtures.ts';
import {
  completedDelivery,
  deliveryWith,
  eventId,
  signedEvent,
  signedHeaders,
  signingKeyId,
  signingKeyWith,
} from '../support/klarna-deliveries.ts';
import { functionUrlEvent, itemOf, lambdaContext } from '../support/lambda-events.ts';
import { plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, output } = await setUpHandlers(() => import('../../functions/receive-klarna-webhook.ts'));

const responseTo = (event: Parameters<typeof handler>[0]) => handler(event, lambdaContext());
const writes = () => aws.dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);
const heldBy = (record: Parameters<typeof itemOf>[0]) =>
  new ConditionalCheckFailedException({ message: '', $metadata: {}, Item: itemOf(record) });

describe('a delivery', () => {
  it('that is new is one conditional write, without a read before it, and then 200', async () => {
    expect((await responseTo(signedEvent(completedDelivery()))).statusCode).toBe(200);
    expect(sentCommands().map(({ name }) => name)).toEqual(['UpdateItemCommand', 'GetSecretValueCommand']);
    const [write] = writes();
    expect(write?.Key).toEqual({ PK: { S: `A#${account}#P#${key.paymentRequestId}` } });
    expect(write?.ConditionExpression).toContain('attribute_not_exists');
    expect(Object.values(unmarshall(write?.ExpressionAttributeValues ?? {}))).toContain('COMPLETED');
    expect(Object.values(write?.ExpressionAttributeNames ?? {})).toContain(`h#${eventId}`);
  });

  it('seen before is 200, and nothing is written after the refused condition', async () => {
    const { record } = applyObservation(
      recordWith(),
      observed('CANCELED', undefined, { eventId: eventId as never }),
    );
    aws.dynamodb.on(UpdateItemCommand).rejects(heldBy(record));
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(200);
    expect(writes()).toHaveLength(1);
    expect(output.lines()).toContainEqual(expect.objectContaining({ verdict: 'duplicate' }));
  });

  it('that is stale is 200 after its history entry is written, too', async () => {
    const { record } = applyObservation(recordWith(), observed('EXPIRED'));
    aws.dynamodb.on(UpdateItemCommand).rejectsOnce(heldBy(record)).resolves({});
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(200);
    expect(writes()).toHaveLength(2);
    expect(output.lines()).toContainEqual(expect.objectContaining({ verdict: 'contradicting' }));
  });

  it('that belongs to no record is kept beside the records, and nothing of the customer with it', async () => {
    for (const metadata of [{ event_type: 'brand.new' }, { subject_account_id: 'krn:partner:other' }]) {
      expect((await responseTo(signedEvent(completedDelivery(metadata)))).statusCode).toBe(200);
    }
    expect(writes().map(({ Key }) => Key)).toEqual(
      [1, 2].map(() => ({ PK: { S: `Q#${signingKeyId}#${eventId}` } })),
    );
  });

  it('signed with a key that was added to the secret a moment ago works without a restart', async () => {
    const added = signingKeyWith({ id: 'added', key: 'a new key' });
    const event = signedEvent(deliveryWith(), added);
    expect((await responseTo(event)).statusCode).toBe(400);
    resetAws(
      undefined,
      signingKeysSecret({}).replace(signingKeyId, 'added').replace(signingKeyWith().key, 'a new key'),
    );
    expect((await responseTo(event)).statusCode).toBe(200);
  });
});

describe('a refusal', () => {
  const forged = { 'klarna-signature': '0'.repeat(64) };

  it.each([
    ['a bad signature', 400, signedEvent(deliveryWith(), undefined, { headers: forged })],
    ['an unknown key', 400, signedEvent(deliveryWith(), signingKeyWith({ id: 'nobody' }))],
    ['GET', 405, signedEvent(deliveryWith(), undefined, { method: 'GET' })],
    [
      'text/plain',
      415,
      signedEvent(deliveryWith(), undefined, { headers: { 'content-type': 'text/plain' } }),
    ],
    ['64 KiB and more', 413, signedEvent(deliveryWith({}, { padding: 'x'.repeat(65_536) }))],
    ['no headers but the host', 415, functionUrlEvent({})],
  ])('of %s is %i, and the table is left alone', async (_, status, event) => {
    expect((await responseTo(event)).statusCode).toBe(status);
    expect(aws.dynamodb.calls()).toEqual([]);
    if (status !== 400) expect(aws.secrets.calls()).toEqual([]);
  });
});

describe('503, so that Klarna sends it again', () => {
  it.each([
    ['the table throttles', throttled],
    ['the table cannot be reached', unreachable],
  ])('when %s', async (_, error) => {
    aws.dynamodb.rejects(error);
    for (const metadata of [{}, { event_type: 'brand.new' }]) {
      const response = await responseTo(signedEvent(completedDelivery(metadata)));
      expect(response).toMatchObject({ statusCode: 503, headers: { 'retry-after': '10' } });
      expect(plantedIn(response.body)).toEqual([]);
    }
  });

  it('when the second write of a stale one fails: nothing is acknowledged that was not written', async () => {
    const { record } = applyObservation(recordWith(), observed('EXPIRED'));
    aws.dynamodb.on(UpdateItemCommand).rejectsOnce(heldBy(record)).rejects(throttled);
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(503);
  });

  it('when the signing keys cannot be read', async () => {
    aws.secrets.on(GetSecretValueCommand).rejects(throttled);
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(503);
  });

  it('when the signing keys are malformed, and says nothing of them', async () => {
    for (const secret of ['[]', signingKeysSecret().slice(0, -3), signingKeysSecret({ key: '' })]) {
      resetAws(undefined, secret);
      const response = await responseTo(signedEvent(deliveryWith()));
      expect([response.statusCode, plantedIn(response.body + output.text())]).toEqual([503, []]);
    }
  });
});

it('no key, name, address, e-mail, token or body text is logged, answered or stored', async () => {
  const bytes = Buffer.from(JSON.stringify(completedDelivery()));
  const events = [
    signedEvent(completedDelivery()),
    signedEvent(completedDelivery({ event_type: 'brand.new' })),
    signedEvent(completedDelivery({ live: 'planted' })),
    functionUrlEvent({
      body: bytes,
      headers: { ...signedHeaders(bytes), 'klarna-signature': '0'.repeat(64) },
    }),
    functionUrlEvent({ body: bytes.subarray(1), headers: signedHeaders(bytes) }),
    functionUrlEvent({ body: bytes, headers: {} }),
  ];
  const statuses: number[] = [];
  for (const event of events) {
    const response = await responseTo(event);
    statuses.push(response.statusCode);
    expect(plantedIn(response.body)).toEqual([]);
  }
  expect(statuses).toEqual([200, 200, 200, 400, 400, 415]);
  expect(output.lines().length).toBeGreaterThan(6);
  expect(plantedIn(output.text() + JSON.stringify(sentCommands()))).toEqual([]);
});

it('no call to AWS may take long: Klarna wants its answer within a second or so', async () => {
  await responseTo(signedEvent(deliveryWith()));
  const limits = await callLimits();
  expect(limits).toHaveLength(2);
  for (const { maxAttempts, requestTimeout, connectionTimeout, throwOnRequestTimeout } of limits) {
    expect(throwOnRequestTimeout).toBe(true);
    expect(maxAttempts).toBeLessThanOrEqual(2);
    expect(requestTimeout).toBeLessThanOrEqual(1_000);
    expect(connectionTimeout).toBeLessThanOrEqual(500);
  }
});
