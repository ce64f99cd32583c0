import { GetItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { aws } from '../support/aws-clients.ts';
import { at, recordWith } from '../support/fixtures.ts';
import { apiEvent, itemOf, lambdaContext, recurringEvent } from '../support/lambda-events.ts';
import { session } from '../support/sessions.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { registering, canceling, sweeping, klarna, output } = await setUpHandlers(
  async () => ({
    registering: await import('../../functions/register-payment-request.ts'),
    canceling: await import('../../functions/cancel-payment-request.ts'),
    sweeping: await import('../../functions/reconcile-payment-requests.ts'),
  }),
  { TIMERS: 'sweep' },
);

const over = recordWith({
  session,
  state: 'SUBMITTED',
  deadlineAt: at('2026-03-01T12:30:00Z'),
  timer: 'sweep',
  dueAt: at('2026-03-01T12:30:00Z'),
});

it('with the sweep as timer, PUT makes no schedule and the record is due at the deadline', async () => {
  const response = await registering.handler(
    apiEvent({ method: 'PUT', body: { session_timeout: 'PT30M' } }),
    lambdaContext(),
  );
  const record = JSON.parse(response.body) as Readonly<Record<string, string>>;
  expect([response.statusCode, record['timer']]).toEqual([201, 'sweep']);
  expect([...aws.scheduler.calls(), ...aws.sqs.calls()]).toEqual([]);
  const last = aws.dynamodb.commandCalls(UpdateItemCommand).at(-1)?.args[0].input;
  const values = Object.values(unmarshall(last?.ExpressionAttributeValues ?? {})) as unknown[];
  const deadline = Date.parse(record['deadline_at'] ?? '');
  expect(values.some((value) => typeof value === 'string' && Date.parse(value) === deadline)).toBe(true);
});

it('with the sweep as timer, the sweep ends the session and measures the lateness', async () => {
  aws.dynamodb
    .on(QueryCommand)
    .resolvesOnce({ Items: [itemOf(over)] })
    .resolves({})
    .on(GetItemCommand)
    .resolves({ Item: itemOf(over) });
  expect(await sweeping.handler(recurringEvent, lambdaContext(60_000))).toMatchObject({ expire: 1, end: 0 });
  expect(klarna.calls).toEqual(['read', 'cancel']);
  expect(aws.scheduler.calls()).toEqual([]);
  const metrics = output.lines().find((line) => 'TimerLateness' in line);
  expect(metrics).toMatchObject({ code: 'sweep.done', expire: 1 });
  const since = Date.now() - Date.parse(over.deadlineAt ?? '');
  expect(metrics?.['TimerLateness']).toBeGreaterThan(since - 60_000);
  expect(metrics?.['TimerLateness']).toBeLessThanOrEqual(since);
});

it('with the sweep as timer, DELETE removes no schedule', async () => {
  aws.dynamodb.on(GetItemCommand).resolves({ Item: itemOf(over) });
  const response = await canceling.handler(apiEvent({ method: 'DELETE' }), lambdaContext());
  expect(response.statusCode).toBe(200);
  expect(aws.scheduler.calls()).toEqual([]);
});
