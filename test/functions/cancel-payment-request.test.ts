import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteScheduleCommand } from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { type PaymentRequest } from '../../functions/domain/payment-request.ts';
import { accountsSecret, aws, resetAws, sentCommands } from '../support/aws-clients.ts';
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

/** The values that the writes carry, one object a write. */
const written = () =>
  aws.dynamodb
    .commandCalls(UpdateItemCommand)
    .map(
      (call) => Object.values(unmarshall(call.args[0].input.ExpressionAttributeValues ?? {})) as unknown[],
    );

describe('DELETE of a request that was never registered', () => {
  it('cancels it: one GET and one DELETE at Klarna, and the record has the evidence', async () => {
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
    expect(claim).toContainEqual(expect.objectContaining({ outcome: 'claimed' }));
    expect(claim).not.toContain('CANCELED');
    expect(end).toContain('CANCELED');
    // Nobody registered it: there is no timer to remove.
    expect(aws.scheduler.calls()).toEqual([]);
  });

  it('removes the schedule of one that was', async () => {
    stored({ state: 'SUBMITTED', timer: 'armed', deadlineAt: at('2099-03-01T12:30:00Z') });
    expect((await cancel()).document).toMatchObject({ outcome: 'canceled', timer: 'removed' });
    expect(aws.scheduler.commandCalls(DeleteScheduleCommand)).toHaveLength(1);
  });

  it('succeeds though the schedule cannot be removed: it will find nothing to do', async () => {
    stored({ state: 'SUBMITTED', timer: 'armed', deadlineAt: at('2099-03-01T12:30:00Z') });
    aws.scheduler.rejects(throttled);
    expect((await cancel()).statusCode).toBe(200);
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: 'ERROR', code: 'timer.fault' }));
  });
});

describe('DELETE of what has ended or is paid', () => {
  it('is 200 already_canceled, and asks Klarna nothing', async () => {
    stored({ state: 'CANCELED' });
    const { statusCode, document } = await cancel();
    expect([statusCode, document['outcome']]).toEqual([200, 'already_canceled']);
    expect(klarna.calls).toEqual([]);
  });

  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'is 409 with the state %s, and no DELETE',
    async (state) => {
      klarna.state = state;
      const { statusCode, headers, document } = await cancel();
      expect(statusCode).toBe(409);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(document).toMatchObject({ type: 'urn:lapse:problem:already-final', state });
      expect(klarna.calls).toEqual(['read']);
    },
  );

  it('sends the DELETE of a paid one when the caller says so by name, or the account does', async () => {
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
});

describe('a rehearsal', () => {
  it('writes nothing and sends no DELETE', async () => {
    const { statusCode, document } = await cancel({ dry_run: 'true' });
    expect([statusCode, document['outcome'], document['state']]).toEqual([200, 'would_cancel', 'SUBMITTED']);
    expect(klarna.calls).toEqual(['read']);
    expect(written()).toEqual([]);
  });

  it('promises nothing when Klarna gives no answer: 503, for no cancel is pending', async () => {
    klarna.instead = () => serverError;
    const { statusCode, headers } = await cancel({ dry_run: 'true' });
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
    expect(written()).toEqual([]);
  });

  it('does not say that a cancel is kept when Klarna refuses our credentials', async () => {
    stored({ state: 'SUBMITTED' });
    klarna.instead = () => denied();
    const { statusCode, document } = await cancel({ dry_run: 'true' });
    expect(statusCode).toBe(502);
    expect(document['detail']).toMatch(/^Nothing was done\./);
    expect(written()).toEqual([]);
  });
});

describe('when Klarna', () => {
  it('knows no such request: 404, and no record is made', async () => {
    klarna.reset(undefined);
    expect(await cancel()).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found' },
    });
    expect(written()).toEqual([]);
  });

  it('refuses our credentials: 502 with Retry-After, and no record of a request that may be none', async () => {
    klarna.instead = () => denied(403);
    const { statusCode, headers } = await cancel();
    expect([statusCode, headers['retry-after']]).toEqual([502, '60']);
    expect(written()).toEqual([]);
  });

  it('answers 409 to the DELETE because the customer has just approved: 409, and the record says COMPLETED', async () => {
    klarna.responses('cancel', (its) => {
      its.state = 'COMPLETED';
      return conflict;
    });
    expect(await cancel()).toMatchObject({ statusCode: 409, document: { state: 'COMPLETED' } });
    expect(klarna.calls).toEqual(['read', 'cancel', 'read']);
    expect(written().at(-1)).toContain('COMPLETED');
  });

  it('answers the DELETE with a state that is new to us: 202, and the record says no more than is known', async () => {
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

describe('refusals that touch nothing', () => {
  it.each([
    ['a misspelt dry_run', 400, { query: { dryrun: 'true' } }, 'dryrun'],
    ['a dry_run that is neither', 400, { query: { dry_run: 'yes' } }, 'dry_run'],
    ['an allow_completed given twice', 400, { query: { allow_completed: 'true,false' } }, 'allow_completed'],
    ['a reason of two lines', 400, { query: { reason: 'a\nb' } }, 'reason'],
    [
      'an account that is none',
      400,
      { pathParameters: { account: '../x', payment_request_id: key.paymentRequestId } },
      'account',
    ],
    [
      'an id that is none',
      400,
      { pathParameters: { account, payment_request_id: 'krn:x' } },
      'payment_request_id',
    ],
    [
      'an account of nobody',
      404,
      { pathParameters: { account: 'shop-no', payment_request_id: key.paymentRequestId } },
      'account',
    ],
  ])('%s: %i', async (_, status, call, field) => {
    const { statusCode, document } = await cancel(undefined, call);
    expect(statusCode).toBe(status);
    expect(document).toMatchObject({
      field,
      given: expect.any(String) as unknown,
      allowed: expect.any(String) as unknown,
    });
    expect([klarna.calls, aws.dynamodb.calls()]).toEqual([[], []]);
  });
});

describe('when AWS is away', () => {
  it.each([
    ['DynamoDB throttles', throttled],
    ['DynamoDB cannot be reached', unreachable],
  ])('%s: 503 with Retry-After, nothing of the exception, nothing sent to Klarna', async (_, error) => {
    aws.dynamodb.rejects(error);
    const { statusCode, headers, body } = await cancel();
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    expect(plantedIn(body)).toEqual([]);
    expect(klarna.calls).not.toContain('cancel');
  });

  it('the claim cannot be written: 503, and no DELETE was sent', async () => {
    aws.dynamodb.on(UpdateItemCommand).rejects(throttled);
    expect((await cancel()).statusCode).toBe(503);
    expect(klarna.calls).toEqual(['read']);
  });

  it('the accounts cannot be read: 503', async () => {
    aws.secrets.on(GetSecretValueCommand).rejects(throttled);
    expect((await cancel()).statusCode).toBe(503);
  });

  it('the accounts are malformed: 500, and nothing of them', async () => {
    for (const secret of [`{"${planted.apiKey}`, accountsSecret({ environment: planted.apiKey })]) {
      resetAws(secret);
      const { statusCode, body } = await cancel();
      expect(statusCode).toBe(500);
      expect(plantedIn(body + output.text())).toEqual([]);
    }
  });
});

it('no secret of ours is logged, answered or stored', async () => {
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
