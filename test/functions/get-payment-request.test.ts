import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { applyObservation } from '../../functions/domain/transition.ts';
import { aws, sentCommands } from '../support/aws-clients.ts';
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

describe('GET', () => {
  it('shows the record, from a read that is strongly consistent, and asks Klarna nothing', async () => {
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

  it('asks Klarna first with refresh=true, and writes down what it said', async () => {
    const { document } = await get({ query: { refresh: 'true' } });
    expect(document).toMatchObject({
      state: 'COMPLETED',
      evidence: { source: 'read' },
      refresh: 'refreshed',
    });
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toHaveLength(1);
  });

  it('shows the record as it was when Klarna gives no answer, and says so', async () => {
    klarna.instead = () => serverError;
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { state: 'SUBMITTED', refresh: 'unknown' },
    });
    const [write, ...others] = aws.dynamodb.commandCalls(UpdateItemCommand).map((each) => each.args[0].input);
    expect(others).toEqual([]);
    expect(Object.values(unmarshall(write?.ExpressionAttributeValues ?? {}))).toContainEqual(
      expect.objectContaining({
        kind: 'read',
        effect: 'noted',
        detail: expect.objectContaining({
          response: 'unclear',
          status: '500',
          correlation_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        }) as unknown,
      }),
    );
  });

  it('shows the record as it was when Klarna refuses our credentials, and says that', async () => {
    klarna.instead = () => denied();
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { state: 'SUBMITTED', refresh: 'klarna_denied' },
    });
    // The history has that it was asked, and what Klarna said.
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toHaveLength(1);
  });

  it('is 404 when nothing is known of the request, and asks Klarna nothing', async () => {
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

describe('GET with refresh=true of a request that nobody has a record of', () => {
  beforeEach(() => {
    aws.dynamodb
      .on(GetItemCommand)
      .resolvesOnce({})
      .resolves({ Item: itemOf(record) });
  });

  it('is answered by what Klarna says, which is written down as its webhook would be', async () => {
    expect(await get({ query: { refresh: 'true' } })).toMatchObject({
      statusCode: 200,
      document: { refresh: 'refreshed' },
    });
    const [written, ...more] = aws.dynamodb.commandCalls(UpdateItemCommand);
    expect(more).toEqual([]);
    expect(Object.values(written?.args[0].input.ExpressionAttributeValues ?? {})).toContainEqual({
      S: 'COMPLETED',
    });
    expect(klarna.calls).toEqual(['read']);
  });

  it('is 404 when Klarna does not know it either, and no record is made', async () => {
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
    'is 502 when Klarna refuses our credentials, as a DELETE is: %i',
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

  it('is 503 when Klarna gives no answer: that it is unknown would be no more than a guess', async () => {
    klarna.instead = () => serverError;
    const { statusCode, headers } = await get({ query: { refresh: 'true' } });
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });
});

it('GET …/history shows every entry with its evidence, and why', async () => {
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
  });
});

it('a read needs no secret: the record is shown while Secrets Manager fails', async () => {
  aws.secrets.on(GetSecretValueCommand).rejects(throttled);
  expect((await get()).statusCode).toBe(200);
  expect(aws.secrets.calls()).toEqual([]);
});

it('a refresh for an account without a secret is 404, and nothing is read', async () => {
  const pathParameters = { account: 'shop-no', payment_request_id: key.paymentRequestId };
  const { statusCode, document } = await get({ pathParameters, query: { refresh: 'true' } });
  expect([statusCode, document['type']]).toEqual([404, 'urn:lapse:problem:unknown-account']);
  expect(aws.dynamodb.calls()).toEqual([]);
});

describe('refusals', () => {
  it.each([
    ['a refresh that is neither', 400, { query: { refresh: '1' } }],
    ['a query that nobody knows', 400, { query: { fresh: 'true' } }],
    ['a refresh of the history', 400, { route: history, query: { refresh: 'true' } }],
    ['an id of 10 KB', 400, { pathParameters: { account, payment_request_id: 'k'.repeat(10_240) } }],
    [
      'an account that is none',
      400,
      { pathParameters: { account: 'SHOP', payment_request_id: key.paymentRequestId } },
    ],
    ['a route that is not served', 404, { route: '/{proxy+}', path: '/accounts/a/b/c', pathParameters: {} }],
    ['a method that is not served', 405, { method: 'POST' }],
  ])('%s: %i, and nothing is read', async (_, status, call) => {
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

  it('the default route, for which API Gateway has no method and no parameters', async () => {
    const { pathParameters: _, ...event } = apiEvent({ method: 'GET', path: '/' });
    const response = await callApi(handler, { ...event, routeKey: '$default' });
    expect(response.statusCode).toBe(404);
  });

  it('the table does not answer: 503 with Retry-After, and nothing of the exception', async () => {
    aws.dynamodb.on(GetItemCommand).rejects(throttled);
    const { statusCode, headers, body } = await get();
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    expect(plantedIn(body)).toEqual([]);
  });
});

it('no secret of ours is logged, answered or stored', async () => {
  const { body } = await get({ query: { refresh: 'true' } });
  expect(klarna.calls).toHaveLength(1);
  expect(plantedIn(output.text() + body + JSON.stringify(sentCommands()))).toEqual([]);
});
