import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MessageQueue, QueuedMessage } from '../../operations/queue.ts';
import { runSweepOf } from '../../operations/run-sweep.ts';
import { parseOutputs } from '../../operations/stack-outputs.ts';
import { listSweepFailures, redriveSweepFailures } from '../../operations/sweep-failures-commands.ts';
import { recordedPrinter } from '../support/command-line.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const failed = JSON.stringify({
  timestamp: '2026-03-01T12:00:00.000Z',
  requestContext: { condition: 'RetriesExhausted' },
  responsePayload: { errorType: 'TransientError', errorMessage: 'the table does not respond' },
});

const tooOld = JSON.stringify({
  timestamp: '2026-03-01T12:01:00.000Z',
  requestContext: { condition: 'EventAgeExceeded' },
});

const notStarted: Partial<QueuedMessage> = {
  body: '{}',
  attributes: { ERROR_CODE: 'AccessDenied', ERROR_MESSAGE: 'not authorized', SentTimestamp: '1772366520000' },
};

let removed: string[];
beforeEach(() => (removed = []));

/** A queue with these messages, which are called m1, m2, … */
const queueOf = (...messages: readonly Partial<QueuedMessage>[]): MessageQueue => ({
  async *messages() {
    for (const [index, message] of messages.entries()) {
      const id = `m${index + 1}`;
      yield await Promise.resolve<QueuedMessage>({ id, body: '', receiptHandle: 'receipt', ...message });
    }
  },
  send: () => Promise.resolve(),
  remove: ({ id }) => Promise.resolve(void removed.push(id)),
});

describe('sweep-failures list', () => {
  it('the list has the error of each run, in the words of Lambda or of Scheduler', async () => {
    const { print, lines } = recordedPrinter();
    await listSweepFailures(
      { sweepFailures: queueOf({ body: failed }, { body: tooOld }, notStarted, { body: 'other' }) },
      print,
    );
    expect(lines.map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'MESSAGE | FAILED AT | ERROR',
      'm1 | 2026-03-01T12:00:00.000Z | TransientError: the table does not respond',
      'm2 | 2026-03-01T12:01:00.000Z | EventAgeExceeded',
      'm3 | 2026-03-01T12:02:00.000Z | AccessDenied: not authorized',
      'm4 | - | Scheduler could not start the run',
    ]);
  });

  it('the list of an empty queue says that no run has failed', async () => {
    const { print, lines } = recordedPrinter();
    await listSweepFailures({ sweepFailures: queueOf() }, print);
    expect(lines).toEqual(['No run of the sweep has failed.']);
  });
});

describe('sweep-failures redrive', () => {
  it('one run of the sweep stands for all failed runs, whose messages are removed', async () => {
    const { print, lines } = recordedPrinter();
    let runs = 0;
    const runSweep = () => Promise.resolve(void (runs += 1));
    const operations = { sweepFailures: queueOf({ body: failed }, { body: tooOld }), runSweep };
    expect(await redriveSweepFailures(operations, false, print.result)).toBe(true);
    expect([runs, removed]).toEqual([1, ['m1', 'm2']]);
    expect(lines).toEqual(['m1: removed: the sweep has run', 'm2: removed: the sweep has run']);
  });

  it('a sweep that fails again removes nothing', async () => {
    const { print, lines } = recordedPrinter();
    const operations = {
      sweepFailures: queueOf({ body: failed }, { body: tooOld }),
      runSweep: () => Promise.resolve('TransientError: again'),
    };
    expect(await redriveSweepFailures(operations, false, print.result)).toBe(false);
    expect(removed).toEqual([]);
    expect(lines).toEqual(['The sweep failed again: TransientError: again. Nothing was removed.']);
  });

  it('an empty queue and a dry run do not run the sweep', async () => {
    const { print } = recordedPrinter();
    const runSweep = () => Promise.reject(new Error('it ran'));
    expect(await redriveSweepFailures({ sweepFailures: queueOf(), runSweep }, false, print.result)).toBe(
      true,
    );
    const some = queueOf({ body: failed });
    expect(await redriveSweepFailures({ sweepFailures: some, runSweep }, true, print.result)).toBe(true);
    expect(removed).toEqual([]);
  });
});

describe('a run of the sweep', () => {
  const lambda = mockClient(LambdaClient);
  beforeEach(() => lambda.reset());
  const target = {
    name: 'Lapse',
    isLocal: false,
    outputs: parseOutputs(rawOutputs, 'the stack'),
    aws: { region: 'eu-north-1' },
  };
  const payload = (value: unknown) => ({
    transformToString: () => JSON.stringify(value),
  });

  it('the sweep of a deployed stack is invoked by its alias', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });
    expect(await runSweepOf(target)()).toBeUndefined();
    expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input).toEqual({
      FunctionName: 'Lapse-sweep',
      Qualifier: 'live',
      Payload: '{}',
    });
  });

  it('the error of a run is told by its type and message', async () => {
    const error = { errorType: 'TransientError', errorMessage: 'no table', stack: ['at x'] };
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payload(error) as never });
    expect(await runSweepOf(target)()).toBe('TransientError: no table');
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payload('x') as never });
    expect(await runSweepOf(target)()).toBe('it failed');
  });
});
