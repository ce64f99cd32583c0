import { describe, expect, it } from 'vitest';
import type { WrittenChange } from '../../../functions/application/publish-state-changes.ts';
import type { StateChangeEvent } from '../../../functions/domain/state-change-event.ts';
import { streamHandler } from '../../../functions/triggers/stream-handler.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { recordWith } from '../../support/fixtures.ts';
import { lambdaContext, streamEvent } from '../../support/lambda-events.ts';

const output = captureOutput();

const record = recordWith();

const eventWith = (
  type: StateChangeEvent['type'],
  cause: StateChangeEvent['detail']['cause'],
): StateChangeEvent => ({
  type,
  detail: {
    event_key: 'key',
    schema_version: 1,
    account: record.account,
    payment_request_id: record.paymentRequestId,
    session_id: null,
    reference: null,
    state: null,
    previous_state: null,
    cause,
    reason: null,
    occurred_at: '2026-03-01T12:00:00Z',
    recorded_at: '2026-03-01T12:00:00Z',
    version: 1,
  },
});
const registered = eventWith('Payment Request Registered', null);
const contradiction = eventWith('Payment Request Needs Attention', 'contradiction');

/** The handler on a publisher with this result, and the changes that the publisher was given. */
function handlerThat(
  publish: () => Promise<{ retryFrom: string | undefined; published: readonly StateChangeEvent[] }>,
) {
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

describe('streamHandler', () => {
  it('streamHandler publishes the writes in order, with their sequence numbers and without deletions by retention', async () => {
    const { handler, given } = handlerThat(() =>
      Promise.resolve({ retryFrom: undefined, published: [registered, contradiction] }),
    );
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(given.map((changes) => changes.map(({ sequenceNumber }) => sequenceNumber))).toEqual([
      ['100', '300'],
    ]);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ EventsPublished: 2, Registered: 1, 'Attention:contradiction': 1 }),
    );
    expect(output.lines().filter(({ level }) => level !== undefined)).toEqual([]);
  });

  it('streamHandler asks for the stream again from the first refused write, and logs it', async () => {
    const { handler } = handlerThat(() => Promise.resolve({ retryFrom: '300', published: [registered] }));
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [{ itemIdentifier: '300' }] });
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'events.refused', sequence_number: '300' }),
    );
  });

  it('streamHandler fails when publishing fails', async () => {
    const { handler } = handlerThat(() => Promise.reject(new Error('EventBridge is away')));
    await expect(handler(batch, lambdaContext())).rejects.toThrow('EventBridge is away');
  });

  it('streamHandler skips a record without a sequence number', async () => {
    const { handler, given } = handlerThat(() => Promise.resolve({ retryFrom: undefined, published: [] }));
    await handler({ Records: [{ eventName: 'INSERT' }] }, lambdaContext());
    expect(given).toEqual([[]]);
  });
});
