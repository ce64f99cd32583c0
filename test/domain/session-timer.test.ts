import { describe, expect, it } from 'vitest';
import {
  type TimeoutDecision,
  decideTimeout,
  graceLeft,
  shownTimer,
  withArmedTimer,
  withEarlyTimer,
  withSparedTimer,
} from '../../functions/domain/session-timer.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { OnTimeout } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { at, noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, minute, registered, session } from '../support/sessions.ts';

it.each([
  ['EXPIRED', 'pending', 'removed'],
  ['CANCELED', 'armed', 'removed'],
  ['DECLINED', 'sweep', 'removed'],
  ['EXPIRED', 'fired', 'fired'],
  ['EXPIRED', 'none', 'none'],
  ['COMPLETED', 'armed', 'armed'],
  ['SUBMITTED', 'sweep', 'sweep'],
  [undefined, 'pending', 'pending'],
] as const)('the timer of a request in the state %s that is %s is shown as %s', (state, timer, shown) => {
  expect(shownTimer({ state, timer })).toBe(shown);
});

describe('decideTimeout', () => {
  type Row = readonly [PaymentRequestState | undefined, OnTimeout, TimeoutDecision, TimeoutDecision];

  it.each<Row>([
    [undefined, 'cancel', 'not_yet', 'end'],
    ['SUBMITTED', 'cancel', 'not_yet', 'end'],
    ['IN_PROGRESS', 'cancel', 'not_yet', 'end'],
    ['COMPLETED', 'cancel', 'spare', 'spare'],
    ['CANCELED', 'cancel', 'spare', 'spare'],
    ['EXPIRED', 'cancel', 'spare', 'spare'],
    ['DECLINED', 'cancel', 'spare', 'spare'],
    [undefined, 'observe', 'not_yet', 'observe'],
    ['SUBMITTED', 'observe', 'not_yet', 'observe'],
    ['IN_PROGRESS', 'observe', 'not_yet', 'observe'],
    ['COMPLETED', 'observe', 'spare', 'spare'],
    ['CANCELED', 'observe', 'spare', 'spare'],
  ])(
    'a timer for a %s request with on_timeout %s decides %s before the deadline and %s from then on',
    (...row) => {
      const [state, onTimeout, before, from] = row;
      const record = registered({ state, session: { ...session, onTimeout } });
      expect(decideTimeout(record, at('2026-03-01T12:29:59.999999999Z'))).toBe(before);
      expect(decideTimeout(record, afterNoon(30))).toBe(from);
      expect(decideTimeout(record, afterNoon(31))).toBe(from);
    },
  );

  it('a timer decides nothing without a session and a deadline', () => {
    expect(decideTimeout(recordWith({ state: 'SUBMITTED' }), noon)).toBe('nothing');
    expect(decideTimeout(recordWith({ state: 'COMPLETED' }), noon)).toBe('nothing');
    expect(decideTimeout(registered({ deadlineAt: undefined }), afterNoon(31))).toBe('nothing');
  });
});

describe('withSparedTimer', () => {
  it.each([
    ['spare', 'COMPLETED', 'spared'],
    ['observe', 'SUBMITTED', 'would_cancel'],
  ] as const)(
    'a timer that decides to %s is recorded, and the record is due only after the Klarna expiry',
    (decision, state, outcome) => {
      const onTimeout = decision === 'observe' ? 'observe' : 'cancel';
      const before = registered({ state, attempts: 2, session: { ...session, onTimeout } });
      const record = withSparedTimer(before, afterNoon(30));
      expect(record).toMatchObject({
        state,
        timer: 'fired',
        reconcileAfter: decision === 'observe' ? afterNoon(48 * 60 + 1) : undefined,
        attempts: 0,
        version: 2,
      });
      expect(record?.cancellation).toBeUndefined();
      expect(record?.history.at(-1)).toMatchObject({
        eventId: `timer:${afterNoon(30)}`,
        kind: 'timer',
        effect: 'noted',
        state,
        detail: { deadline_at: '2026-03-01T12:30:00Z', outcome },
      });
    },
  );

  it('a timer that ended nothing is recorded once per deadline', () => {
    const observing = registered({ session: { ...session, onTimeout: 'observe' } });
    const once = withSparedTimer(observing, afterNoon(30));
    expect(once && withSparedTimer(once, afterNoon(31))).toBeUndefined();
    const moved = once && withSparedTimer({ ...once, deadlineAt: afterNoon(40) }, afterNoon(40));
    expect(moved?.history).toHaveLength(2);
  });

  it.each([
    ['without a deadline', recordWith({ state: 'COMPLETED' })],
    ['whose session is to be canceled', registered()],
    ['whose deadline is still to come', registered({ deadlineAt: afterNoon(60) })],
  ])('a timer of a record %s is not recorded as spared', (_, record) => {
    expect(withSparedTimer(record, afterNoon(30))).toBeUndefined();
  });
});

