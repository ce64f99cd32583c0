import { describe, expect, it } from 'vitest';
import type { PublishResponse, RefusedEvent, StreamEntry } from '../../functions/application/ports.ts';
import { publishStateChanges, triedAgainFor } from '../../functions/application/publish-state-changes.ts';
import {
  republishRecord,
  republishStateChanges,
} from '../../functions/application/republish-state-changes.ts';
import { UnreadableRecordError } from '../../functions/domain/unreadable-record-error.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import type { Unpublished } from '../../functions/domain/unpublished.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, register } from '../support/sessions.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

type Refusal = Omit<RefusedEvent, 'event'>;
const forNow: Refusal = { reason: 'ThrottlingException', isPermanent: false };
const forGood: Refusal = { reason: 'NotAuthorizedForDetailTypeException', isPermanent: true };

/** An event bus that refuses some events, takes ten at a time, and sends none after events that it refuses for now. */
class Bus {
  readonly published: StateChangeEvent[] = [];
  readonly refusals = new Map<string, Refusal>();
  calls = 0;

  publish(events: readonly StateChangeEvent[]): Promise<PublishResponse> {
    this.calls += 1;
    const refused: RefusedEvent[] = [];
    for (const [index, event] of events.entries()) {
      if (index % 10 === 0 && refused.some(({ isPermanent }) => !isPermanent)) {
        return Promise.resolve({ refused, unsent: events.slice(index) });
      }
      const refusal =
        this.refusals.get(event.detail.payment_request_id ?? '') ?? this.refusals.get(event.type);
      if (refusal) refused.push({ event, ...refusal });
      else this.published.push(event);
    }
    return Promise.resolve({ refused, unsent: [] });
  }
}

/** A registered request with this number. */
function registeredAs(number: number): PaymentRequest {
  const { next } = register(recordWith({ paymentRequestId: requestId(number), version: 0 }));
  if (!next) throw new Error('not registered');
  return versioned(next);
}

const paid = (record: PaymentRequest): PaymentRequest =>
  versioned(applyObservation(record, observed('COMPLETED', '2026-03-01T12:05:00Z')).record, record);

/** The next version of a record, which makes no event. */
const renamed = (record: PaymentRequest): PaymentRequest =>
  versioned({ ...record, reference: 'order 17' }, record);

const said = (events: readonly StateChangeEvent[]) =>
  events.map(({ type, detail }) => `${(detail.payment_request_id ?? '').slice(-1)} ${type.slice(16)}`);

const saidOf = (unpublished: readonly Unpublished[]) =>
  unpublished.map((each) =>
    each.kind === 'event'
      ? `${said([each.event])[0] ?? ''}: ${each.reason}`
      : `${each.key.paymentRequestId.slice(-1)} unreadable ${each.sequenceNumber}`,
  );

const poison = new TypeError('the history is malformed');

/** Publishing on a bus, with a queue in memory, half an hour after noon. */
function publishing(bus = new Bus()) {
  const clock = new VirtualClock('2026-03-01T12:30:00Z');
  const queue: Unpublished[] = [];
  const faults: unknown[] = [];
  const unpublished = { keep: (each: Unpublished) => Promise.resolve(void queue.push(each)) };
  const dependencies = {
    publisher: bus,
    unpublished,
    clock,
    follow: () => Promise.resolve({ attempts: undefined, isDone: true }),
    followReference: () => Promise.resolve({ isDone: true }),
    onFault: ({ sequenceNumber }: Pick<StreamEntry, 'sequenceNumber'>, error: unknown) =>
      void faults.push([sequenceNumber, error]),
  };
  const entry = (
    sequenceNumber: string,
    after: PaymentRequest,
    { minutes = 1 }: { readonly minutes?: number } = {},
  ): StreamEntry => ({
    sequenceNumber,
    key: after,
    writtenAt: clock.now() - minutes * 60_000,
    read: () => after,
  });
  const poisoned = (sequenceNumber: string, after: PaymentRequest): StreamEntry => ({
    ...entry(sequenceNumber, after),
    read: () => {
      throw poison;
    },
  });
  const publish = (...entries: readonly StreamEntry[]) =>
    publishStateChanges(dependencies)(entries, clock.now() + 14_000);
  return { bus, clock, queue, faults, dependencies, entry, poisoned, publish };
}

