import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteScheduleCommand } from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { type PaymentRequest } from '../../functions/domain/payment-request.ts';
import { accountsSecret, aws, recordWrites, resetAws, sentCommands } from '../support/aws-clients.ts';
import { throttled, unreachable } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { account, at, key, recordWith } from '../support/fixtures.ts';
import { apiEvent, type ApiCall, callerArn, itemOf } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { conflict, denied, serverError, unknownState } from '../support/scripted-klarna.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, klarna, klarnaRequests, output } = await setUpHandlers(
  () => import('../../functions/cancel-payment-request.ts'),
);

const cancel = (query?: Readonly<Record<string, string>>, call: Partial<ApiCall> = {}) =>
  callApi(handler, apiEvent({ method: 'DELETE', ...(query && { query }), ...call }));

const stored = (fields: Partial<PaymentRequest>) =>
  aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(recordWith(fields)) });

/** The values of the writes, a list for each write. */
const written = () =>
  recordWrites().map(
    ({ ExpressionAttributeValues }) =>
      Object.values(unmarshall(ExpressionAttributeValues ?? {})) as unknown[],
  );

describe('DELETE of an open request', () => {
  it('DELETE of an unregistered request sends one GET and one DELETE to Klarna and records the evidence', async () => {
    const { statusCode, document } = await cancel({ reason: 'shop closed' });
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({
      outcome: 'canceled',
      state: 'CANCELED',
      final: true,
      evidence: { source: 'cancel' },
      cancellation: { outcome: 'canceled', cause: 'api', reason: 'shop closed', requested_by: callerArn },
    });
    expect(klarna.calls).toEqual(['read', 'cancel']);
    expect(klarnaRequests[0]).toMatchObject({
      url: `/v2/payment/requests/${key.paymentRequestId}`,
      headers: { authorization: `Basic ${planted.apiKey}` },
    });
    const [claim, end] = written();
    expect(claim).toContainEqual(expect.objectContaining({ o: 'claimed', r: 'shop closed', b: callerArn }));
    expect(claim).not.toContain('CANCELED');
    expect(end).toContain('CANCELED');
    // The request has no registration, so it has no timer.
    expect(aws.scheduler.calls()).toEqual([]);
  });

  it('DELETE of a registered request removes its schedule', async () => {
    stored({ state: 'SUBMITTED', timer: 'armed', deadlineAt: at('2099-03-01T12:30:00Z') });
    expect((await cancel()).document).toMatchObject({ outcome: 'canceled', timer: 'removed' });
    expect(aws.scheduler.commandCalls(DeleteScheduleCommand)).toHaveLength(1);
  });

  it('DELETE returns 200 even if the schedule cannot be removed', async () => {
    stored({ state: 'SUBMITTED', timer: 'armed', deadlineAt: at('2099-03-01T12:30:00Z') });
    aws.scheduler.rejects(throttled);
    expect((await cancel()).statusCode).toBe(200);
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: 'ERROR', code: 'timer.fault' }));
  });
});

describe('DELETE of a request that is final or paid', () => {
  it('DELETE of a canceled request returns 200 already_canceled without a call to Klarna', async () => {
    stored({ state: 'CANCELED' });
    const { statusCode, document } = await cancel();
    expect([statusCode, document['outcome']]).toEqual([200, 'already_canceled']);
    expect(klarna.calls).toEqual([]);
  });

  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'DELETE returns 409 when Klarna reports %s, and sends no DELETE',
    async (state) => {
      klarna.state = state;
      const { statusCode, headers, document } = await cancel();
      expect(statusCode).toBe(409);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(document).toMatchObject({ type: 'urn:lapse:problem:already-final', state });
      expect(klarna.calls).toEqual(['read']);
    },
  );

  it('DELETE cancels a paid request only if the caller or the account allows it', async () => {
    klarna.reset('COMPLETED').cancelsCompleted = true;
    expect((await cancel({ allow_completed: 'true' })).statusCode).toBe(200);
    expect(klarna.calls).toEqual(['read', 'cancel']);
    klarna.state = 'COMPLETED';
    resetAws(accountsSecret({ cancel_completed: true }));
    expect((await cancel()).statusCode).toBe(200);
    klarna.state = 'COMPLETED';
    resetAws();
    expect((await cancel({ allow_completed: 'false' })).statusCode).toBe(409);
  });

  it('an explicit allow_completed=false wins over cancel_completed of the account', async () => {
    klarna.reset('COMPLETED').cancelsCompleted = true;
    resetAws(accountsSecret({ cancel_completed: true }));
    expect((await cancel({ allow_completed: 'false' })).statusCode).toBe(409);
    expect(klarna.calls).toEqual(['read']);
    expect((await cancel({ allow_completed: 'false', dry_run: 'true' })).statusCode).toBe(409);
  });
});

describe('DELETE with dry_run=true', () => {
  it('a dry run writes nothing and sends no DELETE', async () => {
    const { statusCode, document } = await cancel({ dry_run: 'true' });
    expect([statusCode, document['outcome'], document['state']]).toEqual([200, 'would_cancel', 'SUBMITTED']);
    expect(klarna.calls).toEqual(['read']);
    expect(written()).toEqual([]);
  });

  it('a dry run returns 503 when Klarna gives no clear response', async () => {
    klarna.instead = () => serverError;
    const { statusCode, headers } = await cancel({ dry_run: 'true' });
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
    expect(written()).toEqual([]);
  });

  it('a dry run returns 502 and stores no cancel when Klarna refuses the credentials', async () => {
    stored({ state: 'SUBMITTED' });
    klarna.instead = () => denied();
    const { statusCode, document } = await cancel({ dry_run: 'true' });
    expect(statusCode).toBe(502);
    expect(document['detail']).toMatch(/^Nothing was done\./);
    expect(written()).toEqual([]);
  });
});

