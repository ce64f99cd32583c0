import {
  ConditionalCheckFailedException,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateScheduleCommand } from '@aws-sdk/client-scheduler';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { accountsSecret, aws, callLimits, resetAws, sentCommands } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, at, key, recordWith } from '../support/fixtures.ts';
import { apiEvent, callerArn, itemOf } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';
import { traceIdOf } from '../../functions/domain/trace.ts';

const { handler, output } = await setUpHandlers(() => import('../../functions/register-payment-request.ts'));

const call = (method: string, body: unknown, query?: Readonly<Record<string, string>>) =>
  callApi(handler, apiEvent({ method, body, ...(query && { query }) }));

/** The table has this record, for a read and for a write without a read. */
function stored(fields: Partial<PaymentRequest>): void {
  const item = itemOf(recordWith(fields));
  aws.dynamodb.on(GetItemCommand).resolves({ Item: item });
  aws.dynamodb
    .on(UpdateItemCommand)
    .rejectsOnce(new ConditionalCheckFailedException({ message: '', $metadata: {}, Item: item }))
    .resolves({});
}

const registered = (requested: string): Partial<PaymentRequest> => ({
  state: 'SUBMITTED',
  session: { registeredAt: at('2026-03-01T12:00:00Z'), requested, onTimeout: 'cancel', extensions: 0 },
  deadlineAt: at('2099-03-01T12:30:00Z'),
  timer: 'armed',
});

/** The times of the schedules that were made. */
const armedAt = () =>
  aws.scheduler.commandCalls(CreateScheduleCommand).map((each) => each.args[0].input.ScheduleExpression);

