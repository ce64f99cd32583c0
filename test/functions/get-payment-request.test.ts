import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { applyObservation } from '../../functions/domain/transition.ts';
import { aws, recordWrites, sentCommands } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { account, key, observed, recordWith } from '../support/fixtures.ts';
import { apiEvent, type ApiCall, itemOf, paymentRequestRoute } from '../support/lambda-events.ts';
import { plantedIn } from '../support/planted-secrets.ts';
import { denied, serverError } from '../support/scripted-klarna.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, klarna, output } = await setUpHandlers(
  () => import('../../functions/get-payment-request.ts'),
);

beforeEach(() => {
  aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(record) });
  klarna.state = 'COMPLETED';
});

const { record } = applyObservation(recordWith(), observed('SUBMITTED'));
const history = `${paymentRequestRoute}/history`;

const get = (call: Partial<ApiCall> = {}) => callApi(handler, apiEvent({ method: 'GET', ...call }));

describe('GET of a Payment Request', () => {
  it('GET returns the record from a consistent read without a call to Klarna', async () => {
    expect(await get()).toMatchObject({
      statusCode: 200,
      document: { account, payment_request_id: key.paymentRequestId, state: 'SUBMITTED', version: 1 },
    });
    expect(aws.dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toMatchObject({
      Key: { PK: { S: `A#${account}#P#${key.paymentRequestId}` } },
      ConsistentRead: true,
    });
    expect(klarna.calls).toEqual([]);
    expect(output.text()).toBe('');
  });

  it('GET with refresh=true reads Klarna and records the state', async () => {
    const { document } = await get({ query: { refresh: 'true' } });
    expect(document).toMatchObject({
      state: 'COMPLETED',
      evidence: { source: 'read' },
      refresh: 'refreshed',
    });
    expect(recordWrites()).toHaveLength(1);
  });

  it('GET with refresh=true returns the old record when Klarna gives no clear response', async () => {
    klarna.instead = () => serverError;
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { state: 'SUBMITTED', refresh: 'unknown' },
    });
    const [write, ...others] = recordWrites();
    expect(others).toEqual([]);
    // A read, noted, with the response and what ties it to Klarna's logs.
    expect(Object.values(unmarshall(write?.ExpressionAttributeValues ?? {}))).toContainEqual([
      expect.objectContaining({
        k: 'rn',
        d: expect.objectContaining({
          p: 'unclear',
          s: '500',
          i: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        }) as unknown,
      }),
    ]);
  });

  it('GET with refresh=true returns the old record when Klarna refuses the credentials', async () => {
    klarna.instead = () => denied();
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { state: 'SUBMITTED', refresh: 'klarna_denied' },
    });
    // The history has the read and Klarna's response.
    expect(recordWrites()).toHaveLength(1);
  });

  it('GET of an unknown request returns 404 without a call to Klarna', async () => {
    aws.dynamodb.on(GetItemCommand).resolves({});
    for (const call of [{}, { route: history }]) {
      expect(await get(call)).toMatchObject({
        statusCode: 404,
        document: { type: 'urn:lapse:problem:not-found', payment_request_id: key.paymentRequestId },
      });
    }
    expect(klarna.calls).toEqual([]);
  });
});

describe('GET with refresh=true of a request without a record', () => {
  beforeEach(() => {
    aws.dynamodb
      .on(GetItemCommand)
      .resolvesOnce({})
      .resolves({ Item: itemOf(record) });
  });

  it('GET with refresh=true makes the record from the state that Klarna reports', async () => {
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { refresh: 'refreshed' },
    });
    const [written, ...more] = recordWrites();
    expect(more).toEqual([]);
    expect(Object.values(written?.ExpressionAttributeValues ?? {})).toContainEqual({
      S: 'COMPLETED',
    });
    expect(klarna.calls).toEqual(['read']);
  });

  it('GET with refresh=true returns 404 and makes no record when Klarna does not know the request', async () => {
    klarna.reset(undefined);
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 404,
      document: {
        type: 'urn:lapse:problem:not-found',
        detail: 'There is no record of this Payment Request, and Klarna does not know it.',
      },
    });
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each([401, 403] as const)(
    'GET with refresh=true returns 502 without a record when Klarna responds %i',
    async (status) => {
      klarna.instead = () => denied(status);
      expect(await get({ query: { refresh: 'true' } })).toMatchObject({
        statusCode: 502,
        headers: { 'retry-after': '60' },
        document: {
          type: 'urn:lapse:problem:klarna-denied',
          detail: expect.stringContaining('Check the api_key') as string,
          payment_request_id: key.paymentRequestId,
        },
      });
      expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
    },
  );

  it('GET with refresh=true returns 503 without a record when Klarna gives no clear response', async () => {
    klarna.instead = () => serverError;
    const { statusCode, headers } = await get({ query: { refresh: 'true' } });
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });
});

