import { describe, expect, it } from 'vitest';
import { withArmedTimer } from '../../functions/domain/session-timer.ts';
import { noon } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session } from '../support/sessions.ts';

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
