import { describe, expect, it } from 'vitest';
import { type Acknowledged, brokenOf, type Evidence } from './durability-checks.ts';
import type { Session } from './load.ts';

const deadline = '2026-03-01T12:00:00.000Z';

const session: Session = {
  id: 'krn:payment:eu1:request:1',
  promised: [{ kind: 'deadline', at: deadline }],
  approved: false,
};

const webhook = (id: string): Acknowledged => ({ id, saysCanceled: false });

/** A session that ran out of time and was canceled a second later. */
const sound: Evidence = {
  record: {
    state: 'CANCELED',
    deadline_at: deadline,
    cancellation: { cause: 'timeout', outcome: 'canceled' },
  },
  history: {
    dropped: 0,
    entries: [
      { event_id: 'registered', kind: 'register', effect: 'accepted', evidence: { deadline_at: deadline } },
      { event_id: 'submitted', kind: 'webhook', effect: 'applied', evidence: {} },
    ],
  },
  truth: { state: 'CANCELED', updated_at: '2026-03-01T12:00:01.000000000Z' },
};

it('brokenOf finds nothing when every promise is kept', () => {
  expect(brokenOf(session, [webhook('submitted')], sound, 0)).toEqual([]);
});

it('brokenOf accepts that a webhook about our own cancel is not in the history', () => {
  const canceled = { id: 'canceled', saysCanceled: true };
  expect(brokenOf(session, [canceled], sound, 0)).toEqual([]);
  const refused = { ...sound, record: { ...sound.record, cancellation: { outcome: 'refused' } } };
  expect(brokenOf(session, [canceled], refused, 0)).toHaveLength(1);
});

describe('brokenOf, for a broken promise', () => {
  it.each([
    ['a webhook that was acknowledged and forgotten', session, [webhook('lost')], sound],
    [
      'a deadline that was acknowledged and not written',
      { ...session, promised: [{ kind: 'deadline', at: '2026-03-01T13:00:00.000Z' }] },
      [],
      sound,
    ],
    [
      'a deadline whose change was refused in truth',
      session,
      [],
      {
        ...sound,
        history: {
          dropped: 0,
          entries: [{ kind: 'extend', effect: 'refused', evidence: { deadline_at: deadline } }],
        },
      },
    ],
    [
      'a cancel that was acknowledged and is none',
      { ...session, promised: [{ kind: 'canceled' }] },
      [],
      { ...sound, truth: { ...sound.truth, state: 'EXPIRED' } },
    ],
    ['a payment that was taken away', { ...session, approved: true }, [], sound],
    [
      'a timer that was early',
      session,
      [],
      { ...sound, truth: { ...sound.truth, updated_at: '2026-03-01T11:59:59.000000000Z' } },
    ],
  ] satisfies [string, Session, Acknowledged[], Evidence][])(
    'brokenOf finds %s',
    (_, promised, events, evidence) => {
      expect(brokenOf(promised, events, evidence, 0)).toHaveLength(1);
    },
  );
});

it('brokenOf accepts a timer that is early by the clock skew only', () => {
  const early = { ...sound, truth: { ...sound.truth, updated_at: '2026-03-01T11:59:59.000000000Z' } };
  expect(brokenOf(session, [], early, 1_000)).toEqual([]);
  expect(brokenOf(session, [], early, 999)).toHaveLength(1);
});