it('GET …/history returns every entry with its evidence and explanation', async () => {
  const { statusCode, document } = await get({ route: history });
  expect(statusCode).toBe(200);
  expect(document).toMatchObject({
    payment_request_id: key.paymentRequestId,
    entries: [
      {
        kind: 'webhook',
        state: 'SUBMITTED',
        effect: 'applied',
        explanation: expect.stringMatching(/The record now has this state\.$/) as string,
      },
    ],
    dropped: 0,
    first_dropped_at: null,
    last_dropped_at: null,
  });
});

it('GET returns the record while Secrets Manager fails', async () => {
  aws.secrets.on(GetSecretValueCommand).rejects(throttled);
  expect((await get()).statusCode).toBe(200);
  expect(aws.secrets.calls()).toEqual([]);
});

it('GET with refresh=true for an unknown account returns 404 and reads no record', async () => {
  aws.dynamodb.on(GetItemCommand).resolves({});
  const pathParameters = { account: 'shop-no', payment_request_id: key.paymentRequestId };
  const { statusCode, document } = await get({ pathParameters, query: { refresh: 'true' } });
  expect([statusCode, document['type']]).toEqual([404, 'urn:lapse:problem:unknown-account']);
  const keys = aws.dynamodb.calls().map(({ args }) => JSON.stringify(args[0].input));
  expect(keys.filter((input) => input.includes('#P#'))).toEqual([]);
});

describe('GET of a route or id that does not exist', () => {
  it.each([
    ['an invalid refresh', 400, { query: { refresh: '1' } }],
    ['an unknown query parameter', 400, { query: { fresh: 'true' } }],
    ['a refresh of the history', 400, { route: history, query: { refresh: 'true' } }],
    ['an id of 10 KB', 400, { pathParameters: { account, payment_request_id: 'k'.repeat(10_240) } }],
    [
      'an invalid account',
      400,
      { pathParameters: { account: 'SHOP', payment_request_id: key.paymentRequestId } },
    ],
    ['a route that is not served', 404, { route: '/{proxy+}', path: '/accounts/a/b/c', pathParameters: {} }],
    ['a method that is not served', 405, { method: 'POST' }],
  ])('GET with %s returns %i and reads nothing', async (_, status, call) => {
    const { statusCode, headers, document } = await get(call);
    expect(statusCode).toBe(status);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(document).toMatchObject({
      type: expect.stringMatching(/^urn:lapse:problem:/) as unknown,
      field: expect.any(String) as unknown,
      given: expect.any(String) as unknown,
      allowed: expect.any(String) as unknown,
    });
    expect(aws.dynamodb.calls()).toEqual([]);
  });

  it('the default route returns 404', async () => {
    const { pathParameters: _, ...event } = apiEvent({ method: 'GET', path: '/' });
    const response = await callApi(handler, { ...event, routeKey: '$default' });
    expect(response.statusCode).toBe(404);
  });

  it('GET returns 503 with Retry-After and nothing of the exception when the table fails', async () => {
    aws.dynamodb.on(GetItemCommand).rejects(throttled);
    const { statusCode, headers, body } = await get();
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    expect(plantedIn(body)).toEqual([]);
  });
});

it('GET logs, returns and stores no secret', async () => {
  const { body } = await get({ query: { refresh: 'true' } });
  expect(klarna.calls).toHaveLength(1);
  expect(plantedIn(output.text() + body + JSON.stringify(sentCommands()))).toEqual([]);
});
