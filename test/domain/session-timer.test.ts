import { describe, expect, it } from 'vitest';
import {
  type TimeoutDecision,
  decideTimeout,
  graceLeft,
  withArmedTimer,
  withEarlyTimer,
  withSparedTimer,
} from '../../functions/domain/session-timer.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { OnTimeout } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { at, noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, minute, registered, session } from '../support/sessions.ts';

describe('a timer that goes off', () => {
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
  ])('on a request that is %s, on_timeout %s: %s before its deadline, %s from then on', (...row) => {
    const [state, onTimeout, before, from] = row;
    const record = registered({ state, session: { ...session, onTimeout } });
    expect(decideTimeout(record, at('2026-03-01T12:29:59.999999999Z'))).toBe(before);
    expect(decideTimeout(record, afterNoon(30))).toBe(from);
    expect(decideTimeout(record, afterNoon(31))).toBe(from);
  });

  it('means nothing where there is no session', () => {
    expect(decideTimeout(recordWith({ state: 'SUBMITTED' }), noon)).toBe('nothing');
    expect(decideTimeout(recordWith({ state: 'COMPLETED' }), noon)).toBe('nothing');
    expect(decideTimeout(registered({ deadlineAt: undefined }), afterNoon(31))).toBe('nothing');
  });
});

describe('a timer that ended nothing', () => {
  it.each([
    ['spare', 'COMPLETED', 'spared'],
    ['observe', 'SUBMITTED', 'would_cancel'],
  ] as const)(
    '%s is written down, and the sweep need not look before Klarna has ended it',
    (decision, state, outcome) => {
      const record = withSparedTimer(registered({ state, attempts: 2 }), decision, afterNoon(30));
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

  it('is written down once, however often it fires, and again for another deadline', () => {
    const once = withSparedTimer(registered(), 'observe', afterNoon(30));
    expect(once && withSparedTimer(once, 'observe', afterNoon(31))).toBeUndefined();
    const moved = once && withSparedTimer({ ...once, deadlineAt: afterNoon(40) }, 'observe', afterNoon(40));
    expect(moved?.history).toHaveLength(2);
  });

  it('is not written down where there is no deadline', () => {
    expect(withSparedTimer(recordWith(), 'spare', noon)).toBeUndefined();
  });
});

describe('a timer that went off early', () => {
  it('is written down once per deadline, and nothing else changes', () => {
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
    ['of what is paid', registered({ state: 'COMPLETED', deadlineAt: afterNoon(60) })],
    ['where there is no session', recordWith({ deadlineAt: afterNoon(60) })],
    ['where there is no deadline', registered({ deadlineAt: undefined })],
  ])('is none %s', (_, record) => {
    expect(withEarlyTimer(record, afterNoon(30))).toBeUndefined();
  });
});

describe('the grace of a customer who is paying', () => {
  it("is the session's own, else the account's", () => {
    const its = registered({ session: { ...session, inProgressGrace: 2 * minute } });
    expect(graceLeft(its, 5 * minute)).toBe(2 * minute);
    expect(graceLeft(registered(), 5 * minute)).toBe(5 * minute);
    expect(graceLeft(registered(), undefined)).toBeUndefined();
  });

  it('is given once, and to sessions only', () => {
    const given = { ...session, inProgressGrace: minute, graceGivenAt: plusMillis(noon, 1) };
    expect(graceLeft(registered({ session: given }), 5 * minute)).toBeUndefined();
    expect(graceLeft(recordWith(), 5 * minute)).toBeUndefined();
    expect(graceLeft(undefined, 5 * minute)).toBeUndefined();
  });
});

it('is due at once where Klarna has ended an observed session before its deadline, and the webhook may be lost', () => {
  const observing = registered({ klarnaExpiresAt: afterNoon(15) });
  const record = {
    ...observing,
    session: observing.session && { ...observing.session, onTimeout: 'observe' as const },
  };
  expect(withSparedTimer(record, 'observe', afterNoon(31))?.reconcileAfter).toBe(afterNoon(31));
});

describe('a timer that is armed', () => {
  it.each(['pending', 'armed', 'sweep'] as const)('is written down where it was %s', (timer) => {
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

  it('leaves a cancel that was begun meanwhile as due as it was', () => {
    const cancellation = cancellationWith({ outcome: 'claimed' });
    const record = registered({ timer: 'pending', cancellation, reconcileAfter: afterNoon(2) });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1))).toMatchObject({
      timer: 'armed',
      reconcileAfter: afterNoon(2),
    });
  });

  it("leaves Klarna's own expiry to be looked after, where that has not followed the deadline", () => {
    const klarnaExpiry = { askedFor: afterNoon(29), shown: afterNoon(29) };
    const record = registered({
      timer: 'pending',
      session: { ...session, klarnaExpiry },
      reconcileAfter: afterNoon(2),
    });
    expect(withArmedTimer(record, afterNoon(30), afterNoon(1))).toMatchObject({
      timer: 'armed',
      reconcileAfter: afterNoon(2),
    });
  });

  it('is not written down for a deadline that has moved', () => {
    expect(withArmedTimer(registered({ timer: 'pending' }), afterNoon(29), noon)).toBeUndefined();
  });

  it.each(['none', 'fired', 'removed'] as const)('is not written down where it is %s by now', (timer) => {
    expect(withArmedTimer(registered({ timer }), afterNoon(30), noon)).toBeUndefined();
  });
});
