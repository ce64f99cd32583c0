import { expect, onTestFinished, test, vi } from 'vitest';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import type { RecurringScheduleOptions } from '../../../local/triggers/recurring-schedule.ts';
import { startRecurringSchedule } from '../../../local/triggers/recurring-schedule.ts';
import type { ScriptedFunction } from './scripted-function.ts';
import { failed, scriptedFunction, throttled } from './scripted-function.ts';

function start(
  target: ScriptedFunction<unknown>,
  everySeconds: number,
  {
    schedule,
    ...options
  }: Partial<Omit<RecurringScheduleOptions, 'schedule'>> & {
    readonly schedule?: Partial<RecurringScheduleOptions['schedule']>;
  } = {},
) {
  const running = startRecurringSchedule({
    schedule: {
      id: 'Sweep',
      everySeconds,
      functionId: 'Reconcile',
      input: { mode: 'sweep' },
      retryAttempts: 2,
      onFailureQueueName: undefined,
      ...schedule,
    },
    functionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:reconcile',
    sendToQueue: () => undefined,
    onLog: () => undefined,
    ...options,
    invoke: target.invoke,
  });
  onTestFinished(() => running.close());
  return running;
}

const soon = { timeout: 2_000, interval: 2 };

test('a schedule runs periodically with its input', async () => {
  const target = scriptedFunction();
  start(target, 0.01);
  await vi.waitFor(() => expect(target.events.length).toBeGreaterThanOrEqual(3), soon);
  expect(target.events[0]).toEqual({ mode: 'sweep' });
});

test('the first run can be earlier than one period', async () => {
  const target = scriptedFunction();
  start(target, 3_600, { firstAfterSeconds: 0 });
  await vi.waitFor(() => expect(target.events).toHaveLength(1), soon);
});

test('a schedule can run at once, and returns the result', async () => {
  const target = scriptedFunction(() => ({ kind: 'response', payload: { repaired: 2 } }));
  const schedule = start(target, 3_600);
  expect(await schedule.runNow()).toEqual({ kind: 'response', payload: { repaired: 2 } });
  expect(target.events).toEqual([{ mode: 'sweep' }]);
});

test('runs that the clock moves past happen once', async () => {
  const target = scriptedFunction();
  const clock = new LocalClock();
  start(target, 60, { clock });
  clock.advance(300_000);
  await vi.waitFor(() => expect(target.events).toHaveLength(1), soon);
  clock.advance(59_000);
  clock.advance(2_000);
  await vi.waitFor(() => expect(target.events).toHaveLength(2), soon);
});

test('runs never overlap', async () => {
  let running = 0;
  let most = 0;
  const target = scriptedFunction(async () => {
    running += 1;
    most = Math.max(most, running);
    await vi.waitFor(() => expect(target.events.length).toBeGreaterThan(0), { interval: 1 });
    running -= 1;
    return { kind: 'response', payload: null };
  });
  const schedule = start(target, 0.002);
  await Promise.all(Array.from({ length: 5 }, () => schedule.runNow()));
  await vi.waitFor(() => expect(target.events.length).toBeGreaterThanOrEqual(8), soon);
  expect(most).toBe(1);
});

test('a failed run is retried twice, and the period continues', async () => {
  const logged: string[] = [];
  const target = scriptedFunction((_, invocation) => (invocation <= 3 ? failed : undefined));
  start(target, 0.005, { onLog: (line) => logged.push(line) });
  await vi.waitFor(() => expect(target.events.length).toBeGreaterThanOrEqual(5), soon);
  expect(logged).toEqual(['schedule Sweep: a run failed after all retries: Error: no luck']);
});

test('a throttled run is not a failure', async () => {
  const logged: string[] = [];
  const target = scriptedFunction((_, invocation) => (invocation <= 3 ? throttled : undefined));
  const schedule = start(target, 3_600, { onLog: (line) => logged.push(line) });
  expect(await schedule.runNow()).toEqual({ kind: 'response', payload: null });
  expect(target.events).toHaveLength(4);
  expect(logged).toEqual([]);
});

test('closing waits for the current run and starts no other', async () => {
  const response = Promise.withResolvers<undefined>();
  const target = scriptedFunction(async () => {
    await response.promise;
    return { kind: 'response', payload: null };
  });
  const schedule = start(target, 0.001);
  await vi.waitFor(() => expect(target.events).toHaveLength(1), soon);
  let closed = false;
  const closing = schedule.close().then(() => {
    closed = true;
  });
  await Promise.resolve();
  expect(closed).toBe(false);
  response.resolve(undefined);
  await closing;
  expect(target.events).toHaveLength(1);
});

test('a run that fails goes to the on-failure queue after the retries of the template', async () => {
  const sent: { queue: string; message: unknown }[] = [];
  const target = scriptedFunction((_, invocation) => (invocation === 1 ? failed : undefined));
  start(target, 0.005, {
    schedule: { retryAttempts: 0, onFailureQueueName: 'DeadSweeps' },
    sendToQueue: (queue, body) => sent.push({ queue, message: JSON.parse(body) as unknown }),
  });
  await vi.waitFor(() => expect(target.events.length).toBeGreaterThanOrEqual(3), soon);
  expect(sent).toMatchObject([
    {
      queue: 'DeadSweeps',
      message: {
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
        requestPayload: { mode: 'sweep' },
        responsePayload: { errorType: 'Error', errorMessage: 'no luck' },
      },
    },
  ]);
});