describe('PUT of a Payment Request', () => {
  it('PUT writes the record, arms a schedule for the deadline and returns 201', async () => {
    const deadline = new Date(Date.now() + 1_800_000).toISOString().slice(0, 19);
    const { statusCode, document } = await call('PUT', {
      deadline_at: `${deadline}Z`,
      session_id: 'cart-7',
      reference: 'order-7',
    });
    expect(statusCode).toBe(201);
    expect(document).toMatchObject({
      account,
      payment_request_id: key.paymentRequestId,
      trace_id: traceIdOf(key.paymentRequestId),
      session_id: 'cart-7',
      reference: 'order-7',
      state: null,
      deadline_at: `${deadline}Z`,
      timer: 'armed',
      on_timeout: 'cancel',
      version: 1,
    });
    const [create] = aws.scheduler.commandCalls(CreateScheduleCommand);
    expect(create?.args[0].input).toMatchObject({
      Name: expect.stringMatching(/^lapse-[a-z2-7]{52}$/) as unknown,
      GroupName: 'lapse-sessions',
      ScheduleExpression: `at(${deadline})`,
      ActionAfterCompletion: 'DELETE',
    });
    expect(sentCommands().filter(({ name }) => name === 'GetItemCommand')).toEqual([]);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toHaveLength(1);
  });

  it('PUT with a deadline within 90 seconds sends a delayed message to the queue', async () => {
    const { statusCode } = await call('PUT', { session_timeout: 'PT5S' });
    expect(statusCode).toBe(201);
    expect(aws.sqs.commandCalls(SendMessageCommand)[0]?.args[0].input).toMatchObject({ DelaySeconds: 5 });
    expect(aws.scheduler.commandCalls(CreateScheduleCommand)).toEqual([]);
  });

  it('PUT without a deadline uses the default of the account', async () => {
    resetAws(accountsSecret({ default_session_timeout: 'PT20M' }));
    const before = Date.now();
    const { statusCode, document } = await call('PUT', {});
    expect(statusCode).toBe(201);
    const length = Date.parse(String(document['deadline_at'])) - before;
    expect(length).toBeGreaterThanOrEqual(1_200_000);
    expect(length).toBeLessThan(1_205_000);
  });

  it('PUT of a session_id alone moves no deadline, arms the same timer again and keeps on_timeout, whatever the default of the account', async () => {
    resetAws(accountsSecret({ default_session_timeout: 'PT20M' }));
    const { session, ...others } = registered('PT30M');
    stored({ ...others, session: session && { ...session, onTimeout: 'observe' } });
    expect(await call('PUT', { session_id: 'cart-7' })).toMatchObject({
      statusCode: 200,
      document: {
        session_id: 'cart-7',
        deadline_at: '2099-03-01T12:30:00Z',
        on_timeout: 'observe',
        extensions: 0,
        timer: 'armed',
      },
    });
    expect(armedAt()).toEqual(['at(2099-03-01T12:30:00)']);
    expect(aws.sqs.calls()).toEqual([]);
  });

  it('PUT without a deadline is refused where the account has no default and there is no session', async () => {
    expect(await call('PUT', {})).toMatchObject({
      statusCode: 400,
      document: { field: 'session_timeout', given: 'missing' },
    });
    expect(sentCommands().map(({ name }) => name)).not.toContain('UpdateItemCommand');
  });

  it('a repeated PUT returns 200, changes nothing and arms the same timer again', async () => {
    stored(registered('PT30M'));
    expect(await call('PUT', { session_timeout: 'PT30M' })).toMatchObject({
      statusCode: 200,
      document: { version: 1, deadline_at: '2099-03-01T12:30:00Z' },
    });
    // The condition stops it: the PUT expects no record.
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toHaveLength(1);
    expect(armedAt()).toEqual(['at(2099-03-01T12:30:00)']);
  });

  it('PUT returns 409 and arms no timer when the customer has paid', async () => {
    stored({ state: 'COMPLETED' });
    expect(await call('PUT', { session_timeout: 'PT30M' })).toMatchObject({
      statusCode: 409,
      document: { type: 'urn:lapse:problem:already-final', state: 'COMPLETED' },
    });
    expect([...aws.scheduler.calls(), ...aws.sqs.calls()]).toEqual([]);
  });

  it('PUT returns 409 session-full for a session with 1,000 Payment Requests, and writes nothing', async () => {
    const item = itemOf(recordWith({ paymentRequestId: requestId(1) }));
    aws.dynamodb.on(QueryCommand).resolves({ Items: Array.from({ length: 1_000 }, () => item) });
    const { statusCode, document } = await call('PUT', { session_timeout: 'PT30M', session_id: 'cart-7' });
    expect([statusCode, document['type'], document['field']]).toEqual([
      409,
      'urn:lapse:problem:session-full',
      'session_id',
    ]);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
    expect(aws.scheduler.calls()).toEqual([]);
  });

  it('PUT returns 201 with timer pending when the schedule cannot be made', async () => {
    aws.scheduler.rejects(throttled);
    expect(await call('PUT', { session_timeout: 'PT30M' })).toMatchObject({
      statusCode: 201,
      document: { timer: 'pending' },
    });
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: 'ERROR', code: 'timer.fault' }));
  });

  it.each([
    ['both', { session_timeout: 'PT5M', deadline_at: '2099-01-01T00:00:00Z' }, 'session_timeout'],
    ['a deadline in the past', { deadline_at: '2020-01-01T00:00:00Z' }, 'deadline_at'],
    ['a deadline beyond 48 hours', { session_timeout: 'PT48H1S' }, 'session_timeout'],
    ['a deadline in the year 9999', { deadline_at: '9999-12-31T23:59:59Z' }, 'deadline_at'],
    ['a duration in years', { session_timeout: 'P1Y' }, 'session_timeout'],
    ['an unknown field', { session_timeout: 'PT5M', sessionId: 'x' }, 'sessionId'],
    ['an array', '[]', 'body'],
    ['invalid UTF-8', Buffer.from([0xff]), 'body'],
  ])('PUT with %s returns 400 with field, given and allowed', async (_, body, field) => {
    const { statusCode, document } = await call('PUT', body);
    expect(statusCode).toBe(400);
    expect(document).toMatchObject({
      type: 'urn:lapse:problem:invalid-request',
      field,
      given: expect.any(String) as unknown,
      allowed: expect.any(String) as unknown,
    });
    expect(aws.dynamodb.calls()).toEqual([]);
  });

  it('PUT with a Klarna expiry in the past returns 400 and names klarna_expires_at', async () => {
    const body = { session_timeout: 'PT5M', klarna_expires_at: '2020-01-01T00:00:00Z' };
    expect(await call('PUT', body)).toMatchObject({
      statusCode: 400,
      document: { field: 'klarna_expires_at', allowed: 'a time in the future' },
    });
    expect(aws.dynamodb.calls()).toEqual([]);
  });

  it.each(['PUT', 'PATCH'])('%s with a dry_run returns 400 and does nothing', async (method) => {
    expect(await call(method, { session_timeout: 'PT5M' }, { dry_run: 'true' })).toMatchObject({
      statusCode: 400,
      document: { field: 'dry_run', allowed: 'no field of this name' },
    });
    expect(aws.dynamodb.calls()).toEqual([]);
  });

  it('PUT with an empty array returns 400 even if the account has a default', async () => {
    resetAws(accountsSecret({ default_session_timeout: 'PT20M' }));
    expect((await call('PUT', '[]')).statusCode).toBe(400);
    expect(aws.dynamodb.calls()).toEqual([]);
  });

  it('PUT with a body of 1 MB returns 413', async () => {
    expect((await call('PUT', 'x'.repeat(1_048_576))).statusCode).toBe(413);
  });
});

