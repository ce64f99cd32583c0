import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import { changeOf } from '../../functions/domain/change.ts';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, register, registered, settledWith } from '../support/sessions.ts';

const later = '2026-03-01T12:05:00Z';
const seen = (record: PaymentRequest, ...facts: readonly Observation[]) =>
  facts.reduce((known, each) => applyObservation(known, each).record, record);
const entry = (fields: Partial<HistoryEntry> = {}): HistoryEntry => ({
  eventId: ownEventId('test', '1'),
  kind: 'sweep',
  recordedAt: afterNoon(7),
  effect: 'noted',
  detail: {},
  ...fields,
});
const changes = (before: PaymentRequest | undefined, after: PaymentRequest) =>
  changesBetween(before, after).map(({ kind, state, previousState }) => [kind, state, previousState]);

describe('changesBetween', () => {
  it('a change has the event, the states and the times of its entry', () => {
    const fact = observed('COMPLETED', later, { previousState: 'IN_PROGRESS', observedAt: afterNoon(6) });
    expect(changesBetween(recordWith(), seen(recordWith(), fact))).toEqual([
      {
        kind: 'state_changed',
        eventId: fact.eventId,
        state: 'COMPLETED',
        previousState: 'IN_PROGRESS',
        occurredAt: afterNoon(5),
        recordedAt: afterNoon(6),
      },
    ]);
  });

  it('the first registration of a session is a change, and no later one is', () => {
    const { next } = register(undefined);
    expect(next && changes(undefined, next)).toEqual([['registered', undefined, undefined]]);
    const joined = register(recordWith({ state: 'SUBMITTED' })).next;
    expect(joined && changes(recordWith({ state: 'SUBMITTED' }), joined)).toEqual([
      ['registered', 'SUBMITTED', undefined],
    ]);
    const again = register(registered(), { reference: 'order 18' }).next;
    expect(again && changes(registered(), again)).toEqual([]);
    const paid = recordWith({ state: 'COMPLETED' });
    const refused = register(paid).next;
    expect(refused && changes(paid, refused)).toEqual([]);
  });

  it.each<[string, readonly Observation[], readonly unknown[]]>([
    ['a first state', [observed('SUBMITTED')], [['state_changed', 'SUBMITTED', undefined]]],
    [
      'several states in one write, each after the one before',
      [observed('SUBMITTED'), observed('COMPLETED', later)],
      [
        ['state_changed', 'SUBMITTED', undefined],
        ['state_changed', 'COMPLETED', 'SUBMITTED'],
      ],
    ],
    [
      'a state twice in one write',
      [observed('SUBMITTED'), observed('SUBMITTED', later)],
      [['state_changed', 'SUBMITTED', undefined]],
    ],
    [
      'a stale state',
      [observed('IN_PROGRESS', later), observed('SUBMITTED')],
      [['state_changed', 'IN_PROGRESS', undefined]],
    ],
    [
      'a contradiction',
      [observed('CANCELED'), observed('EXPIRED', later)],
      [
        ['state_changed', 'CANCELED', undefined],
        ['needs_attention', 'CANCELED', undefined],
      ],
    ],
    [
      'an end before the payment',
      [observed('COMPLETED', later), observed('CANCELED')],
      [
        ['state_changed', 'COMPLETED', undefined],
        ['state_changed', 'CANCELED', 'COMPLETED'],
        ['needs_attention', 'CANCELED', undefined],
      ],
    ],
  ])('a write of %s makes its changes', (_, facts, expected) => {
    expect(changes(recordWith(), seen(recordWith(), ...facts))).toEqual(expected);
  });

  it('a state without a previous state from Klarna has that of the record before', () => {
    const before = seen(recordWith(), observed('SUBMITTED'));
    expect(changes(before, seen(before, observed('COMPLETED', later)))).toEqual([
      ['state_changed', 'COMPLETED', 'SUBMITTED'],
    ]);
    const told = observed('COMPLETED', later, { previousState: 'IN_PROGRESS' });
    expect(changes(before, seen(before, told))).toEqual([['state_changed', 'COMPLETED', 'IN_PROGRESS']]);
  });

  it('entries that the record before had make no change', () => {
    const record = seen(recordWith(), observed('SUBMITTED'), observed('COMPLETED', later));
    expect(changesBetween(record, { ...record, reference: 'order 17' })).toEqual([]);
  });

  it.each<[string, Partial<HistoryEntry>, readonly unknown[]]>([
    ['a note', {}, []],
    ['a claim', { kind: 'cancel_request', effect: 'accepted' }, []],
    ['a failed claim', { kind: 'cancel_request', effect: 'noted' }, []],
    [
      'a refused cancel',
      { kind: 'cancel_request', effect: 'refused' },
      [['cancel_refused', 'COMPLETED', 'IN_PROGRESS']],
    ],
    ['a refused extension', { kind: 'extend', effect: 'refused' }, []],
    ['an accepted extension', { kind: 'extend', effect: 'accepted' }, []],
    ['an accepted expiry', { kind: 'klarna_expiry', effect: 'accepted' }, []],
    ['a timer', { kind: 'timer' }, []],
    [
      'a failed claim that needs attention',
      { kind: 'cancel_request', effect: 'noted', attention: 'klarna_denied' },
      [['needs_attention', 'COMPLETED', 'IN_PROGRESS']],
    ],
    [
      'a refused cancel that needs attention',
      { kind: 'cancel_request', effect: 'refused', attention: 'contradiction' },
      [
        ['cancel_refused', 'COMPLETED', 'IN_PROGRESS'],
        ['needs_attention', 'COMPLETED', 'IN_PROGRESS'],
      ],
    ],
  ])('%s of a paid request makes its changes', (_, fields, expected) => {
    const before = recordWith({
      state: 'COMPLETED',
      previousState: 'IN_PROGRESS',
      cancellation: settledWith({ outcome: 'refused' }),
    });
    const list = changesBetween(before, withEntry(before, entry(fields)));
    expect(list.map(({ kind, state, previousState }) => [kind, state, previousState])).toEqual(expected);
    for (const each of list) expect(each).toMatchObject({ eventId: 'test:1', recordedAt: afterNoon(7) });
    expect(list.filter(({ kind }) => kind === 'needs_attention').map(({ attention }) => attention)).toEqual(
      fields.attention ? [fields.attention] : [],
    );
  });

  it('a write makes the same changes however its facts are divided into writes, but for states that are replaced', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        const together = changesBetween(recordWith(), seen(recordWith(), ...one));
        const singly: (typeof together)[number][] = [];
        let record = recordWith();
        for (const each of one) {
          const next = seen(record, each);
          singly.push(...changesBetween(record, next));
          record = next;
        }
        const keys = (list: typeof together) => list.map(({ kind, eventId }) => `${kind} ${eventId}`);
        expect(keys(together)).toEqual(keys(singly));
        expect(together.at(-1)?.state).toBe(record.state);
      }),
    );
  });
});

it('a change of an entry without a time of Klarna has none', () => {
  expect(changeOf('cancel_refused', entry(), { state: 'COMPLETED', previousState: undefined })).toEqual({
    kind: 'cancel_refused',
    eventId: 'test:1',
    state: 'COMPLETED',
    previousState: undefined,
    occurredAt: undefined,
    recordedAt: afterNoon(7),
  });
});
