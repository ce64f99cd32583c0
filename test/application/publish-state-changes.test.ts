import { describe, expect, it } from 'vitest';
import {
  publishStateChanges,
  type WrittenChange,
} from '../../functions/application/publish-state-changes.ts';
import { republishStateChanges } from '../../functions/application/republish-state-changes.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { observed, recordWith } from '../support/fixtures.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { afterNoon, register } from '../support/sessions.ts';

/** An event bus that refuses the events of some requests. */
class Bus {
  readonly published: StateChangeEvent[] = [];
  readonly refuses = new Set<string>();

  publish(events: readonly StateChangeEvent[]): Promise<readonly StateChangeEvent[]> {
    const refused = events.filter(({ detail }) => this.refuses.has(detail.payment_request_id));
    this.published.push(...events.filter((event) => !refused.includes(event)));
    return Promise.resolve(refused);
  }
}

/** A registered request with this number. */
function registeredAs(number: number): PaymentRequest {
  const { next } = register(recordWith({ paymentRequestId: requestId(number), version: 0 }));
  if (!next) throw new Error('not registered');
  return next;
}

const paid = (record: PaymentRequest): PaymentRequest =>
  applyObservation(record, observed('COMPLETED', '2026-03-01T12:05:00Z')).record;

const said = (events: readonly StateChangeEvent[]) =>
  events.map(({ type, detail }) => `${detail.payment_request_id.slice(-1)} ${type.slice(16)}`);

describe('publishStateChanges', () => {
  const [one, two] = [registeredAs(1), registeredAs(2)];
  const changes: readonly WrittenChange[] = [
    { sequenceNumber: '100', before: undefined, after: one },
    { sequenceNumber: '101', before: undefined, after: two },
    { sequenceNumber: '102', before: one, after: { ...one, version: 2 } },
    { sequenceNumber: '103', before: one, after: paid(one) },
    { sequenceNumber: '104', before: two, after: paid(two) },
  ];
  const all = ['1 Registered', '2 Registered', '1 State Changed', '2 State Changed'];

  it('a batch of writes is published in order and is not retried', async () => {
    const publisher = new Bus();
    const { retryFrom, published } = await publishStateChanges({ publisher })(changes);
    expect(retryFrom).toBeUndefined();
    expect(said(publisher.published)).toEqual(all);
    expect(published).toEqual(publisher.published);
  });

  it('a batch is retried from the first write with a refused event', async () => {
    const publisher = new Bus();
    publisher.refuses.add(two.paymentRequestId);
    const { retryFrom, published } = await publishStateChanges({ publisher })(changes);
    expect(retryFrom).toBe('101');
    expect(said(published)).toEqual(['1 Registered', '1 State Changed']);
  });

  it('an empty batch publishes nothing', async () => {
    const publisher = new Bus();
    expect(await publishStateChanges({ publisher })([])).toEqual({ retryFrom: undefined, published: [] });
  });
});

describe('republishStateChanges', () => {
  const records = [paid(registeredAs(1)), registeredAs(2), recordWith({ paymentRequestId: requestId(3) })];
  const again = async (minutes: readonly [number, number], isDryRun = false, refuses?: PaymentRequest) => {
    const publisher = new Bus();
    if (refuses) publisher.refuses.add(refuses.paymentRequestId);
    const sinces: string[] = [];
    const changed = {
      async *changedSince(since: string) {
        sinces.push(since);
        yield* await Promise.resolve(records);
      },
    };
    const [since, until] = [afterNoon(minutes[0]), afterNoon(minutes[1])];
    const republish = republishStateChanges({ records: changed, publisher });
    const report = await republish(since, until, isDryRun);
    expect(sinces).toEqual([since]);
    return { report, published: said(publisher.published) };
  };

  it('a republish sends every event of the records in the time range', async () => {
    expect(await again([0, 10])).toEqual({
      report: { records: 2, events: 3, refused: 0 },
      published: ['1 Registered', '1 State Changed', '2 Registered'],
    });
    expect(await again([1, 10])).toEqual({
      report: { records: 1, events: 1, refused: 0 },
      published: ['1 State Changed'],
    });
  });

  it('a republish counts the events that the bus refuses', async () => {
    expect((await again([0, 10], false, records[0])).report).toEqual({ records: 2, events: 3, refused: 2 });
  });

  it('a dry run of a republish only counts the events', async () => {
    expect(await again([0, 10], true)).toEqual({
      report: { records: 2, events: 3, refused: 0 },
      published: [],
    });
  });
});