describe('PATCH of a Payment Request', () => {
  it('PATCH moves the deadline and returns 200', async () => {
    aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(recordWith(registered('PT30M'))) });
    const { statusCode, document } = await call('PATCH', { session_timeout: 'PT10M' });
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({ timer: 'armed', extensions: 0, version: 2 });
    expect(aws.scheduler.commandCalls(CreateScheduleCommand)).toHaveLength(1);
  });

  it('PATCH of an unregistered request returns 404', async () => {
    expect(await call('PATCH', { session_timeout: 'PT10M' })).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found' },
    });
  });

  it('PATCH returns 409 extension-limit above the limit of the account', async () => {
    resetAws(accountsSecret({ max_extensions: 0 }));
    const { deadlineAt: _, ...session } = registered('PT30M');
    aws.dynamodb.on(GetItemCommand).resolves({
      Item: itemOf(recordWith({ ...session, deadlineAt: at('2026-03-01T12:30:00Z') })),
    });
    expect(await call('PATCH', { session_timeout: 'PT10M' })).toMatchObject({
      statusCode: 409,
      document: {
        type: 'urn:lapse:problem:extension-limit',
        field: 'session_timeout',
        given: '"PT10M"',
        allowed: 'at most 0 extensions',
      },
    });
  });

  it('PATCH without a deadline returns 400 even if the account has a default', async () => {
    resetAws(accountsSecret({ default_session_timeout: 'PT20M' }));
    const { statusCode, document } = await call('PATCH', {});
    expect(statusCode).toBe(400);
    expect(document['allowed']).not.toContain('has no default');
  });
});

it('PUT returns 503 with Retry-After and arms no timer when the table fails', async () => {
  aws.dynamodb.rejects(throttled);
  for (const method of ['PUT', 'PATCH'] as const) {
    const { statusCode, headers, body } = await call(method, { session_timeout: 'PT30M' });
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    expect(plantedIn(body)).toEqual([]);
  }
  expect([...aws.scheduler.calls(), ...aws.sqs.calls()]).toEqual([]);
});

it('PUT stores the caller, and logs or sends nothing of a refused body', async () => {
  const body = { session_timeout: 'PT30M', customer: { name: planted.name, email: planted.email } };
  expect((await call('PUT', body)).statusCode).toBe(400);
  expect((await call('PUT', { session_timeout: 'PT30M' })).statusCode).toBe(201);
  const sent = JSON.stringify(sentCommands());
  expect(sent).toContain(callerArn);
  expect(plantedIn(sent + output.text())).toEqual([]);
});

it("every AWS call of register-payment-request has a time limit below the API's", async () => {
  await call('PUT', { session_timeout: 'PT30M' });
  await call('PUT', { session_timeout: 'PT5S' });
  const limits = await callLimits();
  expect(limits).toHaveLength(4);
  for (const { maxAttempts, requestTimeout, connectionTimeout, throwOnRequestTimeout } of limits) {
    expect(throwOnRequestTimeout).toBe(true);
    expect(maxAttempts * Math.max(requestTimeout, connectionTimeout)).toBeLessThanOrEqual(10_000);
  }
});