const [one, two, three] = [registeredAs(1), registeredAs(2), registeredAs(3)];

describe('publishStateChanges, of writes that are followed', () => {
  const attempts = { paid: [one.paymentRequestId], open: [two.paymentRequestId] };
  const done = paid(one);

  it('the event of a payment names the attempts of its session', async () => {
    const { bus, dependencies, entry, clock } = publishing();
    const follow = () => Promise.resolve({ attempts, isDone: true });
    await publishStateChanges({ ...dependencies, follow })([entry('100', done)], clock.now() + 14_000);
    expect(bus.published.map(({ detail }) => [detail.paid_attempts, detail.open_attempts])).toEqual([
      [attempts.paid, attempts.open],
    ]);
  });

  it.each([
    ['a write that could not be followed comes again', 0.5, '101'],
    ['a write of more than a minute ago holds up no other one', 1.5, undefined],
  ])('%s, and its events are published all the same', async (_, minutes, retryFrom) => {
    const { bus, dependencies, entry, clock } = publishing();
    const follow = (record: PaymentRequest) =>
      Promise.resolve({ attempts: undefined, isDone: record !== done });
    const result = await publishStateChanges({ ...dependencies, follow })(
      [entry('100', two), entry('101', done, { minutes }), entry('102', three)],
      clock.now() + 14_000,
    );
    expect(result.retryFrom).toBe(retryFrom);
    expect(bus.published).toHaveLength(3);
  });
});

describe('publishStateChanges', () => {
  it('a batch of writes is published in order and is not retried', async () => {
    const { bus, publish, entry } = publishing();
    const result = await publish(
      entry('100', one),
      entry('101', two),
      entry('102', renamed(one)),
      entry('103', paid(renamed(one))),
      entry('104', paid(two)),
    );
    expect(result).toEqual({ retryFrom: undefined, published: bus.published, setAside: [] });
    expect(said(bus.published)).toEqual([
      '1 Registered',
      '2 Registered',
      '1 State Changed',
      '2 State Changed',
    ]);
    expect(bus.published.map(({ detail }) => [detail.version, detail.sequence])).toEqual([
      [1, 1],
      [1, 1],
      [3, 2],
      [2, 2],
    ]);
  });

  it('the events of a write are published whatever the history keeps', async () => {
    const { bus, publish, entry } = publishing();
    await publish(entry('100', { ...one, history: [] }), entry('101', { ...paid(one), history: [] }));
    expect(said(bus.published)).toEqual(['1 Registered', '1 State Changed']);
  });

  it('a batch is retried from the first write with an event that the bus refuses for now', async () => {
    const { bus, publish, entry, queue } = publishing();
    bus.refusals.set(two.paymentRequestId, forNow);
    const { retryFrom, published, setAside } = await publish(
      entry('100', one),
      entry('101', two),
      entry('102', three),
    );
    expect(retryFrom).toBe('101');
    expect(said(published)).toEqual(['1 Registered', '3 Registered']);
    expect([setAside, queue]).toEqual([[], []]);
  });

  it('an empty batch publishes nothing', async () => {
    const { bus, publish } = publishing();
    expect(await publish()).toEqual({ retryFrom: undefined, published: [], setAside: [] });
    expect(bus.calls).toBe(0);
  });
});

