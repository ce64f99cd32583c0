import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { AttributeValue } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { EventId, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { withEntry } from '../../functions/domain/history.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { aws, callLimits } from '../support/aws-clients.ts';
import { notAllowed, rejected, throttled } from '../support/aws-faults.ts';
import { account, key, noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { lambdaContext, streamEvent, type Write } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { register } from '../support/sessions.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';
import { traceIdOf } from '../../functions/domain/trace.ts';

const { handler, output } = await setUpHandlers(() => import('../../functions/publish-state-changes.ts'));

/** EventBridge that refuses the entries of these Payment Requests, or with this detail type, with a code. */
function bus(refused: readonly string[] = [], code = 'ThrottlingException'): void {
  aws.eventbridge
    .on(PutEventsCommand)
    .callsFake(({ Entries = [] }: { Entries?: PutEventsRequestEntry[] }) => ({
      FailedEntryCount: 0,
      Entries: Entries.map(({ Resources, DetailType }) =>
        refused.includes(Resources?.[0] ?? '') || refused.includes(DetailType ?? '')
          ? { ErrorCode: code, ErrorMessage: planted.text }
          : { EventId: 'published' },
      ),
    }));
}

/** The messages in the queue of unpublished events. */
const queued = () =>
  aws.sqs
    .commandCalls(SendMessageCommand)
    .map((call) => JSON.parse(call.args[0].input.MessageBody ?? '') as Readonly<Record<string, unknown>>);

const entries = () =>
  aws.eventbridge.commandCalls(PutEventsCommand).flatMap((call) => call.args[0].input.Entries ?? []);
const publish = (...writes: readonly Write[]) => handler(streamEvent(...writes), lambdaContext());

const requestOf = (number: number): PaymentRequest => ({
  ...recordWith(),
  paymentRequestId: `krn:payment:eu1:request:${number}` as PaymentRequestId,
});
const next = (record: PaymentRequest, ...observation: Parameters<typeof observed>): PaymentRequest =>
  versioned(applyObservation(record, observed(...observation)).record, record);

const registered = (record: PaymentRequest): PaymentRequest => {
  const { next: first } = register({ ...record, version: 0 });
  if (!first) throw new Error('not registered');
  return versioned(first);
};

describe('publish-state-changes, for a write', () => {
  const submitted = next(recordWith({ reference: 'order-7' }), 'SUBMITTED');
  const canceled = next(submitted, 'CANCELED', '2026-03-01T12:30:00Z');

  it('a write is published as the event that it made', async () => {
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
      trace_id: traceIdOf(key.paymentRequestId),
      session_id: null,
      reference: 'order-7',
      state: 'CANCELED',
      previous_state: 'SUBMITTED',
      state_reason: null,
      recovered_from: null,
      paid_attempts: null,
      open_attempts: null,
      cause: null,
      reason: null,
      confirmation: null,
      confirm_by: null,
      occurred_at: '2026-03-01T12:30:00Z',
      recorded_at: '2026-03-01T12:30:00Z',
      sequence: 2,
      version: 3,
    });
    expect(output.text()).toContain('"code":"events.published","published":1');
  });

  it('a claim, a deletion by retention and an item of another kind are not published', async () => {
    bus();
    const claim = withEntry(submitted, {
      eventId: 'claim:1' as EventId,
      kind: 'cancel_request',
      recordedAt: noon,
      effect: 'accepted',
      detail: {},
    });
    const claimed = versioned(claim, submitted);
    const event = streamEvent(
      { sequenceNumber: '1', before: submitted, after: claimed },
      { sequenceNumber: '2', before: submitted },
    );
    const quarantined = { PK: { S: 'Q#key#event' }, reason: { S: 'malformed' } };
    const [first] = event.Records;
    const other = { ...first, dynamodb: { ...first?.dynamodb, NewImage: quarantined } };
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
    bus([requestOf(12).paymentRequestId]);
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
  });

  it('the stream comes again from the first record when the whole call to EventBridge fails', async () => {
    aws.eventbridge.rejects(throttled);
    expect(await publish(...writes)).toEqual({ batchItemFailures: [{ itemIdentifier: '100' }] });
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'ERROR', code: 'events.fault', fault: 'transient' }),
    );
    expect(queued()).toEqual([]);
  });

  it('a role that may not publish is counted as a fault of the configuration', async () => {
    aws.eventbridge.rejects(notAllowed);
    expect(await publish(...writes)).toEqual({ batchItemFailures: [{ itemIdentifier: '100' }] });
    expect(output.text()).toContain('"ConfigurationFault":1');
  });

  it('events that are refused for now are set aside once their write is older than 15 minutes', async () => {
    bus([requestOf(12).paymentRequestId]);
    const old = writes.map((write) => ({ ...write, writtenAt: Date.now() - 16 * 60_000 }));
    expect(await publish(...old)).toEqual({ batchItemFailures: [] });
    expect(queued()).toMatchObject([{ unpublished: 'event', reason: 'ThrottlingException' }]);
    expect(output.text()).toContain('"code":"events.published","published":14');
  });
});

