import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import type { EventId, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { asNextVersion, type PaymentRequest, withEntry } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { aws, callLimits } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { account, key, noon, observed, recordWith } from '../support/fixtures.ts';
import { lambdaContext, streamEvent, type Write } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { handler, output } = await setUpHandlers(() => import('../../functions/publish-state-changes.ts'));

/** EventBridge that refuses the entries of these Payment Requests. */
function bus(...refused: readonly string[]): void {
  aws.eventbridge
    .on(PutEventsCommand)
    .callsFake(({ Entries = [] }: { Entries?: PutEventsRequestEntry[] }) => ({
      FailedEntryCount: 0,
      Entries: Entries.map(({ Resources }) =>
        refused.includes(Resources?.[0] ?? '')
          ? { ErrorCode: 'ThrottlingException', ErrorMessage: planted.text }
          : { EventId: 'published' },
      ),
    }));
}

const entries = () =>
  aws.eventbridge.commandCalls(PutEventsCommand).flatMap((call) => call.args[0].input.Entries ?? []);
const publish = (...writes: readonly Write[]) => handler(streamEvent(...writes), lambdaContext());

const requestOf = (number: number): PaymentRequest => ({
  ...recordWith(),
  paymentRequestId: `krn:payment:eu1:request:${number}` as PaymentRequestId,
});
const next = (record: PaymentRequest, ...observation: Parameters<typeof observed>): PaymentRequest =>
  asNextVersion(applyObservation(record, observed(...observation)).record, noon);

describe('publish-state-changes, for a write', () => {
  const submitted = next(recordWith({ reference: 'order-7' }), 'SUBMITTED');
  const canceled = next(submitted, 'CANCELED', '2026-03-01T12:30:00Z');

  it('a write is published as its new history entry', async () => {
    bus();
    expect(await publish({ sequenceNumber: '1', before: submitted, after: canceled })).toEqual({
      batchItemFailures: [],
    });
    const [entry, ...others] = entries();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      EventBusName: 'lapse',
      Source: 'lapse',
      DetailType: 'Payment Request State Changed',
      Resources: [key.paymentRequestId],
    });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({
      event_key: `${account}/${key.paymentRequestId}/CANCELED@2026-03-01T12:30:00Z/state-changed`,
      schema_version: 1,
      account,
      payment_request_id: key.paymentRequestId,
      session_id: null,
      reference: 'order-7',
      state: 'CANCELED',
      previous_state: 'SUBMITTED',
      cause: null,
      reason: null,
      occurred_at: '2026-03-01T12:30:00Z',
      recorded_at: '2026-03-01T12:30:00Z',
      version: 3,
    });
    expect(output.text()).toContain('"EventsPublished":1');
  });

  it('a claim, a deletion by retention and an item of another kind are not published', async () => {
    bus();
    const claimed = withEntry(submitted, {
      eventId: 'claim:1' as EventId,
      kind: 'cancel_request',
      recordedAt: noon,
      effect: 'accepted',
      detail: {},
    });
    const event = streamEvent(
      { sequenceNumber: '1', before: submitted, after: claimed },
      { sequenceNumber: '2', before: submitted },
    );
    const quarantined = { PK: { S: 'Q#key#event' }, reason: { S: 'malformed' } };
    const [first] = event.Records;
    const other = { ...first, dynamodb: { ...first?.dynamodb, OldImage: {}, NewImage: quarantined } };
    expect(await handler({ Records: [...event.Records, other] }, lambdaContext())).toEqual({
      batchItemFailures: [],
    });
    expect(entries()).toEqual([]);
  });
});

describe('publish-state-changes, when EventBridge refuses', () => {
  const writes = Array.from({ length: 15 }, (_, index) => ({
    sequenceNumber: `${index + 1}00`,
    after: next(requestOf(index + 1), 'SUBMITTED'),
  }));

  it('a refused entry is retried alone, and the stream comes again from its record', async () => {
    bus(requestOf(12).paymentRequestId);
    expect(await publish(...writes)).toEqual({ batchItemFailures: [{ itemIdentifier: '1200' }] });
    const calls = aws.eventbridge
      .commandCalls(PutEventsCommand)
      .map((call) =>
        call.args[0].input.Entries?.map(({ Resources }) => Number(Resources?.[0]?.split(':').at(-1))),
      );
    expect(calls).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15], [12], [12]]);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'events.refused', sequence_number: '1200' }),
    );
    expect(output.text()).toContain('"EventsRefused":1');
  });

  it('the batch fails when the whole call to EventBridge fails', async () => {
    aws.eventbridge.rejects(throttled);
    await expect(publish(...writes)).rejects.toThrow();
  });
});

it('publish-state-changes publishes and logs no attribute that is not of the record', async () => {
  bus();
  const event = streamEvent({ sequenceNumber: '1', after: next(recordWith(), 'COMPLETED') });
  const [record] = event.Records;
  const image = {
    ...record?.dynamodb?.NewImage,
    customer: { S: planted.name },
    klarna_network_session_token: { S: planted.token },
  };
  await handler(
    { Records: [{ ...record, dynamodb: { ...record?.dynamodb, NewImage: image } }] },
    lambdaContext(),
  );
  expect(entries()).toHaveLength(1);
  expect(plantedIn(output.text() + JSON.stringify(entries()))).toEqual([]);
});

it('every AWS call of publish-state-changes has a time limit', async () => {
  bus();
  await publish({ sequenceNumber: '1', after: next(recordWith(), 'SUBMITTED') });
  const limits = await callLimits();
  expect(limits).toHaveLength(1);
  for (const { maxAttempts, requestTimeout, connectionTimeout, throwOnRequestTimeout } of limits) {
    expect(throwOnRequestTimeout).toBe(true);
    expect(maxAttempts * Math.max(requestTimeout, connectionTimeout)).toBeLessThanOrEqual(10_000);
  }
});