describe('what cannot be published', () => {
  it('an event that the bus refuses for good is set aside, and the others are published', async () => {
    const { bus, publish, entry, queue } = publishing();
    bus.refusals.set('Payment Request Registered', forGood);
    const { retryFrom, published, setAside } = await publish(
      entry('100', one),
      entry('101', paid(two)),
      entry('102', three),
      entry('103', paid(three)),
    );
    expect(retryFrom).toBeUndefined();
    expect(said(published)).toEqual(['2 State Changed', '3 State Changed']);
    expect(saidOf(queue)).toEqual([
      '1 Registered: NotAuthorizedForDetailTypeException',
      '3 Registered: NotAuthorizedForDetailTypeException',
    ]);
    expect(setAside).toEqual(queue);
  });

  it('a write that cannot be read is set aside with its place in the stream, and the others are published', async () => {
    const { publish, entry, poisoned, queue, faults, clock } = publishing();
    const { retryFrom, published } = await publish(
      entry('100', one),
      poisoned('101', two),
      entry('102', three),
    );
    expect(retryFrom).toBeUndefined();
    expect(said(published)).toEqual(['1 Registered', '3 Registered']);
    const { account, paymentRequestId } = two;
    expect(queue).toMatchObject([
      {
        kind: 'write',
        key: { account, paymentRequestId },
        sequenceNumber: '101',
        writtenAt: instantFromMillis(clock.now() - 60_000),
      },
    ]);
    expect(faults).toEqual([['101', poison]]);
  });

  it('a record without the parts that its events need is set aside, and the others are published', async () => {
    const { publish, entry, queue } = publishing();
    const broken = { ...two, changes: two.changes.map((each) => ({ ...each, recordedAt: undefined })) };
    const { published } = await publish(
      entry('100', broken as unknown as PaymentRequest),
      entry('101', three),
    );
    expect(said(published)).toEqual(['3 Registered']);
    expect(saidOf(queue)).toEqual(['2 unreadable 100']);
  });

  it('events that the bus refuses for now are set aside once their write is older than 15 minutes', async () => {
    expect(triedAgainFor).toBe(15 * 60_000);
    const { bus, publish, entry, queue } = publishing();
    bus.refusals.set('Payment Request Registered', forNow);
    const young = await publish(entry('100', one, { minutes: 15 }), entry('101', two));
    expect([young.retryFrom, queue]).toEqual(['100', []]);
    const old = await publish(entry('100', one, { minutes: 15.01 }), entry('101', two));
    expect(old.retryFrom).toBe('101');
    expect(saidOf(queue)).toEqual(['1 Registered: ThrottlingException']);
  });

  it('old events do not keep later ones from the bus', async () => {
    const { bus, publish, entry, queue } = publishing();
    const old = Array.from({ length: 12 }, (_, index) => registeredAs(index + 10));
    for (const { paymentRequestId } of old) bus.refusals.set(paymentRequestId, forNow);
    const { retryFrom, published } = await publish(
      ...old.map((each, index) => entry(`1${index}`, each, { minutes: 16 })),
      entry('900', one),
    );
    expect([retryFrom, said(published), queue.length]).toEqual([undefined, ['1 Registered'], 12]);
  });

  it('no call of the bus begins after the time is over, and the stream delivers the rest again', async () => {
    const { bus, dependencies, entry, clock, queue } = publishing();
    const old = Array.from({ length: 12 }, (_, index) => registeredAs(index + 10));
    for (const { paymentRequestId } of old) bus.refusals.set(paymentRequestId, forNow);
    const entries = old.map((each, index) => entry(String(100 + index), each, { minutes: 16 }));
    const { retryFrom } = await publishStateChanges(dependencies)(entries, clock.now());
    expect([retryFrom, bus.calls, queue.length]).toEqual(['110', 1, 10]);
  });

  it('nothing is set aside from a write on that the stream delivers again', async () => {
    const { bus, publish, entry, poisoned, queue } = publishing();
    bus.refusals.set(two.paymentRequestId, forNow);
    bus.refusals.set(three.paymentRequestId, forGood);
    const { retryFrom, setAside } = await publish(
      poisoned('100', one),
      entry('101', two),
      entry('102', three),
      poisoned('103', one),
    );
    expect(retryFrom).toBe('101');
    expect(saidOf(setAside)).toEqual(['1 unreadable 100']);
    expect(queue).toEqual(setAside);
  });

  it('a write is delivered again when it cannot be set aside', async () => {
    const { bus, dependencies, entry, clock, faults } = publishing();
    const fault = new Error('SQS is away');
    bus.refusals.set('Payment Request Registered', forGood);
    const unpublished = { keep: () => Promise.reject(fault) };
    const publish = publishStateChanges({ ...dependencies, unpublished });
    const { retryFrom, setAside } = await publish(
      [entry('100', paid(one)), entry('101', two), entry('102', three)],
      clock.now() + 14_000,
    );
    expect([retryFrom, setAside, faults]).toEqual(['101', [], [['101', fault]]]);
  });
});