describe('DELETE when Klarna refuses', () => {
  it('DELETE returns 404 and makes no record when Klarna does not know the request', async () => {
    klarna.reset(undefined);
    expect(await cancel()).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found' },
    });
    expect(written()).toEqual([]);
  });

  it('DELETE returns 502 with Retry-After and makes no record when Klarna refuses the credentials', async () => {
    klarna.instead = () => denied(403);
    const { statusCode, headers } = await cancel();
    expect([statusCode, headers['retry-after']]).toEqual([502, '60']);
    expect(written()).toEqual([]);
  });

  it('DELETE returns 409 and records COMPLETED when the customer approves just before the DELETE', async () => {
    klarna.responses('cancel', (its) => {
      its.state = 'COMPLETED';
      return conflict;
    });
    expect(await cancel()).toMatchObject({ statusCode: 409, document: { state: 'COMPLETED' } });
    expect(klarna.calls).toEqual(['read', 'cancel', 'read']);
    expect(written().at(-1)).toContain('COMPLETED');
  });

  it('DELETE returns 202 pending when Klarna responds with an unknown state', async () => {
    klarna.responses('read', klarna.shown(), unknownState).responses('cancel', unknownState);
    const { statusCode, headers, document } = await cancel();
    expect([statusCode, headers['retry-after']]).toEqual([202, '5']);
    expect(document).toMatchObject({
      outcome: 'pending',
      state: 'SUBMITTED',
      attention: 'unknown_state',
      cancellation: { outcome: 'pending' },
    });
  });
});

/** The calls to the table about Payment Requests. */
const recordCalls = () =>
  aws.dynamodb.calls().filter(({ args }) => JSON.stringify(args[0].input).includes('#P#'));

describe('DELETE with an invalid path or query', () => {
  it.each([
    ['a misspelt dry_run', 400, { query: { dryrun: 'true' } }, 'dryrun'],
    ['an invalid dry_run', 400, { query: { dry_run: 'yes' } }, 'dry_run'],
    ['an allow_completed given twice', 400, { query: { allow_completed: 'true,false' } }, 'allow_completed'],
    ['a reason of two lines', 400, { query: { reason: 'a\nb' } }, 'reason'],
    [
      'an invalid account',
      400,
      { pathParameters: { account: '../x', payment_request_id: key.paymentRequestId } },
      'account',
    ],
    [
      'an invalid id',
      400,
      { pathParameters: { account, payment_request_id: 'krn:x' } },
      'payment_request_id',
    ],
    [
      'an unknown account',
      404,
      { pathParameters: { account: 'shop-no', payment_request_id: key.paymentRequestId } },
      'account',
    ],
  ])(
    'DELETE with %s returns %i, reads no record and does not call Klarna',
    async (_, status, call, field) => {
      const { statusCode, document } = await cancel(undefined, call);
      expect(statusCode).toBe(status);
      expect(document).toMatchObject({
        field,
        given: expect.any(String) as unknown,
        allowed: expect.any(String) as unknown,
      });
      expect([klarna.calls, recordCalls()]).toEqual([[], []]);
    },
  );
});

describe('DELETE when an AWS service fails', () => {
  it.each([
    ['DynamoDB throttles', throttled],
    ['DynamoDB cannot be reached', unreachable],
  ])('DELETE returns 503 with Retry-After and sends no DELETE when %s', async (_, error) => {
    aws.dynamodb.rejects(error);
    const { statusCode, headers, body } = await cancel();
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    expect(plantedIn(body)).toEqual([]);
    expect(klarna.calls).not.toContain('cancel');
  });

  it('DELETE returns 503 and sends no DELETE when the claim cannot be written', async () => {
    aws.dynamodb.on(UpdateItemCommand).rejects(throttled);
    expect((await cancel()).statusCode).toBe(503);
    expect(klarna.calls).toEqual(['read']);
  });

  it('DELETE returns 503 when the accounts cannot be read', async () => {
    aws.secrets.on(GetSecretValueCommand).rejects(throttled);
    expect((await cancel()).statusCode).toBe(503);
  });

  it('DELETE returns 500 and quotes nothing of the secret when the accounts are malformed', async () => {
    for (const secret of [`{"${planted.apiKey}`, accountsSecret({ environment: planted.apiKey })]) {
      resetAws(secret);
      const { statusCode, body } = await cancel();
      expect(statusCode).toBe(500);
      expect(plantedIn(body + output.text())).toEqual([]);
    }
  });
});

it('DELETE logs, returns and stores no secret', async () => {
  resetAws(
    accountsSecret({
      username: planted.name,
      partner_account_id: 'krn:partner:global:account:test:M48JWZF8',
    }),
  );
  const response = await cancel();
  expect(response.statusCode).toBe(200);
  const { authorization } = klarnaRequests[0]?.headers ?? {};
  const credentials = (authorization ?? '').replace('Basic ', '');
  expect(Buffer.from(credentials, 'base64').toString()).toBe(`${planted.name}:${planted.apiKey}`);
  const everything = output.text() + response.body + JSON.stringify(sentCommands());
  expect(plantedIn(everything)).toEqual([]);
  expect(everything).not.toContain(credentials);
});
