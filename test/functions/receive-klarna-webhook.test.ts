import {
  ConditionalCheckFailedException,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
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
/** The note about the key, which a process makes at most once in ten seconds. */
const isNote = ({ Key }: UpdateItemCommandInput) => Key?.['PK']?.S?.startsWith('K#') === true;
const allWrites = () => aws.dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);
const writes = () => allWrites().filter((input) => !isNote(input));
const heldBy = (record: Parameters<typeof itemOf>[0]) =>
  new ConditionalCheckFailedException({ message: '', $metadata: {}, Item: itemOf(record) });

describe('receive-klarna-webhook, for a signed delivery', () => {
  it('the first delivery of a process with a key is also noted in the table', async () => {
    expect((await responseTo(signedEvent(completedDelivery()))).statusCode).toBe(200);
    expect(allWrites().filter(isNote)).toEqual([
      expect.objectContaining({ Key: { PK: { S: `K#${signingKeyId}` } } }),
    ]);
    expect(writes()).toHaveLength(1);
  });

  it('a new delivery makes one conditional write without a read, and returns 200', async () => {
    expect((await responseTo(signedEvent(completedDelivery()))).statusCode).toBe(200);
    expect(sentCommands().map(({ name }) => name)).toEqual(['UpdateItemCommand', 'GetSecretValueCommand']);
    const [write] = writes();
    expect(write?.Key).toEqual({ PK: { S: `A#${account}#P#${key.paymentRequestId}` } });
    expect(write?.ConditionExpression).toContain('attribute_not_exists');
    const values = Object.values(unmarshall(write?.ExpressionAttributeValues ?? {})) as unknown[];
    expect(values).toContain('COMPLETED');
    // The entry of the history, and the event to publish.
    expect(values).toContainEqual([expect.objectContaining({ i: eventId, k: 'waP' })]);
    expect(values).toContainEqual([{ y: 's' }]);
  });

  it('a repeated delivery returns 200 and writes nothing', async () => {
    const { record } = applyObservation(
      recordWith(),
      observed('CANCELED', undefined, { eventId: eventId as never }),
    );
    aws.dynamodb.on(UpdateItemCommand).rejects(heldBy(record));
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(200);
    expect(writes()).toHaveLength(1);
    expect(output.lines()).toContainEqual(expect.objectContaining({ verdict: 'duplicate' }));
  });

  it('a contradicting delivery returns 200 after its history entry is written', async () => {
    const { record } = applyObservation(recordWith(), observed('EXPIRED'));
    aws.dynamodb.on(UpdateItemCommand).rejectsOnce(heldBy(record)).resolves({});
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(200);
    expect(writes()).toHaveLength(2);
    expect(output.lines()).toContainEqual(expect.objectContaining({ verdict: 'contradicting' }));
  });

  it('a delivery of an unknown type or account is quarantined without customer data', async () => {
    for (const metadata of [{ event_type: 'brand.new' }, { subject_account_id: 'krn:partner:other' }]) {
      expect((await responseTo(signedEvent(completedDelivery(metadata)))).statusCode).toBe(200);
    }
    expect(writes().map(({ Key }) => Key)).toEqual(
      [1, 2].map(() => ({ PK: { S: `Q#${signingKeyId}#${eventId}` } })),
    );
  });

  it('a delivery signed with a new key is accepted without a restart', async () => {
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

describe('receive-klarna-webhook, for a delivery that it refuses', () => {
  const forged = { 'klarna-signature': '0'.repeat(64) };

  it.each([
    ['a bad signature', 400, signedEvent(deliveryWith(), undefined, { headers: forged })],
    ['an unknown key', 400, signedEvent(deliveryWith(), signingKeyWith({ id: 'unknown' }))],
    ['GET', 405, signedEvent(deliveryWith(), undefined, { method: 'GET' })],
    [
      'text/plain',
      415,
      signedEvent(deliveryWith(), undefined, { headers: { 'content-type': 'text/plain' } }),
    ],
    ['64 KiB and more', 413, signedEvent(deliveryWith({}, { padding: 'x'.repeat(65_536) }))],
    ['no headers but the host', 415, functionUrlEvent({})],
  ])('a delivery with %s returns %i and does not call the table', async (_, status, event) => {
    expect((await responseTo(event)).statusCode).toBe(status);
    expect(aws.dynamodb.calls()).toEqual([]);
    if (status !== 400) expect(aws.secrets.calls()).toEqual([]);
  });
});

describe('receive-klarna-webhook, when an AWS service fails', () => {
  it.each([
    ['the table throttles', throttled],
    ['the table cannot be reached', unreachable],
  ])('a delivery returns 503 when %s', async (_, error) => {
    aws.dynamodb.rejects(error);
    for (const metadata of [{}, { event_type: 'brand.new' }]) {
      const response = await responseTo(signedEvent(completedDelivery(metadata)));
      expect(response).toMatchObject({ statusCode: 503, headers: { 'retry-after': '10' } });
      expect(plantedIn(response.body)).toEqual([]);
    }
  });

  it('a delivery returns 503 when the write of its history entry fails', async () => {
    const { record } = applyObservation(recordWith(), observed('EXPIRED'));
    aws.dynamodb.on(UpdateItemCommand).rejectsOnce(heldBy(record)).rejects(throttled);
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(503);
  });

  it('a delivery returns 503 when the signing keys cannot be read', async () => {
    aws.secrets.on(GetSecretValueCommand).rejects(throttled);
    expect((await responseTo(signedEvent(deliveryWith()))).statusCode).toBe(503);
  });

  it('a delivery returns 503 and quotes nothing of the secret when the signing keys are malformed', async () => {
    for (const secret of ['[]', signingKeysSecret().slice(0, -3), signingKeysSecret({ key: '' })]) {
      resetAws(undefined, secret);
      const response = await responseTo(signedEvent(deliveryWith()));
      expect([response.statusCode, plantedIn(response.body + output.text())]).toEqual([503, []]);
    }
  });
});

it('receive-klarna-webhook logs, returns and stores no key, customer data, token or body text', async () => {
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
  expect(output.lines().length).toBe(6);
  expect(plantedIn(output.text() + JSON.stringify(sentCommands()))).toEqual([]);
});

it('every AWS call of receive-klarna-webhook has a limit of a second', async () => {
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
