import {
  ConditionalCheckFailedException,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateScheduleCommand } from '@aws-sdk/client-scheduler';
import { expect, it, vi } from 'vitest';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { aws, resetAws, sentCommands } from '../support/aws-clients.ts';
import { notAllowed, rejected, throttled } from '../support/aws-faults.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { at, key, recordWith } from '../support/fixtures.ts';
import { itemOf, lambdaContext, recurringEvent } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, klarna, output } = await setUpHandlers(
  () => import('../../functions/reconcile-payment-requests.ts'),
);

const sweep = () => handler(recurringEvent, lambdaContext(60_000));

const open = (deadlineAt: string): PaymentRequest =>
  recordWith({
    state: 'SUBMITTED',
    session: {
      registeredAt: at('2026-03-01T12:00:00Z'),
      requested: 'PT30M',
      onTimeout: 'cancel',
      extensions: 0,
    },
    deadlineAt: at(deadlineAt),
    timer: 'pending',
    dueAt: at('2026-03-01T12:01:00Z'),
  });

/** The table has this record, and the due index lists it once. */
function due(record: PaymentRequest): void {
  const item = itemOf(record);
  aws.dynamodb
    .on(QueryCommand)
    .resolvesOnce({ Items: item['PK'] ? [{ PK: item['PK'] }] : [] })
    .resolves({ Items: [] })
    .on(GetItemCommand)
    .resolves({ Item: item });
}

it('a sweep with nothing due queries the due index, between taking the lease and giving it back', async () => {
  // The first sweep of a process checks the secrets.
  await sweep();
  resetAws();
  const report = await sweep();
  expect(Object.values(report ?? { missing: 1 }).every((count) => count === 0)).toBe(true);
  const commands = sentCommands();
  expect(new Set(commands.slice(1, -1).map(({ name }) => name))).toEqual(new Set(['QueryCommand']));
  expect([commands.at(0), commands.at(-1)]).toMatchObject(
    Array(2).fill({ name: 'UpdateItemCommand', input: { Key: { PK: { S: 'SWEEP' } } } }),
  );
  expect(output.lines()).toContainEqual(
    expect.objectContaining({ code: 'sweep.done', DueRecords: 0, OpenRequests: 0 }),
  );
});

it('the sweep ends a session whose timer was lost and counts the repair', async () => {
  due(open('2026-03-01T12:30:00Z'));
  expect(await sweep()).toMatchObject({ end: 1, failed: 0 });
  expect(klarna.calls).toEqual(['read', 'cancel']);
  expect(output.text()).toContain('"SweepRepairs":1');
  expect(output.text()).toMatch(/"TimerLateness":\d{5}/);
  expect(output.lines()).toContainEqual(expect.objectContaining({ code: 'sweep.done', end: 1 }));
});

it('a sweep with much work tells the accounts with the most of it, and no metric for an account', async () => {
  const items = Array.from({ length: 120 }, (_, number) => ({
    PK: { S: `A#${number % 10 === 0 ? 'shop-no' : 'shop-se'}#P#${requestId(number)}` },
  }));
  due(open('2026-03-01T12:30:00Z'));
  aws.dynamodb.on(QueryCommand).resolvesOnce({ Items: items }).resolves({ Items: [] });
  await sweep();
  const [line] = output.lines().filter(({ code }) => code === 'sweep.largest');
  expect(line).toMatchObject({ records: 120, accounts: 'shop-se: 108, shop-no: 12' });
  expect(line).not.toHaveProperty('_aws');
});

it('every run of the sweep writes how long records have waited, also a run without work', async () => {
  aws.dynamodb.on(QueryCommand).resolves({});
  await sweep();
  expect(output.text()).toContain('"PendingCancelAge":0');
  expect(output.text()).toContain('"OverdueSessionAge":0');
  expect(output.text()).toContain('"DueRecords":0');
});

