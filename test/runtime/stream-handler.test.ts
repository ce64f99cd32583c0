import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WrittenChange } from '../../functions/application/publish-state-changes.ts';
import { streamHandler } from '../../functions/runtime/stream-handler.ts';
import { captureOutput, type CapturedOutput } from '../support/captured-output.ts';
import { recordWith } from '../support/fixtures.ts';
import { lambdaContext, streamEvent } from '../support/lambda-events.ts';

let output: CapturedOutput;
beforeEach(() => {
  output = captureOutput();
});
afterEach(() => vi.restoreAllMocks());

const record = recordWith();

/** The handler on a publisher that says this; what it was given beside it. */
function handlerThat(publish: () => Promise<{ retryFrom: string | undefined; published: number }>) {
  const given: (readonly WrittenChange[])[] = [];
  const handler = streamHandler({
    changeOf: ({ NewImage }) => (NewImage ? { before: undefined, after: record } : undefined),
    publish: (changes) => {
      given.push(changes);
      return publish();
    },
  });
  return { handler, given };
}

const batch = streamEvent(
  { sequenceNumber: '100', after: record },
  { sequenceNumber: '200', before: record },
  { sequenceNumber: '300', before: record, after: record },
);

describe('a batch of the stream', () => {
  it('is published in order, each write with its place in the stream, and without what retention deleted', async () => {
    const { handler, given } = handlerThat(() => Promise.resolve({ retryFrom: undefined, published: 2 }));
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(given.map((changes) => changes.map(({ sequenceNumber }) => sequenceNumber))).toEqual([
      ['100', '300'],
    ]);
    expect(output.text()).toContain('"EventsPublished":2');
    expect(output.lines().filter(({ level }) => level !== undefined)).toEqual([]);
  });

  it('comes back from the first refused write on, so that order is kept, and somebody is told', async () => {
    const { handler } = handlerThat(() => Promise.resolve({ retryFrom: '300', published: 1 }));
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [{ itemIdentifier: '300' }] });
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'events.refused', sequence_number: '300' }),
    );
  });

  it('comes back whole when publishing fails: nothing is swallowed', async () => {
    const { handler } = handlerThat(() => Promise.reject(new Error('EventBridge is away')));
    await expect(handler(batch, lambdaContext())).rejects.toThrow('EventBridge is away');
  });

  it('without a sequence number could not be retried, and AWS sends none such', async () => {
    const { handler, given } = handlerThat(() => Promise.resolve({ retryFrom: undefined, published: 0 }));
    await handler({ Records: [{ eventName: 'INSERT' }] }, lambdaContext());
    expect(given).toEqual([[]]);
  });
});
