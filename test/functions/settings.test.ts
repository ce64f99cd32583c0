import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { aws, resetAws } from '../support/aws-clients.ts';
import { callApi } from '../support/call-api.ts';
import { acquirer } from '../support/credentials.ts';
import { key } from '../support/fixtures.ts';
import { apiEvent, callerArn } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { registering, reading, canceling, klarnaRequests, output } = await setUpHandlers(
  async () => ({
    registering: await import('../../functions/register-payment-request.ts'),
    reading: await import('../../functions/get-payment-request.ts'),
    canceling: await import('../../functions/cancel-payment-request.ts'),
  }),
  { CREDENTIALS: 'acquirer' },
);

const route = '/accounts/{account}/settings';
let number = 0;
/** Each test has an account of its own: functions cache what is stored about an account. */
let account = '';

beforeEach(() => {
  resetAws('{}');
  account = `m${(number += 1)}`;
  const secret = {
    environment: 'test',
    api_key: planted.apiKey,
    acquirer_account_id: acquirer,
    default_session_timeout: 'PT30M',
  };
  aws.secrets
    .on(GetSecretValueCommand, { SecretId: 'lapse/credentials/acquirer' })
    .resolves({ SecretString: JSON.stringify(secret) });
});

const put = (body: unknown) =>
  callApi(registering.handler, apiEvent({ method: 'PUT', route, pathParameters: { account }, body }));
const get = () => callApi(reading.handler, apiEvent({ method: 'GET', route, pathParameters: { account } }));
const pathParameters = () => ({ account, payment_request_id: key.paymentRequestId });