describe('withEarlyTimer', () => {
  it('a timer that fired early is recorded once per deadline and changes nothing else', () => {
    const before = registered({ state: 'SUBMITTED' });
    const record = withEarlyTimer(before, afterNoon(29));
    expect(record).toEqual({
      ...before,
      history: [
        {
          eventId: `timer:early:${afterNoon(30)}`,
          kind: 'timer',
          recordedAt: afterNoon(29),
          effect: 'noted',
          state: 'SUBMITTED',
          detail: { deadline_at: '2026-03-01T12:30:00Z', outcome: 'not_yet' },
        },
      ],
      version: 2,
      updatedAt: afterNoon(29),
    });
    expect(record && withEarlyTimer(record, afterNoon(29.5))).toBeUndefined();
    const moved = record && withEarlyTimer({ ...record, deadlineAt: afterNoon(40) }, afterNoon(30));
    expect(moved?.history).toHaveLength(2);
  });

  it.each([
    ['at its deadline', registered()],
    ['for a paid request', registered({ state: 'COMPLETED', deadlineAt: afterNoon(60) })],
    ['without a session', recordWith({ deadlineAt: afterNoon(60) })],
    ['without a deadline', registered({ deadlineAt: undefined })],
  ])('a timer that fires %s is not recorded as early', (_, record) => {
    expect(withEarlyTimer(record, afterNoon(30))).toBeUndefined();
  });
});

describe('graceLeft', () => {
  it('the grace of the session takes precedence over the grace of the account', () => {
    const its = registered({ session: { ...session, inProgressGrace: 2 * minute } });
    expect(graceLeft(its, 5 * minute)).toBe(2 * minute);
    expect(graceLeft(registered(), 5 * minute)).toBe(5 * minute);
    expect(graceLeft(registered(), undefined)).toBeUndefined();
  });

  it('grace is given once, and only to sessions', () => {
    const given = { ...session, inProgressGrace: minute, graceGivenAt: plusMillis(noon, 1) };
    expect(graceLeft(registered({ session: given }), 5 * minute)).toBeUndefined();
    expect(graceLeft(recordWith(), 5 * minute)).toBeUndefined();
    expect(graceLeft(undefined, 5 * minute)).toBeUndefined();
  });
});

it('an observed session whose Klarna expiry has passed is due at once after its timer', () => {
  const observing = registered({ klarnaExpiresAt: afterNoon(15) });
  const record = {
    ...observing,
    session: observing.session && { ...observing.session, onTimeout: 'observe' as const },
  };
  expect(withSparedTimer(record, afterNoon(31))?.reconcileAfter).toBe(afterNoon(31));
});

describe('withArmedTimer', () => {
  it.each(['pending', 'armed', 'sweep'] as const)('an armed timer is recorded if it was %s', (timer) => {
    const record = registered({ timer, attempts: 3, reconcileAfter: afterNoon(1) });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1))).toMatchObject({
      timer: 'armed',
      attempts: 0,
      reconcileAfter: afterNoon(31),
      version: 2,
    });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1), 'sweep')).toMatchObject({
      timer: 'sweep',
      reconcileAfter: afterNoon(30),
    });
  });

  it('arming a timer does not change when a record with a claim is due', () => {
    const cancellation = cancellationWith({ outcome: 'claimed' });
    const record = registered({ timer: 'pending', cancellation, reconcileAfter: afterNoon(2) });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1))).toMatchObject({
      timer: 'armed',
      reconcileAfter: afterNoon(2),
    });
  });

  it("arming a timer changes neither due time nor attempts if Klarna's expiry is still to follow", () => {
    const klarnaExpiry = { askedFor: afterNoon(29), shown: afterNoon(29) };
    const record = registered({
      timer: 'pending',
      session: { ...session, klarnaExpiry },
      reconcileAfter: afterNoon(2),
      attempts: 3,
    });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1))).toMatchObject({
      timer: 'armed',
      reconcileAfter: afterNoon(2),
      attempts: 3,
    });
  });

  it('an armed timer is not recorded if the deadline has moved', () => {
    expect(withArmedTimer(registered({ timer: 'pending' }), afterNoon(29), noon)).toBeUndefined();
  });

  it.each(['none', 'fired', 'removed'] as const)(
    'an armed timer is not recorded if it is %s by now',
    (timer) => {
      expect(withArmedTimer(registered({ timer }), afterNoon(30), noon)).toBeUndefined();
    },
  );
});
