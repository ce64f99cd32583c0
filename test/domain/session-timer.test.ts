import { describe, expect, it } from 'vitest';
import {
  type TimeoutDecision,
  decideTimeout,
  graceLeft,
  shownTimer,
  withArmedTimer,
  withEarlyTimer,
  withDeadline,
  withObservedTimer,
  withPendingTimer,
} from '../../functions/domain/session-timer.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { OnTimeout, PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { at, noon, recordWith, versioned } from '../support/fixtures.ts';
import {
  armed,
  afterNoon,
  cancellationWith,
  minute,
  registered,
  session,
  settledWith,
} from '../support/sessions.ts';

describe('shownTimer', () => {
  type Timer = PaymentRequest['timer'];
  const shown = (state: PaymentRequestState | undefined, timer: Timer, minutes: number) =>
    shownTimer({ state, timer, deadlineAt: afterNoon(30) }, afterNoon(minutes));

  it.each<[PaymentRequestState | undefined, Timer, Timer, Timer]>([
    ['EXPIRED', 'pending', 'removed', 'removed'],
    ['CANCELED', 'armed', 'removed', 'removed'],
    ['DECLINED', 'sweep', 'removed', 'removed'],
    ['EXPIRED', 'fired', 'fired', 'fired'],
    ['EXPIRED', 'none', 'none', 'none'],
    ['EXPIRED', 'removed', 'removed', 'removed'],
    ['COMPLETED', 'armed', 'armed', 'fired'],
    ['COMPLETED', 'pending', 'pending', 'fired'],
    ['COMPLETED', 'sweep', 'sweep', 'fired'],
    ['COMPLETED', 'removed', 'removed', 'removed'],
    ['SUBMITTED', 'sweep', 'sweep', 'sweep'],
    ['SUBMITTED', 'armed', 'armed', 'armed'],
    [undefined, 'pending', 'pending', 'pending'],
    ['SUBMITTED', 'undecided', 'none', 'none'],
    ['CANCELED', 'undecided', 'none', 'none'],
  ])(
    'the timer of a %s request that is stored as %s is shown as %s before the deadline and as %s from then on',
    (state, timer, before, after) => {
      expect(shown(state, timer, 29.999)).toBe(before);
      expect(shown(state, timer, 30)).toBe(after);
      expect(shown(state, timer, 31)).toBe(after);
    },
  );

  it('the timer of a paid request without a deadline is shown as it is stored', () => {
    expect(shownTimer({ state: 'COMPLETED', timer: 'armed', deadlineAt: undefined }, noon)).toBe('armed');
  });
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
      expect(decideTimeout(record, armed, at('2026-03-01T12:29:59.999999999Z'))).toBe(before);
      expect(decideTimeout(record, armed, afterNoon(30))).toBe(from);
      expect(decideTimeout(record, armed, afterNoon(31))).toBe(from);
    },
  );

  it('a timer decides nothing without a session and a deadline', () => {
    expect(decideTimeout(recordWith({ state: 'SUBMITTED' }), armed, noon)).toBe('nothing');
    expect(decideTimeout(recordWith({ state: 'COMPLETED' }), armed, noon)).toBe('nothing');
    expect(decideTimeout(registered({ deadlineAt: undefined }), armed, afterNoon(31))).toBe('nothing');
  });
});

