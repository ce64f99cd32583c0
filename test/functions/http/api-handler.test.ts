import { describe, expect, it } from 'vitest';
import { apiHandler } from '../../../functions/http/api-handler.ts';
import { ConfigurationError } from '../../../functions/domain/configuration-error.ts';
import { TransientError } from '../../../functions/domain/transient-error.ts';
import { invalid } from '../../../functions/http/problem.ts';
import { jsonResponse } from '../../../functions/http/response.ts';
import { count } from '../../../functions/telemetry/telemetry.ts';
import { notAllowed, rejected, throttled, unreachable } from '../../support/aws-faults.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { apiEvent, lambdaContext } from '../../support/lambda-events.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';

const output = captureOutput();

const responseOf = (act: () => Promise<ReturnType<typeof jsonResponse>>) =>
  apiHandler(act)(apiEvent({ method: 'GET', body: { text: planted.text } }), lambdaContext());
const failing = (error: unknown) =>
  responseOf(() => {
    throw error;
  });

const coded = (error: Error, fields: Readonly<Record<string, unknown>>): Error =>
  Object.assign(error, fields);
const parserError = (): unknown => {
  try {
    return JSON.parse(planted.text) as unknown;
  } catch (error) {
    return error;
  }
};

describe('a function behind the HTTP API', () => {
  it('apiHandler returns the response and logs nothing', async () => {
    expect(await responseOf(() => Promise.resolve(jsonResponse(200, { a: 1 })))).toMatchObject({
      statusCode: 200,
    });
    expect(output.text()).toBe('');
  });

  it('apiHandler returns a problem as a problem document and does not log it', async () => {
    const response = await failing(invalid({ field: 'a', given: '1', allowed: '2' }));
    expect(response).toMatchObject({
      statusCode: 400,
      headers: { 'content-type': 'application/problem+json' },
    });
    expect(output.text()).toBe('');
  });

  it('apiHandler writes its metrics even if the invocation fails', async () => {
    await responseOf(() => {
      count('SecretStale');
      return Promise.reject(new Error('a bug'));
    });
    expect(output.text()).toContain('"SecretStale":1');
  });

  it.each([
    ['DynamoDB throttles', throttled],
    ['a connection is refused', unreachable],
    ['a name does not resolve', coded(new Error(planted.text), { code: 'ENOTFOUND' })],
    ['the connection ends', coded(new Error(planted.text), { code: 'ECONNRESET' })],
    ['other writers were faster for too long', new TransientError(planted.text)],
    ['time runs out', coded(new Error(planted.text), { name: 'TimeoutError' })],
  ])('apiHandler returns 503 with Retry-After and nothing of the exception when %s', async (_, error) => {
    const response = await failing(error);
    expect(response.statusCode).toBe(503);
    expect(response.headers).toMatchObject({
      'retry-after': '1',
      'content-type': 'application/problem+json',
    });
    expect(JSON.parse(response.body)).toMatchObject({ type: 'urn:lapse:problem:unavailable', status: 503 });
    expect(response.body).not.toContain(error.name);
    expect(plantedIn(response.body)).toEqual([]);
  });

  it.each([
    ['a TypeError', new TypeError(planted.text)],
    ['an error of Node', coded(new TypeError(planted.text), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a DOMException', new DOMException(planted.text, 'DataCloneError')],
    ['an error of the JSON parser', parserError()],
    ['a text', planted.text],
    ['undefined', undefined],
    ['a request that AWS finds invalid', rejected],
  ])('apiHandler returns 500 and nothing of the exception for a bug: %s', async (_, error) => {
    const response = await failing(error);
    expect(response.statusCode).toBe(500);
    expect(JSON.parse(response.body)).toMatchObject({ type: 'urn:lapse:problem:internal', status: 500 });
    expect(plantedIn(response.body)).toEqual([]);
    expect(response.body).not.toMatch(/Error| at /);
  });

  it.each([
    ['AWS denies a call', notAllowed, 'AWS refuses a call of this deployment.'],
    ['a secret is malformed', new ConfigurationError('The secret accounts is empty.'), 'The secret accounts'],
  ])('apiHandler returns 500 misconfigured, for the operator, when %s', async (_, error, detail) => {
    const response = await failing(error);
    expect(response.statusCode).toBe(500);
    expect(response.headers).not.toHaveProperty('retry-after');
    expect(JSON.parse(response.body)).toMatchObject({
      type: 'urn:lapse:problem:misconfigured',
      detail: expect.stringContaining(detail) as string,
    });
    expect(plantedIn(response.body)).toEqual([]);
    expect(output.text()).toContain('"ConfigurationFault":1');
  });

  it('apiHandler logs a fault once, with a stable code and the request id', async () => {
    await failing(new TypeError('a bug'));
    const lines = output.lines().filter(({ level }) => level === 'ERROR');
    expect(lines).toMatchObject([
      {
        code: 'api.fault',
        error: 'TypeError',
        error_message: 'a bug',
        function_request_id: lambdaContext().awsRequestId,
      },
    ]);
  });
});
