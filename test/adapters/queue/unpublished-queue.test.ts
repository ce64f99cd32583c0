import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  messageOf,
  UnpublishedQueue,
  unpublishedOf,
} from '../../../functions/adapters/queue/unpublished-queue.ts';
import { eventsOf } from '../../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import type { Unpublished } from '../../../functions/domain/unpublished.ts';
import { throttled } from '../../support/aws-faults.ts';
import { account, key, noon, observed, recordWith, versioned } from '../../support/fixtures.ts';

const client = new SQSClient({ region: 'eu-north-1' });
const sqs = mockClient(client);
beforeEach(() => {
  sqs.reset();
});

const before = recordWith();
const [event] = eventsOf(versioned(applyObservation(before, observed('CANCELED')).record, before));
if (!event) throw new Error('there is no event');

const ofEvent: Unpublished = { kind: 'event', event, reason: 'MalformedDetail' };
const ofWrite: Unpublished = {
  kind: 'write',
  key: { account, paymentRequestId: key.paymentRequestId },
  sequenceNumber: '4421584500000000017450439091',
  writtenAt: noon,
};

describe('the queue of unpublished events', () => {
  it.each([
    ['an event', ofEvent],
    ['a write', ofWrite],
  ])('a message holds %s, and is read back as it was', async (_, unpublished) => {
    sqs.resolves({});
    const url = 'https://sqs.eu-north-1.amazonaws.com/000000000000/unpublished';
    await new UnpublishedQueue(client, url).keep(unpublished);
    const [call, ...others] = sqs.commandCalls(SendMessageCommand);
    expect(others).toEqual([]);
    expect(call?.args[0].input).toEqual({ QueueUrl: url, MessageBody: messageOf(unpublished) });
    expect(unpublishedOf(messageOf(unpublished))).toEqual(unpublished);
  });

  it('a message that the queue does not take is an error', async () => {
    sqs.rejects(throttled);
    await expect(new UnpublishedQueue(client, 'https://sqs.invalid').keep(ofEvent)).rejects.toBe(throttled);
  });

  it('an event of another version keeps the fields that this version does not know', () => {
    const body = JSON.parse(messageOf(ofEvent)) as { detail: object };
    const newer = unpublishedOf(JSON.stringify({ ...body, detail: { ...body.detail, weight: 7 } }));
    expect(newer).toMatchObject({ event: { detail: { weight: 7 } } });
  });

  const bent = (unpublished: Unpublished, fields: object): string =>
    JSON.stringify({ ...(JSON.parse(messageOf(unpublished)) as object), ...fields });

  it.each([
    ['not JSON', 'nothing'],
    ['a text', '"event"'],
    ['of another kind', bent(ofEvent, { unpublished: 'webhook' })],
    ['an event of another type', bent(ofEvent, { detail_type: 'Order Placed' })],
    ['an event without a detail', bent(ofEvent, { detail: undefined })],
    ['an event without a time', bent(ofEvent, { detail: { ...event.detail, recorded_at: 'noon' } })],
    ['a write of an invalid account', bent(ofWrite, { account: 'a#b' })],
    ['a write of an invalid request', bent(ofWrite, { payment_request_id: ' ' })],
    ['a write without a time', bent(ofWrite, { written_at: 'noon' })],
  ])('a message is not read that is %s', (_, body) => {
    expect(unpublishedOf(body)).toBeUndefined();
  });
});