describe('withObservedTimer', () => {
  const observing = (fields: Partial<PaymentRequest> = {}) =>
    registered({ session: { ...session, onTimeout: 'observe' }, ...fields });

  it('the timer of an observed session is recorded, and the record is due only after the Klarna expiry', () => {
    const before = observing({ state: 'SUBMITTED', attempts: 2, retryAt: afterNoon(45) });
    const record = withObservedTimer(before, armed, afterNoon(30));
    expect(record).toEqual({
      ...before,
      timer: 'fired',
      wouldCancel: { at: afterNoon(30), reason: 'session' },
      attempts: 0,
      retryAt: undefined,
      history: [
        {
          eventId: `timer:${afterNoon(30)}`,
          kind: 'timer',
          recordedAt: afterNoon(30),
          effect: 'noted',
          state: 'SUBMITTED',
          detail: { deadline_at: '2026-03-01T12:30:00Z', outcome: 'would_cancel', reason: 'session' },
        },
      ],
    });
    const written = record && versioned(record, before, afterNoon(30));
    expect([written?.dueAt, written?.changes.map(({ kind }) => kind)]).toEqual([
      afterNoon(48 * 60 + 1),
      ['would_cancel'],
    ]);
  });

  it('an observed session whose Klarna expiry has passed is due at once after its timer', () => {
    const record = withObservedTimer(observing({ klarnaExpiresAt: afterNoon(15) }), armed, afterNoon(31));
    expect(record && versioned(record, undefined, afterNoon(31)).dueAt).toBe(afterNoon(31));
  });

  it('the timer of an observed session does not try a pending cancel earlier', () => {
    const cancellation = settledWith({ outcome: 'pending' });
    const before = observing({ cancellation, attempts: 2, retryAt: afterNoon(45) });
    const record = withObservedTimer(before, armed, afterNoon(30));
    expect(record).toMatchObject({ timer: 'fired', attempts: 2, retryAt: afterNoon(45) });
    expect(record && versioned(record, before, afterNoon(30)).dueAt).toBe(afterNoon(45));
  });

  it('the timer of an observed session is recorded once per deadline', () => {
    const once = withObservedTimer(observing(), armed, afterNoon(30));
    expect(once && withObservedTimer(once, armed, afterNoon(31))).toBeUndefined();
    // A history that is full no longer holds the entry, and a record of an older version may have no timer that fired.
    expect(once && withObservedTimer({ ...once, history: [] }, armed, afterNoon(31))).toBeUndefined();
    expect(once && withObservedTimer({ ...once, timer: 'armed' }, armed, afterNoon(31))).toBeUndefined();
    const moved = once && { ...once, deadlineAt: afterNoon(40), timer: 'armed' as const };
    expect(moved && withObservedTimer(moved, armed, afterNoon(40))?.history).toHaveLength(2);
  });

  it.each<[string, PaymentRequest]>([
    ['without a deadline', recordWith({ state: 'SUBMITTED' })],
    ['whose session is to be canceled', registered()],
    ['whose deadline is still to come', observing({ deadlineAt: afterNoon(60) })],
    ['that is paid', observing({ state: 'COMPLETED' })],
    ['that is paid and whose session is to be canceled', registered({ state: 'COMPLETED' })],
    ['that has ended', observing({ state: 'CANCELED' })],
  ])('a timer of a record %s writes nothing', (_, record) => {
    expect(withObservedTimer(record, armed, afterNoon(30))).toBeUndefined();
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
    });
    expect(record && versioned(record, before, afterNoon(29)).dueAt).toBe(afterNoon(31));
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

describe('withDeadline', () => {
  it.each([
    ['armed', 'armed', 61],
    ['pending', 'armed', 61],
    ['fired', 'armed', 61],
    ['none', 'armed', 61],
    ['undecided', 'armed', 61],
    ['sweep', 'sweep', 60],
  ] as const)(
    'a new deadline makes a timer that is %s %s, and forgets failed attempts',
    (timer, expected, minutes) => {
      const before = registered({ timer, attempts: 3, retryAt: afterNoon(59) });
      const record = { ...before, ...withDeadline(before, afterNoon(60)) };
      expect(record).toEqual({
        ...before,
        deadlineAt: afterNoon(60),
        timer: expected,
        attempts: 0,
        retryAt: undefined,
      });
      expect(versioned(record, before).dueAt).toBe(afterNoon(minutes));
    },
  );
});

describe('withPendingTimer', () => {
  it('a timer that could not be armed is pending, and the sweep arms it a minute later', () => {
    const before = registered({ attempts: 2 });
    const record = withPendingTimer(before, afterNoon(30), afterNoon(1));
    expect(record).toEqual({ ...before, timer: 'pending', retryAt: afterNoon(2) });
    expect(record && versioned(record, before, afterNoon(1))).toMatchObject({
      dueAt: afterNoon(2),
      changes: [],
    });
  });

  it('a session that is over before the next attempt to arm its timer is due at that attempt', () => {
    const before = registered({ deadlineAt: afterNoon(0.5) });
    const record = withPendingTimer(before, afterNoon(0.5), afterNoon(0.25));
    expect(record && versioned(record, before, afterNoon(0.25)).dueAt).toBe(afterNoon(1.25));
  });

  it.each(['pending', 'sweep', 'fired', 'removed', 'none', 'undecided'] as const)(
    'a timer that is %s does not become pending',
    (timer) => {
      expect(withPendingTimer(registered({ timer }), afterNoon(30), noon)).toBeUndefined();
    },
  );

  it('a timer whose deadline has moved meanwhile does not become pending', () => {
    expect(withPendingTimer(registered(), afterNoon(29), noon)).toBeUndefined();
  });
});

describe('withArmedTimer', () => {
  it('a pending timer that the sweep has armed is recorded, and the record is due after its deadline', () => {
    const before = registered({ timer: 'pending', attempts: 3, retryAt: afterNoon(15) });
    const record = withArmedTimer(before, afterNoon(30), 'armed');
    expect(record).toEqual({ ...before, timer: 'armed', attempts: 0, retryAt: undefined });
    expect(record && versioned(record, before, afterNoon(1)).dueAt).toBe(afterNoon(31));
  });

  it.each([
    ['armed', 'sweep', 30],
    ['pending', 'sweep', 30],
    ['sweep', 'armed', 31],
  ] as const)('a timer that was %s and is %s now is due %i minutes after noon', (timer, armed, minutes) => {
    const before = registered({ timer });
    const record = withArmedTimer(before, afterNoon(30), armed);
    expect(record?.timer).toBe(armed);
    expect(record && versioned(record, before, afterNoon(1)).dueAt).toBe(afterNoon(minutes));
  });

  it('arming a timer does not change when a record with a claim is due', () => {
    const lease = { id: 'lease-1', until: afterNoon(2) };
    const before = registered({ timer: 'pending', cancellation: cancellationWith({ lease }) });
    const record = withArmedTimer(before, afterNoon(30), 'armed');
    expect(record && versioned(record, before, afterNoon(1)).dueAt).toBe(afterNoon(2));
  });

  it('arming a timer does not try a pending cancel earlier', () => {
    const cancellation = settledWith({ outcome: 'pending' });
    const before = registered({ timer: 'pending', cancellation, attempts: 3, retryAt: afterNoon(15) });
    const record = withArmedTimer(before, afterNoon(30), 'armed');
    expect(record).toEqual({ ...before, timer: 'armed' });
    expect(record && versioned(record, before, afterNoon(1)).dueAt).toBe(afterNoon(15));
  });

  it("a record with an armed timer stays due if Klarna's expiry is still to follow", () => {
    const klarnaExpiry = { askedFor: afterNoon(29), shown: afterNoon(29) };
    const before = registered({ timer: 'pending', session: { ...session, klarnaExpiry } });
    const record = withArmedTimer(before, afterNoon(30), 'armed');
    expect(record && versioned(record, before, afterNoon(1)).dueAt).toBe(afterNoon(1));
  });

  it.each(['armed', 'sweep'] as const)('a timer that is %s already is not recorded again', (timer) => {
    expect(withArmedTimer(registered({ timer }), afterNoon(30), timer)).toBeUndefined();
  });

  it('an armed timer is not recorded if the deadline has moved', () => {
    expect(withArmedTimer(registered({ timer: 'pending' }), afterNoon(29), 'armed')).toBeUndefined();
  });

  it.each(['none', 'undecided', 'fired', 'removed'] as const)(
    'an armed timer is not recorded if it is %s by now',
    (timer) => {
      expect(withArmedTimer(registered({ timer }), afterNoon(30), 'armed')).toBeUndefined();
      expect(withArmedTimer(registered({ timer }), afterNoon(30), 'sweep')).toBeUndefined();
    },
  );
});
