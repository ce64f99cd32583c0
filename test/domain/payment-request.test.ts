import { describe, expect, it } from 'vitest';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import {
  asNextVersion,
  emptyReadLimit,
  type HistoryEntry,
  historyLimit,
  isKlarnaExpiryEarly,
  isUnsettled,
  type PaymentRequest,
  unknownPaymentRequest,
  withEntry,
} from '../../functions/domain/payment-request.ts';
import { at, key, noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, registered, session } from '../support/sessions.ts';

const entry = (id: number | string, fields: Partial<HistoryEntry> = {}): HistoryEntry => ({
  eventId: ownEventId('test', String(id)),
  kind: 'sweep',
  recordedAt: noon,
  effect: 'noted',
  detail: {},
  ...fields,
});

const full = Array.from({ length: historyLimit }, (_, id) => entry(id)).reduce<PaymentRequest>(
  withEntry,
  recordWith(),
);

describe('the history', () => {
  it('has each event once', () => {
    const once = withEntry(recordWith(), entry(1));
    expect(withEntry(once, entry(1, { effect: 'applied' }))).toBe(once);
  });

  it('stays in order within one moment, and when a clock goes back', () => {
    const back = entry(3, { recordedAt: plusMillis(noon, -5000) });
    const later = entry(4, { recordedAt: plusMillis(noon, 5000) });
    const record = [entry(1), entry(2), back, later].reduce(withEntry, recordWith());
    expect(record.history.map((each) => [each.eventId, each.recordedAt])).toEqual([
      ['test:1', noon],
      ['test:2', at('2026-03-01T12:00:00.000000001Z')],
      ['test:3', at('2026-03-01T12:00:00.000000002Z')],
      ['test:4', at('2026-03-01T12:00:05Z')],
    ]);
  });

  it('leaves the record that it was made from alone', () => {
    const before = recordWith();
    withEntry(before, entry(1));
    expect(before.history).toEqual([]);
  });

  it('counts what changed nothing when it is full', () => {
    expect(full.history).toHaveLength(historyLimit);
    expect(full.historyDropped).toBe(0);
    const more = withEntry(withEntry(full, entry('a', { effect: 'stale' })), entry('b'));
    expect(more.history).toHaveLength(historyLimit);
    expect(more.historyDropped).toBe(2);
  });

  it.each<Partial<HistoryEntry>>([
    { effect: 'applied' },
    { effect: 'contradicting' },
    { effect: 'noted', attention: 'klarna_denied' },
  ])('keeps what matters even when it is full: %j', (fields) => {
    const more = withEntry(full, entry('a', fields));
    expect(more.history).toHaveLength(historyLimit + 1);
    expect(more.historyDropped).toBe(0);
  });
});

describe('reads that show once more what is known', () => {
  const submitted = withEntry(
    withEntry(full, entry('first', { kind: 'webhook', effect: 'applied', state: 'SUBMITTED' })),
    entry('stale', { kind: 'webhook', effect: 'contradicting', state: 'CANCELED' }),
  );
  const shown = (fields: Partial<HistoryEntry>) =>
    withEntry(submitted, entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED', ...fields }));

  it('are counted when it is full', () => {
    const record = shown({});
    expect([record.history.length, record.historyDropped]).toEqual([submitted.history.length, 1]);
  });

  it.each<Partial<HistoryEntry>>([
    { state: 'IN_PROGRESS' },
    { kind: 'webhook' },
    { attention: 'canceled_after_completed' },
  ])('are kept with news: %j', (fields) => {
    const record = shown(fields);
    expect([record.history.length, record.historyDropped]).toEqual([submitted.history.length + 1, 0]);
  });

  it('are kept where no change is known', () => {
    const read = entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED' });
    expect(withEntry(full, read).history).toHaveLength(historyLimit + 1);
  });

  it('are kept while there is room', () => {
    const known = withEntry(
      recordWith(),
      entry('first', { kind: 'webhook', effect: 'applied', state: 'SUBMITTED' }),
    );
    const read = entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED' });
    expect(withEntry(known, read).history).toHaveLength(2);
  });
});

describe('reads that said nothing', () => {
  const reads = (count: number) =>
    Array.from({ length: count }, (_, id) => entry(`read ${id}`, { kind: 'read' })).reduce<PaymentRequest>(
      withEntry,
      recordWith(),
    );

  it('are kept up to a bound, and then counted', () => {
    const record = reads(emptyReadLimit);
    expect([record.history.length, record.historyDropped]).toEqual([emptyReadLimit, 0]);
    const more = withEntry(record, entry('one more', { kind: 'read' }));
    expect([more.history.length, more.historyDropped]).toEqual([emptyReadLimit, 1]);
  });

  it('are kept among as many others', () => {
    const others = Array.from({ length: emptyReadLimit }, (_, id) => entry(id)).reduce<PaymentRequest>(
      withEntry,
      recordWith(),
    );
    expect(withEntry(others, entry('read', { kind: 'read' })).history).toHaveLength(emptyReadLimit + 1);
  });

  it.each<Partial<HistoryEntry>>([
    { kind: 'cancel' },
    { kind: 'cancel_request' },
    { kind: 'read', effect: 'stale' },
    { kind: 'read', attention: 'not_found' },
  ])('leave room for others: %j', (fields) => {
    const record = withEntry(reads(emptyReadLimit), entry('another', fields));
    expect([record.history.length, record.historyDropped]).toEqual([emptyReadLimit + 1, 0]);
  });
});

it('a record of which nothing is known has version 0 and nothing in it', () => {
  expect(unknownPaymentRequest(key, noon)).toEqual({
    ...key,
    timer: 'none',
    attempts: 0,
    history: [],
    historyDropped: 0,
    version: 0,
    createdAt: noon,
    updatedAt: noon,
  });
});

it('every change is the next version, at its time', () => {
  const later = plusMillis(noon, 1);
  expect(asNextVersion(recordWith({ version: 6 }), later)).toEqual(
    recordWith({ version: 7, updatedAt: later }),
  );
});

it.each([
  [undefined, false],
  ['claimed', true],
  ['pending', true],
  ['canceled', false],
  ['already_canceled', false],
  ['refused', false],
  ['not_found', false],
] as const)('a cancel that is %s is unsettled: %s', (outcome, unsettled) => {
  const cancellation = outcome && {
    outcome,
    cause: 'api' as const,
    requestedBy: 'someone',
    requestedAt: noon,
    allowCompleted: false,
    sentBefore: false,
  };
  expect(isUnsettled(recordWith({ cancellation }))).toBe(unsettled);
});

describe("an expiry of ours at Klarna's", () => {
  const withNet = (minutes: number, fields: Partial<PaymentRequest> = {}, onTimeout = session.onTimeout) => {
    const askedFor = afterNoon(minutes);
    return registered({
      session: { ...session, onTimeout, klarnaExpiry: { askedFor, shown: askedFor } },
      ...fields,
    });
  };

  it.each<[string, PaymentRequest, boolean]>([
    ['comes before the deadline', withNet(29), true],
    ['comes with it', withNet(30), false],
    ['is not there', registered(), false],
    ['has no deadline to come before', withNet(29, { deadlineAt: undefined }), false],
    ['cannot be moved, since the customer has begun', withNet(29, { state: 'IN_PROGRESS' }), false],
    ['comes before the longest, and nothing is to end the session', withNet(30, {}, 'observe'), true],
    ['is the longest, and nothing is to end the session', withNet(48 * 60, {}, 'observe'), false],
  ])('that %s is early: %#', (_, record, early) => {
    expect(isKlarnaExpiryEarly(record)).toBe(early);
  });
});