describe('republishStateChanges', () => {
  const records = [paid(registeredAs(1)), registeredAs(2), recordWith({ paymentRequestId: requestId(3) })];
  const again = async (
    minutes: readonly [number, number],
    { isDryRun = false, refuses }: { readonly isDryRun?: boolean; readonly refuses?: PaymentRequest } = {},
    of: readonly (PaymentRequest | undefined)[] = records,
  ) => {
    const publisher = new Bus();
    if (refuses) publisher.refusals.set(refuses.paymentRequestId, forGood);
    const sinces: string[] = [];
    const changed = {
      async *changedSince(since: string) {
        sinces.push(since);
        yield* await Promise.resolve(of);
      },
    };
    const [since, until] = [afterNoon(minutes[0]), afterNoon(minutes[1])];
    const republish = republishStateChanges({ records: changed, publisher });
    const report = await republish({ since, until, isDryRun });
    expect(sinces).toEqual([since]);
    return { report, published: said(publisher.published) };
  };

  it('a republish sends every event of the records in the time range', async () => {
    expect(await again([0, 10])).toEqual({
      report: { records: 2, events: 3, refused: 0, unreadable: 0 },
      published: ['1 Registered', '1 State Changed', '2 Registered'],
    });
    expect(await again([1, 10])).toEqual({
      report: { records: 1, events: 1, refused: 0, unreadable: 0 },
      published: ['1 State Changed'],
    });
  });

  it('a republish counts the events that the bus refuses', async () => {
    const [refuses] = records;
    const { report } = await again([0, 10], refuses ? { refuses } : {});
    expect(report).toEqual({ records: 2, events: 3, refused: 2, unreadable: 0 });
  });

  it('a dry run of a republish only counts the events', async () => {
    expect(await again([0, 10], { isDryRun: true })).toEqual({
      report: { records: 2, events: 3, refused: 0, unreadable: 0 },
      published: [],
    });
  });

  it('a republish counts a record that cannot be read, and goes on', async () => {
    expect(await again([0, 10], {}, [undefined, registeredAs(1)])).toEqual({
      report: { records: 1, events: 1, refused: 0, unreadable: 1 },
      published: ['1 Registered'],
    });
  });

  it('a republish of one record sends its events of the time, and reports a record that was deleted', async () => {
    const publisher = new Bus();
    const store = {
      read: (key: { readonly paymentRequestId: string }) =>
        Promise.resolve(key.paymentRequestId === one.paymentRequestId ? paid(one) : undefined),
    };
    const republish = republishRecord({ store, publisher });
    const time = { since: afterNoon(4), until: afterNoon(6), isDryRun: false };
    expect(await republish(one, time)).toEqual({ records: 1, events: 1, refused: 0, unreadable: 0 });
    expect(said(publisher.published)).toEqual(['1 State Changed']);
    expect(await republish(two, time)).toBeUndefined();
  });

  it('a republish of one record counts a record that cannot be read, and throws any other fault', async () => {
    const time = { since: afterNoon(4), until: afterNoon(6), isDryRun: false };
    const fault = new Error('away');
    const fails = (error: Error) =>
      republishRecord({ store: { read: () => Promise.reject(error) }, publisher: new Bus() })(one, time);
    expect(await fails(new UnreadableRecordError(one, ['x']))).toEqual({
      records: 0,
      events: 0,
      refused: 0,
      unreadable: 1,
    });
    await expect(fails(fault)).rejects.toBe(fault);
  });
});