describe('publish-state-changes, when something can never be published', () => {
  const one = registered(requestOf(1));
  const two = registered(requestOf(2));
  const three = next(requestOf(3), 'SUBMITTED');
  /** One write that makes two events. */
  const both = versioned(applyObservation({ ...two, version: 0 }, observed('SUBMITTED')).record);

  it('a bus policy that refuses one detail type holds no other event up', async () => {
    bus(['Payment Request Registered'], 'NotAuthorizedForDetailTypeException');
    const result = await publish(
      { sequenceNumber: '1', after: one },
      { sequenceNumber: '2', after: both },
      { sequenceNumber: '3', after: three },
    );
    expect(result).toEqual({ batchItemFailures: [] });
    expect(output.text()).toContain('"code":"events.published","published":2');
    expect(output.text().split('"events.set-aside"')).toHaveLength(3);
    expect(queued()).toMatchObject([
      {
        unpublished: 'event',
        reason: 'NotAuthorizedForDetailTypeException',
        detail_type: 'Payment Request Registered',
        detail: { payment_request_id: one.paymentRequestId },
      },
      { detail: { payment_request_id: two.paymentRequestId } },
    ]);
    const [call] = aws.sqs.commandCalls(SendMessageCommand);
    expect(call?.args[0].input.QueueUrl).toBe(process.env['UNPUBLISHED_QUEUE_URL']);
    expect(plantedIn(JSON.stringify(queued()) + output.text())).toEqual([]);
  });

  /** Publishes three writes, the second with these attributes in its image. */
  async function publishWith(attributes: Readonly<Record<string, AttributeValue>>) {
    bus();
    const event = streamEvent(
      { sequenceNumber: '1', after: one },
      { sequenceNumber: '2', after: two, writtenAt: Date.parse('2026-03-01T12:00:00Z') },
      { sequenceNumber: '3', after: three },
    );
    const image = event.Records[1]?.dynamodb?.NewImage;
    if (!image) throw new Error('there is no second write');
    Object.assign(image, attributes);
    return handler(event, lambdaContext());
  }

  it('a history entry that cannot be read keeps no event from being published', async () => {
    const poison = { M: { k: { S: 'w' }, e: { S: 'a' }, s: { S: 'S' } } };
    const result = await publishWith({ h: { L: [poison] } });
    expect(result).toEqual({ batchItemFailures: [] });
    expect(entries().map(({ Resources }) => Resources?.[0])).toEqual([
      one.paymentRequestId,
      two.paymentRequestId,
      three.paymentRequestId,
    ]);
    expect(queued()).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, AttributeValue>>]>([
    ['an event', { c: { L: [{ M: { y: { S: 'registered' } } }] } }],
    ['a list of events', { c: { S: planted.text } }],
    ['a sequence', { sq: { S: planted.text } }],
    ['a state', { s: { S: planted.text } }],
  ])('a write with %s that cannot be read holds no other record up', async (_, attributes) => {
    const result = await publishWith(attributes);
    expect(result).toEqual({ batchItemFailures: [] });
    expect(entries().map(({ Resources }) => Resources?.[0])).toEqual([
      one.paymentRequestId,
      three.paymentRequestId,
    ]);
    expect(queued()).toEqual([
      {
        unpublished: 'write',
        account,
        payment_request_id: two.paymentRequestId,
        sequence_number: '2',
        written_at: '2026-03-01T12:00:00Z',
      },
    ]);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ code: 'events.fault', fault: 'internal', sequence_number: '2' }),
    );
    expect(plantedIn(output.text())).toEqual([]);
  });

  it('an event that makes a whole call invalid holds no other event up', async () => {
    aws.eventbridge
      .on(PutEventsCommand)
      .callsFake(({ Entries = [] }: { Entries?: PutEventsRequestEntry[] }) => {
        if (Entries.some(({ Resources }) => Resources?.[0] === two.paymentRequestId)) throw rejected;
        return { Entries: Entries.map(() => ({ EventId: 'published' })) };
      });
    const result = await publish(
      { sequenceNumber: '1', after: one },
      { sequenceNumber: '2', after: two },
      { sequenceNumber: '3', after: three },
    );
    expect(result).toEqual({ batchItemFailures: [] });
    expect(queued()).toMatchObject([{ reason: 'ValidationException' }]);
    expect(output.text()).toContain('"code":"events.published","published":2');
  });

  it('the record is delivered again when the queue does not respond', async () => {
    bus(['Payment Request Registered'], 'MalformedDetail');
    aws.sqs.on(SendMessageCommand).rejects(throttled);
    const result = await publish({ sequenceNumber: '1', after: three }, { sequenceNumber: '2', after: two });
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
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
  bus(['Payment Request State Changed'], 'MalformedDetail');
  await publish({ sequenceNumber: '1', after: next(recordWith(), 'SUBMITTED') });
  const limits = await callLimits();
  expect(limits).toHaveLength(2);
  for (const { maxAttempts, requestTimeout, connectionTimeout, throwOnRequestTimeout } of limits) {
    expect(throwOnRequestTimeout).toBe(true);
    expect(maxAttempts * Math.max(requestTimeout, connectionTimeout)).toBeLessThanOrEqual(10_000);
  }
});
