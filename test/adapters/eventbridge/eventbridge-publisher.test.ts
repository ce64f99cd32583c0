import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { EventBridgePublisher } from '../../../functions/adapters/eventbridge/eventbridge-publisher.ts';
import type { PublishResponse } from '../../../functions/application/ports.ts';
import { eventsOf, type StateChangeEvent } from '../../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import { notAllowed, rejected, throttled } from '../../support/aws-faults.ts';
import { key, observed, recordWith, versioned } from '../../support/fixtures.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new EventBridgeClient({ region: 'eu-north-1' });
const bus = mockClient(client);
let clock: VirtualClock;
let publisher: EventBridgePublisher;
let faults: unknown[];

beforeEach(() => {
  bus.reset();
  clock = new VirtualClock();
  faults = [];
  publisher = new EventBridgePublisher({
    client,
    busName: 'lapse-events',
    clock,
    onFault: (error) => void faults.push(error),
  });
});

const before = recordWith();
const observation = observed('CANCELED', '2026-03-01T12:00:00.123456789Z');
const [change] = eventsOf(versioned(applyObservation(before, observation).record, before));

/** So many events, each with its own key. */
function events(count: number): readonly StateChangeEvent[] {
  if (!change) throw new Error('there is no event');
  return Array.from({ length: count }, (_, index) => ({
    ...change,
    detail: { ...change.detail, event_key: `event-${index}` },
  }));
}

const allPublished = { refused: [], unsent: [] };

/** The events that a response names, by their keys. */
const keysIn = ({ refused, unsent }: PublishResponse) => ({
  refused: refused.map(({ event, reason, isPermanent }) => [event.detail.event_key, reason, isPermanent]),
  unsent: keysOf(unsent),
});

const keysOf = (list: readonly StateChangeEvent[]) => list.map((event) => event.detail.event_key);

/** The event keys of every call, in order. */
const sent = () =>
  bus.commandCalls(PutEventsCommand).map((call) =>
    (call.args[0].input.Entries ?? []).map((entry) => {
      const { event_key } = JSON.parse(entry.Detail ?? '{}') as { event_key: string };
      return event_key;
    }),
  );

/** A bus that refuses each of these events so many times, with this code. */
function refusing(times: Readonly<Record<string, number>>, code = 'ThrottlingException'): void {
  const left = { ...times };
  bus.on(PutEventsCommand).callsFake((input: { Entries: { Detail: string }[] }) => {
    const Entries = input.Entries.map(({ Detail }) => {
      const { event_key } = JSON.parse(Detail) as { event_key: string };
      const refused = (left[event_key] ?? 0) > 0;
      if (refused) left[event_key] = (left[event_key] ?? 0) - 1;
      return refused ? { ErrorCode: code, ErrorMessage: 'no' } : { EventId: event_key };
    });
    return { Entries, FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length };
  });
}

describe('the publisher', () => {
  it('the publisher sends each event unchanged to the bus of the stack', async () => {
    refusing({});
    const [event] = events(1);
    expect(await publisher.publish(event ? [event] : [])).toEqual(allPublished);
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
    expect(await publisher.publish([])).toEqual(allPublished);
    expect(bus.calls()).toHaveLength(0);
  });

  it.each([
    [10, [10]],
    [11, [10, 1]],
    [25, [10, 10, 5]],
  ])('the publisher sends %i events in order, at most ten in a call', async (count, sizes) => {
    refusing({});
    expect(await publisher.publish(events(count))).toEqual(allPublished);
    expect(sent().map((batch) => batch.length)).toEqual(sizes);
    expect(sent().flat()).toEqual(keysOf(events(count)));
  });
});