it('the sweep writes in one line how long a session has been overdue, and leaves it to the next run', async () => {
  due({ ...open('2026-03-01T12:30:00Z'), attempts: 1 });
  await sweep();
  const [line, ...others] = output.lines();
  expect(others).toEqual([]);
  expect(line).toMatchObject({ code: 'sweep.done', DueRecords: 1, SweepFailures: 0 });
  expect(line?.['OverdueSessionAge']).toBeGreaterThan(3_600_000);
  const released = sentCommands()
    .filter(({ input }) => JSON.stringify(input).includes('"SWEEP"'))
    .at(-1);
  expect(JSON.stringify(released)).toContain(key.paymentRequestId);
});

it('the sweep counts the open requests as far as a page of each partition', async () => {
  aws.dynamodb
    .on(QueryCommand)
    .callsFake(({ Select }: { Select?: string }) => (Select === 'COUNT' ? { Count: 3 } : { Items: [] }));
  await sweep();
  expect(output.lines()).toMatchObject([{ OpenRequests: 24 }]);
});

it('the sweep arms a timer that was not armed', async () => {
  due(open('2099-03-01T12:30:00Z'));
  expect(await sweep()).toMatchObject({ arm: 1 });
  expect(aws.scheduler.commandCalls(CreateScheduleCommand)).toHaveLength(1);
  expect(klarna.calls).toEqual([]);
});

it('the sweep counts and logs a record that fails, and does not fail itself', async () => {
  due(open('2026-03-01T12:30:00Z'));
  aws.dynamodb
    .on(UpdateItemCommand)
    .rejects(throttled)
    .on(UpdateItemCommand, { Key: { PK: { S: 'SWEEP' } } })
    .resolves({});
  expect(await sweep()).toMatchObject({ failed: 1 });
  // The read overlaps the claim and can still be in flight.
  await vi.waitFor(() => expect(klarna.calls).toEqual(['read']));
  expect(output.text()).toContain('"SweepFailures":1');
  expect(output.lines()).toContainEqual(expect.objectContaining({ level: 'ERROR', code: 'sweep.fault' }));
});

it.each([
  ['transient', throttled],
  ['misconfigured', notAllowed],
  ['internal', rejected],
])('the sweep logs the kind of a fault of one record: %s', async (kind, error) => {
  due(open('2026-03-01T12:30:00Z'));
  aws.dynamodb.on(GetItemCommand).rejects(error);
  expect(await sweep()).toMatchObject({ failed: 1 });
  expect(output.lines()).toContainEqual(expect.objectContaining({ code: 'sweep.fault', fault: kind }));
});

it('the sweep fails when it cannot read the due index, and logs and counts the kind of the fault', async () => {
  aws.dynamodb.on(QueryCommand).rejects(notAllowed);
  await expect(sweep()).rejects.toThrow(planted.text);
  expect(output.lines()).toContainEqual(
    expect.objectContaining({ code: 'sweep.failed', fault: 'misconfigured' }),
  );
  expect(output.text()).toContain('"ConfigurationFault":1');
});

it('the sweep starts nothing when its function has 5 seconds left', async () => {
  due(open('2026-03-01T12:30:00Z'));
  expect(await handler(recurringEvent, lambdaContext(5_000))).toMatchObject({ end: 0 });
  expect(klarna.calls).toEqual([]);
});

it('the sweep logs and stores no secret', async () => {
  due(open('2026-03-01T12:30:00Z'));
  await sweep();
  expect(klarna.calls).toEqual(['read', 'cancel']);
  expect(plantedIn(output.text() + JSON.stringify(sentCommands()))).toEqual([]);
});

it('a sweep that overlaps another one does nothing', async () => {
  due(open('2026-03-01T12:30:00Z'));
  const held = new ConditionalCheckFailedException({ message: 'held', $metadata: {} });
  aws.dynamodb.on(UpdateItemCommand).rejects(held);
  expect(await sweep()).toBeUndefined();
  expect(sentCommands().map(({ name }) => name)).toEqual(['UpdateItemCommand']);
  expect(klarna.calls).toEqual([]);
  expect(output.lines()).toContainEqual(expect.objectContaining({ code: 'sweep.overlapped' }));
});
