import { traceIdOf } from '../../../functions/domain/trace.ts';
import { describe, expect, it, vi } from 'vitest';
import type { ReferenceStreamEntry, StreamEntry } from '../../../functions/application/ports.ts';
import type { PublishResult } from '../../../functions/application/publish-state-changes.ts';
import type { StateChangeEvent } from '../../../functions/domain/state-change-event.ts';
import { streamHandler } from '../../../functions/triggers/stream-handler.ts';
import { notAllowed } from '../../support/aws-faults.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { key, noon, recordWith } from '../../support/fixtures.ts';
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
    trace_id: traceIdOf(record.paymentRequestId),
    session_id: null,
    reference: null,
    state: null,
    previous_state: null,
    state_reason: null,
    recovered_from: null,
    paid_attempts: null,
    open_attempts: null,
    cause,
    reason: null,
    confirmation: null,
    confirm_by: null,
    occurred_at: '2026-03-01T12:00:00Z',
    recorded_at: '2026-03-01T12:00:00Z',
    sequence: 1,
    version: 1,
  },
});
const registered = eventWith('Payment Request Registered', null);
const contradiction = eventWith('Payment Request Needs Attention', 'contradiction');

/** The handler on a publisher with this result, and what the publisher was given. */
function handlerThat(publish: () => Promise<Partial<PublishResult>>) {
  const given: (readonly (StreamEntry | ReferenceStreamEntry)[])[] = [];
  const untils: number[] = [];
  const handler = streamHandler({
    writeOf: ({ NewImage }) => (NewImage ? { key, read: () => record } : undefined),
    referenceWriteOf: () => undefined,
    publish: async (entries, until) => {
      given.push(entries);
      untils.push(until);
      return { retryFrom: undefined, published: [], setAside: [], ...(await publish()) };
    },
  });
  return { handler, given, untils };
}

const batch = streamEvent(
  { sequenceNumber: '100', after: record, writtenAt: Date.parse('2026-03-01T12:00:00Z') },
  { sequenceNumber: '200', before: record },
  { sequenceNumber: '300', before: record, after: record },
);

describe('streamHandler', () => {
  it('streamHandler publishes the writes in order, with their sequence numbers and without deletions by retention', async () => {
    const { handler, given } = handlerThat(() =>
      Promise.resolve({ retryFrom: undefined, published: [registered, contradiction] }),
    );
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(given.map((entries) => entries.map(({ sequenceNumber }) => sequenceNumber))).toEqual([
      ['100', '300'],
    ]);
    const [entry] = given[0] ?? [];
    expect([entry?.key, entry?.writtenAt]).toEqual([key, Date.parse('2026-03-01T12:00:00Z')]);
    expect(output.lines()).toMatchObject([{ code: 'events.published', published: 2, Attention: 1 }]);
    expect(output.text()).not.toContain('CanceledAfterCompleted');
  });

  it('streamHandler counts a cancel after the approval apart from other attention', async () => {
    const canceled = eventWith('Payment Request Needs Attention', 'canceled_after_completed');
    const { handler } = handlerThat(() => Promise.resolve({ published: [canceled, contradiction] }));
    await handler(batch, lambdaContext());
    expect(output.lines()).toMatchObject([{ Attention: [1, 1], CanceledAfterCompleted: 1 }]);
  });

  it('streamHandler logs nothing where there is nothing to publish', async () => {
    const { handler } = handlerThat(() => Promise.resolve({}));
    await handler(batch, lambdaContext());
    expect(output.text()).toBe('');
  });

  it('streamHandler asks for the stream again from the first refused write, and logs it', async () => {
    const { handler } = handlerThat(() => Promise.resolve({ retryFrom: '300', published: [registered] }));
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [{ itemIdentifier: '300' }] });
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'events.refused', sequence_number: '300' }),
    );
  });

  it('streamHandler logs each event and each write that was set aside', async () => {
    const { handler } = handlerThat(() =>
      Promise.resolve({
        setAside: [
          { kind: 'event', event: contradiction, reason: 'MalformedDetail' },
          { kind: 'write', key, sequenceNumber: '300', writtenAt: noon },
        ],
      }),
    );
    expect(await handler(batch, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(output.lines().filter(({ code }) => code === 'events.set-aside')).toMatchObject([
      { level: 'WARN', reason: 'MalformedDetail', event_key: 'key' },
      { level: 'WARN', reason: 'unreadable', account: key.account, sequence_number: '300' },
    ]);
  });

  it('streamHandler begins no call of the bus that could end after the time limit of the function', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    const { handler, untils } = handlerThat(() => Promise.resolve({}));
    await handler(batch, lambdaContext(30_000));
    expect(untils).toEqual([1_000_000 + 14_000]);
  });

  it('streamHandler fails when publishing fails, and logs and counts the kind of the fault', async () => {
    const { handler } = handlerThat(() => Promise.reject(notAllowed));
    await expect(handler(batch, lambdaContext())).rejects.toThrow(notAllowed.message);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ code: 'events.failed', fault: 'misconfigured' }),
    );
    expect(output.text()).toContain('"ConfigurationFault":1');
  });

  it('streamHandler skips a record without a sequence number', async () => {
    const { handler, given } = handlerThat(() => Promise.resolve({}));
    await handler({ Records: [{ eventName: 'INSERT' }] }, lambdaContext());
    expect(given).toEqual([[]]);
  });
});