describe('the publisher on a bus that refuses entries', () => {
  it('the publisher retries only the refused events, in order, after a pause', async () => {
    refusing({ 'event-1': 1, 'event-3': 2 });
    const begun = clock.now();
    expect(await publisher.publish(events(5))).toEqual(allPublished);
    expect(sent()).toEqual([
      ['event-0', 'event-1', 'event-2', 'event-3', 'event-4'],
      ['event-1', 'event-3'],
      ['event-3'],
    ]);
    expect(clock.now()).toBeGreaterThan(begun);
  });

  it('the publisher returns events that stay refused for now, and sends none after them', async () => {
    refusing({ 'event-4': 99, 'event-7': 99 });
    expect(keysIn(await publisher.publish(events(23)))).toEqual({
      refused: [
        ['event-4', 'ThrottlingException', false],
        ['event-7', 'ThrottlingException', false],
      ],
      unsent: keysOf(events(23)).slice(10),
    });
    expect(sent().map((batch) => batch.length)).toEqual([10, 2, 2]);
  });

  it('the publisher returns no event of an earlier batch', async () => {
    refusing({ 'event-12': 99 });
    expect(keysIn(await publisher.publish(events(15)))).toEqual({
      refused: [['event-12', 'ThrottlingException', false]],
      unsent: [],
    });
  });

  it.each(['InternalFailure', 'ThrottlingException', 'SomethingNew'])(
    'the publisher sends an event again that is refused with %s',
    async (code) => {
      refusing({ 'event-0': 1 }, code);
      expect(await publisher.publish(events(1))).toEqual(allPublished);
    },
  );

  it.each([
    'AccessDeniedException',
    'InvalidAccountIdException',
    'InvalidArgument',
    'MalformedDetail',
    'NotAuthorizedForDetailTypeException',
    'NotAuthorizedForSourceException',
    'RedactionFailure',
  ])('the publisher goes on after an event that is refused for good, with %s', async (code) => {
    refusing({ 'event-4': 99 }, code);
    expect(keysIn(await publisher.publish(events(23)))).toEqual({
      refused: [['event-4', code, true]],
      unsent: [],
    });
    expect(sent().map((batch) => batch.length)).toEqual([10, 10, 3]);
    expect(clock.waits).toEqual([]);
  });

  it('the publisher treats all events as refused for now when the response does not name them', async () => {
    bus.on(PutEventsCommand).resolves({});
    const { refused } = keysIn(await publisher.publish(events(2)));
    expect(refused).toEqual([
      ['event-0', 'NoResult', false],
      ['event-1', 'NoResult', false],
    ]);
  });
});

describe('the publisher, when a whole call fails', () => {
  it('the publisher does not repeat the call, reports the fault, and returns all events as refused for now', async () => {
    bus.rejects(throttled);
    expect(keysIn(await publisher.publish(events(12)))).toEqual({
      refused: keysOf(events(10)).map((each) => [each, throttled.name, false]),
      unsent: ['event-10', 'event-11'],
    });
    expect([bus.calls().length, faults]).toEqual([1, [throttled]]);
  });

  it('the publisher throws what its owner throws for the fault', async () => {
    bus.rejects(notAllowed);
    const strict = new EventBridgePublisher({
      client,
      busName: 'lapse-events',
      clock,
      onFault: (error) => {
        throw error;
      },
    });
    await expect(strict.publish(events(1))).rejects.toBe(notAllowed);
  });

  /** A bus for which a call with one of these events is invalid, and that throttles a call with one of the others alone. */
  function withInvalid(invalid: readonly string[], throttling: readonly string[] = []): void {
    bus.on(PutEventsCommand).callsFake((input: { Entries: { Detail: string }[] }) => {
      const keys = input.Entries.map(({ Detail }) => (JSON.parse(Detail) as { event_key: string }).event_key);
      if (keys.some((each) => invalid.includes(each))) throw rejected;
      if (keys.length === 1 && throttling.includes(keys[0] ?? '')) throw throttled;
      return { Entries: keys.map((EventId) => ({ EventId })) };
    });
  }

  it('the publisher finds the one event that makes a call invalid, and publishes the others', async () => {
    withInvalid(['event-3']);
    expect(keysIn(await publisher.publish(events(12)))).toEqual({
      refused: [['event-3', 'ValidationException', true]],
      unsent: [],
    });
    expect(sent().map((batch) => batch.length)).toEqual([10, ...Array.from({ length: 10 }, () => 1), 2]);
    expect(faults).toEqual([]);
  });

  it('the publisher stops sending one by one when the bus stops responding', async () => {
    withInvalid(['event-1'], ['event-2']);
    expect(keysIn(await publisher.publish(events(5)))).toEqual({
      refused: [
        ['event-1', 'ValidationException', true],
        ['event-2', throttled.name, false],
        ['event-3', throttled.name, false],
        ['event-4', throttled.name, false],
      ],
      unsent: [],
    });
    expect(faults).toEqual([throttled]);
  });
});
