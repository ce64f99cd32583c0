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

describe('withEntry', () => {
  it('the history has each event once', () => {
    const once = withEntry(recordWith(), entry(1));
    expect(withEntry(once, entry(1, { effect: 'applied' }))).toBe(once);
  });

  it('the history stays in order within one moment and when a clock goes back', () => {
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

  it('adding an entry does not change the given record', () => {
    const before = recordWith();
    withEntry(before, entry(1));
    expect(before.history).toEqual([]);
  });

  it('a full history counts entries that changed nothing', () => {
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
  ])('a full history still stores an entry that matters: %j', (fields) => {
    const more = withEntry(full, entry('a', fields));
    expect(more.history).toHaveLength(historyLimit + 1);
    expect(more.historyDropped).toBe(0);
  });
});

describe('reads that confirm the known state', () => {
  const submitted = withEntry(
    withEntry(full, entry('first', { kind: 'webhook', effect: 'applied', state: 'SUBMITTED' })),
    entry('stale', { kind: 'webhook', effect: 'contradicting', state: 'CANCELED' }),
  );
  const shown = (fields: Partial<HistoryEntry>) =>
    withEntry(submitted, entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED', ...fields }));

  it('a full history counts a read that confirms the known state', () => {
    const record = shown({});
    expect([record.history.length, record.historyDropped]).toEqual([submitted.history.length, 1]);
  });

  it.each<Partial<HistoryEntry>>([
    { state: 'IN_PROGRESS' },
    { kind: 'webhook' },
    { attention: 'canceled_after_completed' },
  ])('a full history stores a read with news: %j', (fields) => {
    const record = shown(fields);
    expect([record.history.length, record.historyDropped]).toEqual([submitted.history.length + 1, 0]);
  });

  it('a full history stores a read if it holds no change of state', () => {
    const read = entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED' });
    expect(withEntry(full, read).history).toHaveLength(historyLimit + 1);
  });

  it('a read that confirms the known state is stored while there is room', () => {
    const known = withEntry(
      recordWith(),
      entry('first', { kind: 'webhook', effect: 'applied', state: 'SUBMITTED' }),
    );
    const read = entry('again', { kind: 'read', effect: 'applied', state: 'SUBMITTED' });
    expect(withEntry(known, read).history).toHaveLength(2);
  });
});

describe('reads without a state', () => {
  const reads = (count: number) =>
    Array.from({ length: count }, (_, id) => entry(`read ${id}`, { kind: 'read' })).reduce<PaymentRequest>(
      withEntry,
      recordWith(),
    );

  it('reads without a state are stored up to a limit and then counted', () => {
    const record = reads(emptyReadLimit);
    expect([record.history.length, record.historyDropped]).toEqual([emptyReadLimit, 0]);
    const more = withEntry(record, entry('one more', { kind: 'read' }));
    expect([more.history.length, more.historyDropped]).toEqual([emptyReadLimit, 1]);
  });

  it('the limit of reads without a state does not count other entries', () => {
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
  ])('reads without a state leave room for other entries: %j', (fields) => {
    const record = withEntry(reads(emptyReadLimit), entry('another', fields));
    expect([record.history.length, record.historyDropped]).toEqual([emptyReadLimit + 1, 0]);
  });
});

it('an unknown request has version 0 and no contents', () => {
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

it('asNextVersion increments the version and sets the time of the change', () => {
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

describe('isKlarnaExpiryEarly', () => {
  const withNet = (minutes: number, fields: Partial<PaymentRequest> = {}, onTimeout = session.onTimeout) => {
    const askedFor = afterNoon(minutes);
    return registered({
      session: { ...session, onTimeout, klarnaExpiry: { askedFor, shown: askedFor } },
      ...fields,
    });
  };

  it.each<[string, PaymentRequest, boolean]>([
    ['is before the deadline', withNet(29), true],
    ['is at the deadline', withNet(30), false],
    ['was never set', registered(), false],
    ['belongs to a session without a deadline', withNet(29, { deadlineAt: undefined }), false],
    ['cannot move because the customer has started to pay', withNet(29, { state: 'IN_PROGRESS' }), false],
    ['is before the longest time of an observed session', withNet(30, {}, 'observe'), true],
    ['is at the longest time of an observed session', withNet(48 * 60, {}, 'observe'), false],
  ])('isKlarnaExpiryEarly compares an expiry that %s', (_, record, early) => {
    expect(isKlarnaExpiryEarly(record)).toBe(early);
  });
});
