import { describe, expect, it, vi } from 'vitest';
import type { ComparisonResult } from '../../../functions/application/compare-attempts.ts';
import type { SettleOutcome } from '../../../functions/application/settle-reference.ts';
import type { TimeoutOutcome } from '../../../functions/application/end-expired-session.ts';
import { timerQueueHandler } from '../../../functions/triggers/timer-queue-handler.ts';
import { notAllowed, rejected, throttled } from '../../support/aws-faults.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { account, key, recordWith, settingsWith } from '../../support/fixtures.ts';
import { lambdaContext, queueEvent, type QueuedMessage } from '../../support/lambda-events.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { traceIdOf } from '../../../functions/domain/trace.ts';

const output = captureOutput();

const timer = {
  account,
  payment_request_id: key.paymentRequestId,
  deadline_at: '2026-03-01T12:30:00Z',
};
const messageWith = (fields: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ ...timer, ...fields });
const settled: TimeoutOutcome = { kind: 'spared' };

/** The handler on these outcomes, one for each message. An Error is thrown. */
function handlerOn(...outcomes: readonly (TimeoutOutcome | Error)[]) {
  const waiting = [...outcomes];
  const ended: unknown[] = [];
  const compared: unknown[] = [];
  const settledWith: unknown[] = [];
  let settlement: SettleOutcome | Error = 'joined';
  let comparison: ComparisonResult['kind'] | Error = 'compared';
  const delays: (readonly [string, number])[] = [];
  const handler = timerQueueHandler({
    accounts: { find: (name) => Promise.resolve(name === account ? settingsWith() : undefined) },
    endExpired: (of) => {
      ended.push(of);
      const outcome = waiting.shift() ?? settled;
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    compare: (of) => {
      compared.push(of);
      return comparison instanceof Error
        ? Promise.reject(comparison)
        : Promise.resolve({ kind: comparison, record: undefined });
    },
    settle: (of, _, seen) => {
      settledWith.push([of, seen]);
      return settlement instanceof Error ? Promise.reject(settlement) : Promise.resolve(settlement);
    },
    delay: (receipt, count) => {
      delays.push([receipt, count]);
      return Promise.resolve();
    },
  });
  const comparesWith = (result: typeof comparison) => {
    comparison = result;
  };
  const take = (...messages: readonly QueuedMessage[]) => handler(queueEvent(...messages), lambdaContext());
  const settlesWith = (result: typeof settlement) => {
    settlement = result;
  };
  return { take, ended, compared, comparesWith, settledWith, settlesWith, delays };
}

const record = recordWith();
const settledCancels = {
  canceled: { outcome: 'canceled', record },
  already_canceled: { outcome: 'already_canceled', record },
  already_final: { outcome: 'already_final', state: 'COMPLETED', record },
  not_found: { outcome: 'not_found', record },
} as const;

describe('timerQueueHandler, for a session whose attempts are to be compared', () => {
  const body = messageWith({ about: 'attempts' });

  it.each(['compared', 'nothing'] as const)(
    'timerQueueHandler compares the attempts, ends no session, and deletes the message: %s',
    async (kind) => {
      const { take, ended, compared, comparesWith } = handlerOn();
      comparesWith(kind);
      expect(await take({ id: 'm', body })).toEqual({ batchItemFailures: [] });
      expect([compared, ended]).toEqual([[key], []]);
    },
  );

  it.each(['held' as const, new Error('no')])(
    'timerQueueHandler keeps the message for later: %s',
    async (result) => {
      const { take, comparesWith, delays } = handlerOn();
      comparesWith(result);
      expect(await take({ id: 'm', body })).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
      expect(delays).toHaveLength(1);
    },
  );

  it('timerQueueHandler does nothing for a message about something that it does not know', async () => {
    const { take, ended, compared } = handlerOn();
    const reply = await take({ id: 'm', body: messageWith({ about: 'weather' }) });
    expect(reply).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    expect([compared, ended]).toEqual([[], []]);
  });
});

describe('timerQueueHandler, for a reference that is waited for', () => {
  const body = messageWith({ about: 'reference', reference: 'order 4711' });

  it.each<[SettleOutcome, boolean]>([
    ['joined', true],
    ['waiting', true],
    ['nothing', true],
    ['never_seen', true],
    ['held', false],
    ['moving', false],
  ])('the message is done after %s: %s', async (outcome, isDone) => {
    const { take, ended, settledWith, settlesWith } = handlerOn();
    settlesWith(outcome);
    const { batchItemFailures } = await take({ id: 'm', body });
    expect(batchItemFailures).toHaveLength(isDone ? 0 : 1);
    expect([settledWith, ended]).toEqual([
      [[{ account, reference: 'order 4711' }, key.paymentRequestId]],
      [],
    ]);
  });

  it('the request that was seen need not be named, and the reference must be', async () => {
    const { take, settledWith } = handlerOn();
    await take({
      id: 'a',
      body: messageWith({ about: 'reference', reference: 'r', payment_request_id: undefined }),
    });
    expect(settledWith).toEqual([[{ account, reference: 'r' }, undefined]]);
    const wrong = await take({ id: 'b', body: messageWith({ about: 'reference', reference: 'a/b' }) });
    expect(wrong).toEqual({ batchItemFailures: [{ itemIdentifier: 'b' }] });
    expect(output.text()).not.toContain('order 4711');
  });
});

describe('timerQueueHandler, for one message', () => {
  it.each([
    { kind: 'nothing' } as const,
    { kind: 'spared' } as const,
    { kind: 'observed' } as const,
    { kind: 'not_yet' } as const,
    { kind: 'graced' } as const,
    ...Object.values(settledCancels).map((cancel) => ({ kind: 'ended', cancel }) as const),
  ])('timerQueueHandler deletes the message after the outcome %o', async (outcome) => {
    const { take, ended, delays } = handlerOn(outcome);
    expect(await take({ id: 'm', body: messageWith() })).toEqual({ batchItemFailures: [] });
    expect(ended).toEqual([key]);
    expect(delays).toEqual([]);
  });

  it.each([{ kind: 'held' } as const, { kind: 'unarmed' } as const])(
    'timerQueueHandler returns the message after the outcome %o',
    async (outcome) => {
      const { take } = handlerOn(outcome);
      expect(await take({ id: 'm', body: messageWith() })).toEqual({
        batchItemFailures: [{ itemIdentifier: 'm' }],
      });
    },
  );

  it.each(['pending', 'klarna_denied'] as const)(
    'timerQueueHandler returns the message with a growing delay when the cancel is %s',
    async (outcome) => {
      const { take, delays } = handlerOn({ kind: 'ended', cancel: { outcome, record } });
      expect(await take({ id: 'm', body: messageWith(), receiveCount: 4 })).toEqual({
        batchItemFailures: [{ itemIdentifier: 'm' }],
      });
      expect(delays).toEqual([['receipt-m', 4]]);
      expect(output.lines()).toMatchObject([{ code: 'timer.fired', outcome }]);
    },
  );

  it('timerQueueHandler logs the outcome, the ids and the lateness in one line', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-03-01T12:30:07Z'));
    await handlerOn({ kind: 'ended', cancel: settledCancels.canceled }).take({
      id: 'm',
      body: messageWith(),
    });
    expect(output.lines()).toMatchObject([
      {
        code: 'timer.fired',
        account,
        payment_request_id: key.paymentRequestId,
        trace_id: traceIdOf(key.paymentRequestId),
        outcome: 'canceled',
        TimerLateness: 7_000,
      },
    ]);
  });

  it.each([
    ['not JSON', `to: ${planted.email}, ${planted.text}`],
    // So short that the message of a JSON parser quotes it whole.
    ['a name of a person', planted.name],
    ['JSON of a text', JSON.stringify(planted.email)],
    ['an array', '[]'],
    ['empty', ''],
    ['without an account', messageWith({ account: undefined })],
    ['with an account that is an object', messageWith({ account: { name: planted.name } })],
    ['with an invalid account', messageWith({ account: planted.name })],
    ['with an account that this deployment does not have', messageWith({ account: 'shop-no' })],
    ['with an invalid Payment Request', messageWith({ payment_request_id: planted.text })],
    ['without a deadline', messageWith({ deadline_at: undefined })],
    ['with an invalid deadline', messageWith({ deadline_at: planted.text })],
  ])(
    'timerQueueHandler returns a message that is %s, does nothing and does not quote it',
    async (_, body) => {
      const { take, ended, delays } = handlerOn();
      expect(await take({ id: 'poison', body, receiveCount: 2 })).toEqual({
        batchItemFailures: [{ itemIdentifier: 'poison' }],
      });
      expect(ended).toEqual([]);
      expect(delays).toEqual([['receipt-poison', 2]]);
      expect(output.lines()).toContainEqual(
        expect.objectContaining({ level: 'ERROR', code: 'timer.failed', message_id: 'poison' }),
      );
      expect(plantedIn(output.text())).toEqual([]);
    },
  );
});

