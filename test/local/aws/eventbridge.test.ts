import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { expect, test } from 'vitest';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import { type RunningAws, startAws } from './running-aws.ts';

const entry: PutEventsRequestEntry = {
  EventBusName: 'lapse',
  Source: 'lapse',
  DetailType: 'Payment Request State Changed',
  Detail: '{"state":"CANCELED"}',
};

const put = (aws: RunningAws, ...Entries: PutEventsRequestEntry[]) =>
  aws.eventbridge.send(new PutEventsCommand({ Entries }));

test('an event is published as the target of a rule would receive it', async () => {
  const aws = await startAws();
  const { FailedEntryCount, Entries } = await put(aws, {
    ...entry,
    Time: new Date('2026-03-01T12:00:00.789Z'),
    Resources: ['krn:1'],
  });
  expect(FailedEntryCount).toBe(0);
  expect(aws.events.list()).toEqual([
    {
      version: '0',
      id: Entries?.[0]?.EventId,
      'detail-type': 'Payment Request State Changed',
      source: 'lapse',
      account: '123456789012',
      time: '2026-03-01T12:00:00Z',
      region: 'eu-north-1',
      resources: ['krn:1'],
      detail: { state: 'CANCELED' },
    },
  ]);
});

test('an event without a time has that of the local clock', async () => {
  const clock = new LocalClock();
  const aws = await startAws({ clock });
  clock.advance(365 * 86_400_000);
  const before = Math.floor(clock.now() / 1_000) * 1_000;
  await put(aws, entry);
  expect(Date.parse(aws.events.list()[0]?.time ?? '')).toBeGreaterThanOrEqual(before);
});

test('a bus is addressed by name or ARN, and is the default one where none is named', async () => {
  const aws = await startAws();
  const arn = 'arn:aws:events:eu-north-1:123456789012:event-bus/lapse';
  const response = await put(aws, { ...entry, EventBusName: arn }, { ...entry, EventBusName: undefined });
  expect(response.FailedEntryCount).toBe(0);
  const [first] = aws.events.list();
  expect(Math.abs(Date.parse(first?.time ?? '') - Date.now())).toBeLessThan(5_000);
});

test.each<[string, Partial<PutEventsRequestEntry>, string]>([
  ['detail that is not JSON', { Detail: '{' }, 'MalformedDetail'],
  ['detail that is a list', { Detail: '[]' }, 'MalformedDetail'],
  ['no detail', { Detail: undefined }, 'InvalidArgument'],
  ['no source', { Source: undefined }, 'InvalidArgument'],
  ['an unknown bus', { EventBusName: 'missing' }, 'ResourceNotFoundException'],
])('%s fails its entry and no other', async (_, fields, code) => {
  const aws = await startAws();
  const response = await put(aws, entry, { ...entry, ...fields }, entry);
  expect(response.FailedEntryCount).toBe(1);
  expect(response.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([undefined, code, undefined]);
  expect(aws.events.list()).toHaveLength(2);
});

test('PutEvents accepts at most ten entries and 1 MB', async () => {
  const aws = await startAws();
  const name = 'ValidationException';
  await expect(put(aws)).rejects.toMatchObject({ name });
  await expect(put(aws, ...Array.from({ length: 11 }, () => entry))).rejects.toMatchObject({ name });
  const half = JSON.stringify({ text: 'x'.repeat(524_288) });
  await expect(put(aws, { ...entry, Detail: half }, { ...entry, Detail: half })).rejects.toMatchObject({
    name,
  });
  expect(aws.events.list()).toEqual([]);
  expect((await put(aws, { ...entry, Detail: half })).FailedEntryCount).toBe(0);
});

test('a follower gets the published events and then each new one', async () => {
  const aws = await startAws();
  const leaving = new AbortController();
  await put(aws, { ...entry, Detail: '{"n":1}' }, { ...entry, Detail: '{"n":2}' });
  const seen: unknown[] = [];
  let third: Promise<unknown> | undefined;
  for await (const text of aws.events.follow(leaving.signal)) {
    const { detail } = JSON.parse(text) as { detail: { n: number } };
    seen.push(detail.n);
    if (detail.n === 2) third = put(aws, { ...entry, Detail: '{"n":3}' });
    if (detail.n === 3) leaving.abort();
  }
  await third;
  expect(seen).toEqual([1, 2, 3]);
});

test('a long log is read as a whole', async () => {
  const aws = await startAws();
  const ten = Array.from({ length: 10 }, () => entry);
  await Promise.all(Array.from({ length: 51 }, () => put(aws, ...ten)));
  expect(aws.events.list()).toHaveLength(510);
});

test('a follower ends when the server closes', async () => {
  const aws = await startAws();
  const following = aws.events.follow(new AbortController().signal).next();
  await aws.close();
  expect(await following).toEqual({ done: true, value: undefined });
});