describe('an account without an entry', () => {
  it('its first registration and its first cancel are served without any configuration', async () => {
    const request = '/accounts/{account}/payment-requests/{payment_request_id}';
    const registered = await callApi(
      registering.handler,
      apiEvent({ method: 'PUT', route: request, pathParameters: pathParameters(), body: {} }),
    );
    expect(registered.statusCode).toBe(201);
    const canceled = await callApi(
      canceling.handler,
      apiEvent({ method: 'DELETE', route: request, pathParameters: pathParameters() }),
    );
    expect(canceled.statusCode).toBe(200);
    const path = `/v2/accounts/krn:partner:global:account:test:${account.toUpperCase()}/payment/requests/`;
    expect(klarnaRequests.length).toBeGreaterThan(1);
    for (const { url } of klarnaRequests) expect(url).toBe(`${path}${key.paymentRequestId}`);
  });

  it('GET shows the settings that it has from its credential, and no secret', async () => {
    const { statusCode, document, body } = await get();
    expect([statusCode, document]).toEqual([
      200,
      {
        account,
        alias: null,
        credential: 'acquirer',
        environment: 'test',
        partner_account_id: `krn:partner:global:account:test:${account.toUpperCase()}`,
        default_session_timeout: 'PT30M',
        max_session: 'P2D',
        max_extensions: 10,
        in_progress_grace: null,
        sync_klarna_expiry: false,
        arm_on_submitted: false,
        cancel_completed: false,
        observe: false,
        end_other_attempts: false,
        armed_from: null,
        kinds: {},
        stage_observe: false,
        stage_armed_from: null,
        watch_authorization: false,
        authorization_alert_after: 'PT45M',
        cancel_unauthorized: false,
        overridden: [],
        onboarded_at: null,
        updated_at: null,
        updated_by: null,
      },
    ]);
    expect(plantedIn(body + output.text())).toEqual([]);
  });

  it('PUT stores the overrides alone, and shows the settings in force', async () => {
    const { statusCode, document } = await put({
      alias: 'Web shop Sweden',
      default_session_timeout: 'PT20M',
      in_progress_grace: 'PT5M',
      max_extensions: 0,
      max_session: 'PT3H',
      observe: true,
      end_other_attempts: true,
      armed_from: '2026-03-01T07:00:00+01:00',
      kinds: { checkout: 'cancel' },
    });
    expect([statusCode, document]).toMatchObject([
      200,
      {
        alias: 'Web shop Sweden',
        default_session_timeout: 'PT20M',
        in_progress_grace: 'PT5M',
        max_extensions: 0,
        max_session: 'PT3H',
        observe: true,
        end_other_attempts: true,
        armed_from: '2026-03-01T06:00:00Z',
        kinds: { checkout: 'cancel' },
        overridden: [
          'default_session_timeout',
          'max_session',
          'max_extensions',
          'in_progress_grace',
          'observe',
          'end_other_attempts',
          'armed_from',
          'kinds',
        ],
        updated_by: callerArn,
      },
    ]);
    const [write] = aws.dynamodb.commandCalls(UpdateItemCommand);
    expect(write?.args[0].input).toMatchObject({ Key: { PK: { S: `A#${account}#SETTINGS` } } });
  });

  it('a stored override decides the next registration', async () => {
    aws.dynamodb
      .on(GetItemCommand, { Key: { PK: { S: `A#${account}#SETTINGS` } } })
      .resolves({ Item: marshall({ overrides: { observe: true, default_session_timeout: 60_000 } }) });
    const { document } = await callApi(
      registering.handler,
      apiEvent({
        method: 'PUT',
        route: '/accounts/{account}/payment-requests/{payment_request_id}',
        pathParameters: pathParameters(),
        body: {},
      }),
    );
    expect(document).toMatchObject({ on_timeout: 'observe' });
  });

  it.each([
    ['a field that does not exist', { timeout: 'PT5M' }, 'timeout'],
    ['an account at Klarna', { partner_account_id: acquirer }, 'partner_account_id'],
    ['a session beyond Klarna', { max_session: 'PT49H' }, 'max_session'],
    ['a timeout without a unit', { default_session_timeout: 20 }, 'default_session_timeout'],
    ['half an extension', { max_extensions: 0.5 }, 'max_extensions'],
    ['a credential with capitals', { credential: 'Acquirer' }, 'credential'],
    ['an empty alias', { alias: '' }, 'alias'],
  ])('PUT with %s returns 400 and stores nothing', async (_, body, field) => {
    const { statusCode, document } = await put(body);
    expect([statusCode, document['field']]).toEqual([400, field]);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each(['constructor', 'prototype'])('a rule for the kind %s is stored and shown', async (kind) => {
    const { statusCode, document } = await put({ kinds: { [kind]: 'observe' } });
    expect([statusCode, document['kinds']]).toEqual([200, { [kind]: 'observe' }]);
    const [update] = aws.dynamodb.commandCalls(UpdateItemCommand);
    expect(JSON.stringify(update?.args[0].input)).toContain(`{"M":{"${kind}":{"S":"observe"}}}`);
  });

  it.each(['__proto__', 'Constructor'])('a rule for the kind %s returns 400', async (kind) => {
    const { statusCode, document } = await put(JSON.parse(`{"kinds":{"${kind}":"observe"}}`));
    expect([statusCode, document['field'], document['given']]).toEqual([400, `kinds.${kind}`, `"${kind}"`]);
  });

  it.each([
    ['cancel_unauthorized', { cancel_unauthorized: true }, 'true', 'watch_authorization, which is false'],
    [
      'the time of an alert',
      { authorization_alert_after: 'PT30M' },
      '"PT30M"',
      'watch_authorization, which is false',
    ],
  ])('PUT with %s and without the watch returns 400 and stores nothing', async (_, body, given, needed) => {
    const { statusCode, document } = await put(body);
    const [field] = Object.keys(body);
    expect([statusCode, document]).toMatchObject([400, { field, given, allowed: `only with ${needed}` }]);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it('PUT names each setting without effect', async () => {
    const { document } = await put({ cancel_unauthorized: true, authorization_alert_after: 'PT30M' });
    expect(document['errors']).toMatchObject([
      { field: 'cancel_unauthorized' },
      { field: 'authorization_alert_after' },
    ]);
  });

  it('PUT with arm_on_submitted uses the default timeout of the credential', async () => {
    expect((await put({ arm_on_submitted: true })).statusCode).toBe(200);
  });

  it('PUT with a credential that does not exist returns 500 misconfigured and stores nothing', async () => {
    const { statusCode, document } = await put({ credential: 'other' });
    expect([statusCode, document['type']]).toEqual([500, 'urn:lapse:problem:misconfigured']);
    expect(document['detail']).toBe(
      `The account ${account} is on the credential other, which does not exist.`,
    );
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });
});