describe('timerQueueHandler, for a batch', () => {
  const message = (id: string, receiveCount: number) => ({ id, body: messageWith(), receiveCount });

  it('timerQueueHandler returns only the messages that failed', async () => {
    const { take, delays } = handlerOn(settled, new Error('DynamoDB is away'), settled, {
      kind: 'ended',
      cancel: { outcome: 'pending', record },
    });
    const poison = { id: 'e', body: 'poison', receiveCount: 9 };
    expect(await take(message('a', 1), message('b', 2), message('c', 1), message('d', 3), poison)).toEqual({
      batchItemFailures: ['b', 'd', 'e'].map((itemIdentifier) => ({ itemIdentifier })),
    });
    expect(delays.toSorted()).toEqual([
      ['receipt-b', 2],
      ['receipt-d', 3],
      ['receipt-e', 9],
    ]);
  });

  it('timerQueueHandler returns every kind of failed message, and logs and counts what another try does not help', async () => {
    const { take } = handlerOn(notAllowed, rejected, throttled);
    const { batchItemFailures } = await take(message('a', 1), message('b', 1), message('c', 1));
    expect(batchItemFailures).toHaveLength(3);
    const logged = output.lines().filter(({ code }) => code === 'timer.failed');
    expect(logged.map(({ message_id: id, fault }) => [id, fault])).toEqual([
      ['a', 'misconfigured'],
      ['b', 'internal'],
      ['c', 'transient'],
    ]);
    expect(output.text()).toContain('"ConfigurationFault":1');
    expect(output.text()).toContain('"InternalFault":1');
  });

  it('timerQueueHandler goes on when a delay cannot be set', async () => {
    const handler = timerQueueHandler({
      accounts: { find: () => Promise.reject(new Error('Secrets Manager is away')) },
      endExpired: () => Promise.resolve(settled),
      compare: () => Promise.reject(new Error('not called')),
      settle: () => Promise.reject(new Error('not called')),
      delay: () => Promise.reject(new Error('SQS is away')),
    });
    const event = queueEvent(message('a', 1), message('b', 1));
    expect(await handler(event, lambdaContext())).toEqual({
      batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'b' }],
    });
    expect(output.lines().filter(({ code }) => code === 'timer.delay-failed')).toHaveLength(2);
  });

  it('timerQueueHandler accepts an empty batch', async () => {
    expect(await handlerOn().take()).toEqual({ batchItemFailures: [] });
  });
});
