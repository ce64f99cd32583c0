import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { EventBridgePublisher } from '../../../functions/adapters/eventbridge/eventbridge-publisher.ts';
import { eventsOf, type StateChangeEvent } from '../../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import { key, observed, recordWith } from '../../support/fixtures.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new EventBridgeClient({ region: 'eu-north-1' });
const bus = mockClient(client);
let clock: VirtualClock;
let publisher: EventBridgePublisher;

beforeEach(() => {
  bus.reset();
  clock = new VirtualClock();
  publisher = new EventBridgePublisher({ client, busName: 'lapse-events', clock });
});

const change = eventsOf(
  undefined,
  applyObservation(recordWith(), observed('CANCELED', '2026-03-01T12:00:00.123456789Z')).record,
)[0];

/** So many events, each with its own key. */
function events(count: number): readonly StateChangeEvent[] {
  if (!change) throw new Error('there is no event');
  return Array.from({ length: count }, (_, index) => ({
    ...change,
    detail: { ...change.detail, event_key: `event-${index}` },
  }));
}

const keysOf = (list: readonly StateChangeEvent[]) => list.map((event) => event.detail.event_key);

/** The event keys of every call, in order. */
const sent = () =>
  bus.commandCalls(PutEventsCommand).map((call) =>
    (call.args[0].input.Entries ?? []).map((entry) => {
      const { event_key } = JSON.parse(entry.Detail ?? '{}') as { event_key: string };
      return event_key;
    }),
  );

/** A bus that refuses each of these events so many times. */
function refusing(times: Readonly<Record<string, number>>): void {
  const left = { ...times };
  bus.on(PutEventsCommand).callsFake((input: { Entries: { Detail: string }[] }) => {
    const Entries = input.Entries.map(({ Detail }) => {
      const { event_key } = JSON.parse(Detail) as { event_key: string };
      const refused = (left[event_key] ?? 0) > 0;
      if (refused) left[event_key] = (left[event_key] ?? 0) - 1;
      return refused ? { ErrorCode: 'ThrottlingException', ErrorMessage: 'no' } : { EventId: event_key };
    });
    return { Entries, FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length };
  });
}

describe('the publisher', () => {
  it('the publisher sends each event unchanged to the bus of the stack', async () => {
    refusing({});
    const [event] = events(1);
    expect(await publisher.publish(event ? [event] : [])).toEqual([]);
    const entry = bus.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries?.[0];
    expect(entry).toMatchObject({
      EventBusName: 'lapse-events',
      Source: 'lapse',
      DetailType: 'Payment Request State Changed',
      Time: new Date('2026-03-01T12:00:00.123Z'),
      Resources: [key.paymentRequestId],
    });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual(event?.detail);
  });

  it('the publisher makes no call without events', async () => {
    expect(await publisher.publish([])).toEqual([]);
    expect(bus.calls()).toHaveLength(0);
  });

  it.each([
    [10, [10]],
    [11, [10, 1]],
    [25, [10, 10, 5]],
  ])('the publisher sends %i events in order, at most ten in a call', async (count, sizes) => {
    refusing({});
    expect(await publisher.publish(events(count))).toEqual([]);
    expect(sent().map((batch) => batch.length)).toEqual(sizes);
    expect(sent().flat()).toEqual(keysOf(events(count)));
  });
});

describe('the publisher on a bus that refuses entries', () => {
  it('the publisher retries only the refused events, in order, after a pause', async () => {
    refusing({ 'event-1': 1, 'event-3': 2 });
    const begun = clock.now();
    expect(await publisher.publish(events(5))).toEqual([]);
    expect(sent()).toEqual([
      ['event-0', 'event-1', 'event-2', 'event-3', 'event-4'],
      ['event-1', 'event-3'],
      ['event-3'],
    ]);
    expect(clock.now()).toBeGreaterThan(begun);
  });

  it('the publisher returns events that stay refused, and sends none after them', async () => {
    refusing({ 'event-4': 99, 'event-7': 99 });
    expect(keysOf(await publisher.publish(events(23)))).toEqual([
      'event-4',
      'event-7',
      ...keysOf(events(23)).slice(10),
    ]);
    expect(sent().map((batch) => batch.length)).toEqual([10, 2, 2]);
  });

  it('the publisher returns no event of an earlier batch', async () => {
    refusing({ 'event-12': 99 });
    expect(keysOf(await publisher.publish(events(15)))).toEqual(['event-12']);
  });

  it('the publisher treats all events as refused when the response does not name them', async () => {
    bus.on(PutEventsCommand).resolves({});
    expect(keysOf(await publisher.publish(events(2)))).toEqual(['event-0', 'event-1']);
  });
});

it('the publisher throws when the bus does not respond', async () => {
  const fault = new Error('throttled');
  bus.rejects(fault);
  await expect(publisher.publish(events(1))).rejects.toBe(fault);
});
