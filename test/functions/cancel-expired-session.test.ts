import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateScheduleCommand, DeleteScheduleCommand } from '@aws-sdk/client-scheduler';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { aws, recordWrites, sentCommands } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { account, at, key, recordWith } from '../support/fixtures.ts';
import { itemOf, lambdaContext, queueEvent, type QueuedMessage } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { denied } from '../support/scripted-klarna.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, klarna, output } = await setUpHandlers(
  () => import('../../functions/cancel-expired-session.ts'),
);

const session = (deadlineAt: string, fields: Partial<PaymentRequest> = {}): PaymentRequest =>
  recordWith({
    state: 'SUBMITTED',
    session: {
      registeredAt: at('2026-03-01T12:00:00Z'),
      requested: 'PT30M',
      onTimeout: 'cancel',
      extensions: 0,
    },
    deadlineAt: at(deadlineAt),
    timer: 'armed',
    ...fields,
  });
const passed = '2026-03-01T12:30:00Z';
const stored = (record: PaymentRequest) => aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(record) });

const timerMessage = (
  id = 'm',
  fields: Readonly<Record<string, unknown>> = {},
  receiveCount = 1,
): QueuedMessage => ({
  id,
  body: JSON.stringify({
    account,
    payment_request_id: key.paymentRequestId,
    deadline_at: passed,
    ...fields,
  }),
  receiveCount,
});
const take = (...messages: readonly QueuedMessage[]) => handler(queueEvent(...messages), lambdaContext());
const failedOf = async (...messages: readonly QueuedMessage[]) =>
  (await take(...messages)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
const delays = () =>
  aws.sqs
    .commandCalls(ChangeMessageVisibilityCommand)
    .map(({ args: [{ input }] }) => [input.ReceiptHandle, input.VisibilityTimeout]);

describe('cancel-expired-session, for a session whose deadline has passed', () => {
  it('a fired timer cancels the request at Klarna, records the cause and removes the schedule', async () => {
    stored(session(passed));
    expect(await failedOf(timerMessage())).toEqual([]);
    expect(klarna.calls).toEqual(['read', 'cancel']);
    const written = recordWrites().map(({ ExpressionAttributeValues }) =>
      JSON.stringify(unmarshall(ExpressionAttributeValues ?? {})),
    );
    expect(written).toHaveLength(2);
    expect(written[0]).toContain('"o":"claimed","c":"timeout"');
    expect(written[1]).toContain('"CANCELED"');
    expect(aws.scheduler.commandCalls(DeleteScheduleCommand)).toHaveLength(1);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ code: 'timer.fired', outcome: 'canceled' }),
    );
  });

  it('a fired timer cancels nothing when Klarna reports COMPLETED, even if no webhook told of it', async () => {
    stored(session(passed));
    klarna.state = 'COMPLETED';
    expect(await failedOf(timerMessage())).toEqual([]);
    expect(klarna.calls).toEqual(['read']);
  });

  it('a fired timer does not call Klarna when the record is COMPLETED', async () => {
    stored(session(passed, { state: 'COMPLETED' }));
    expect(await failedOf(timerMessage())).toEqual([]);
    expect(klarna.calls).toEqual([]);
  });

  it('a fired timer does not call Klarna when the session is in observe mode', async () => {
    const { session: registered, ...rest } = session(passed);
    stored({ ...rest, ...(registered && { session: { ...registered, onTimeout: 'observe' } }) });
    expect(await failedOf(timerMessage())).toEqual([]);
    expect(klarna.calls).toEqual([]);
  });
});

describe('cancel-expired-session, for a message that does not match the record', () => {
  it('a message that comes before the deadline of the record cancels nothing and sets the timer again', async () => {
    stored(session('2099-03-01T12:30:00Z'));
    expect(await failedOf(timerMessage('m', { deadline_at: '2020-01-01T00:00:00Z' }))).toEqual([]);
    expect(klarna.calls).toEqual([]);
    expect(aws.scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input).toMatchObject({
      ScheduleExpression: 'at(2099-03-01T12:30:00)',
    });
  });

  it('a message for a request without a record does nothing', async () => {
    expect(await failedOf(timerMessage())).toEqual([]);
    expect(klarna.calls).toEqual([]);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });
});

describe('cancel-expired-session, for messages that fail', () => {
  it.each([
    [1, 10],
    [2, 20],
    [5, 160],
    [20, 900],
  ])('a message that fails after %i receipts comes back in %i seconds', async (receiveCount, seconds) => {
    stored(session(passed));
    klarna.instead = () => denied();
    expect(await failedOf(timerMessage('m', {}, receiveCount))).toEqual(['m']);
    expect(delays()).toEqual([['receipt-m', seconds]]);
  });

  it('only the messages that fail come back: a throttled read, a malformed body, a removed account', async () => {
    const other = 'krn:payment:eu1:request:00000000-0000-4000-8000-000000000001';
    aws.dynamodb
      .on(GetItemCommand)
      .resolves({ Item: itemOf(session(passed, { state: 'COMPLETED' })) })
      .on(GetItemCommand, { Key: { PK: { S: `A#${account}#P#${other}` } } })
      .rejects(throttled);
    const failed = await failedOf(
      timerMessage('fine'),
      timerMessage('away', { payment_request_id: other }, 2),
      { id: 'poison', body: `to: ${planted.email}`, receiveCount: 3 },
      timerMessage('gone', { account: 'shop-no' }, 4),
      timerMessage('fine, too'),
    );
    expect(failed).toEqual(['away', 'poison', 'gone']);
    expect(delays().toSorted()).toEqual([
      ['receipt-away', 20],
      ['receipt-gone', 80],
      ['receipt-poison', 40],
    ]);
  });

  it('a message that fails comes back even if SQS refuses its delay', async () => {
    aws.sqs.rejects(throttled);
    expect(await failedOf({ id: 'poison', body: '' })).toEqual(['poison']);
  });
});

it('cancel-expired-session logs, queues and stores no secret and no text of a message', async () => {
  stored(session(passed));
  await take(
    timerMessage(),
    { id: 'text', body: planted.text },
    { id: 'name', body: planted.name },
    { id: 'json', body: JSON.stringify({ name: planted.name, token: planted.token }) },
    timerMessage('field', { account: planted.email }),
  );
  expect(klarna.calls).toContain('cancel');
  expect(output.lines().length).toBeGreaterThan(3);
  expect(plantedIn(output.text() + JSON.stringify(sentCommands()))).toEqual([]);
});
