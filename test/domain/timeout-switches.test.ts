import { describe, expect, it } from 'vitest';
import type { Instant } from '../../functions/domain/instant.ts';
import type { OnTimeout } from '../../functions/domain/payment-request.ts';
import { observeReasons } from '../../functions/domain/payment-request.ts';
import {
  observedSession,
  observeReasonOf,
  type SwitchedSession,
  type TimeoutSwitches,
} from '../../functions/domain/timeout-switches.ts';
import { noon } from '../support/fixtures.ts';
import { afterNoon, armed } from '../support/sessions.ts';

const sessionWith = (fields: Partial<SwitchedSession> = {}): SwitchedSession => ({
  registeredAt: noon,
  onTimeout: 'cancel',
  ...fields,
});

const stage = (fields: Partial<TimeoutSwitches['stage']>): TimeoutSwitches => ({
  ...armed,
  stage: { ...armed.stage, ...fields },
});

describe('observeReasonOf', () => {
  it('a session is canceled at its deadline where no switch is turned', () => {
    expect(observeReasonOf(sessionWith(), armed)).toBeUndefined();
    expect(observeReasonOf(sessionWith({ asked: 'cancel' }), armed)).toBeUndefined();
    expect(observeReasonOf(sessionWith({ kind: 'invoice' }), armed)).toBeUndefined();
  });

  it.each<[string, TimeoutSwitches, string]>([
    ['its stage observes', stage({ observe: true }), 'stage'],
    ['it is older than the cut-off of the stage', stage({ armedFrom: afterNoon(1) }), 'armed_from'],
    ['it is older than the cut-off of the account', { ...armed, armedFrom: afterNoon(1) }, 'armed_from'],
    [
      'it is older than one of two cut-offs',
      { ...stage({ armedFrom: afterNoon(-1) }), armedFrom: afterNoon(1) },
      'armed_from',
    ],
  ])('a session is observed where %s, whatever its registration says', (_, switches, reason) => {
    for (const asked of [undefined, 'cancel'] as const) {
      expect(observeReasonOf(sessionWith({ asked }), switches)).toBe(reason);
    }
    expect(observeReasonOf(sessionWith({ onTimeout: 'observe', asked: 'observe' }), switches)).toBe(reason);
  });

  it.each<[Instant]>([[noon], [afterNoon(-1)]])(
    'a session that was registered at the cut-off %s or after it is canceled',
    (armedFrom) => {
      expect(observeReasonOf(sessionWith(), { ...armed, armedFrom })).toBeUndefined();
      expect(observeReasonOf(sessionWith(), stage({ armedFrom }))).toBeUndefined();
    },
  );

  it.each<[OnTimeout | undefined, boolean, OnTimeout | undefined, string | undefined]>([
    [undefined, true, undefined, 'account'],
    [undefined, true, 'cancel', undefined],
    [undefined, true, 'observe', 'kind'],
    [undefined, false, undefined, undefined],
    [undefined, false, 'cancel', undefined],
    [undefined, false, 'observe', 'kind'],
    ['cancel', true, undefined, undefined],
    ['cancel', true, 'observe', undefined],
  ])(
    'a session that said %s, with an account that observes: %s and a rule %s for its kind, is observed for %s',
    (asked, observe, rule, reason) => {
      const switches = {
        ...armed,
        observe,
        kinds: { other: 'observe', ...(rule && { invoice: rule }) },
      } as const;
      expect(observeReasonOf(sessionWith({ asked, kind: 'invoice' }), switches)).toBe(reason);
    },
  );

  it('a rule does not count for a session without a kind, nor for a name that every object has', () => {
    const switches: TimeoutSwitches = { ...armed, kinds: { invoice: 'observe' } };
    expect(observeReasonOf(sessionWith(), switches)).toBeUndefined();
    expect(observeReasonOf(sessionWith({ kind: 'constructor' }), switches)).toBeUndefined();
  });

  it.each([undefined, ...observeReasons])(
    'a session that is observed for %s stays so when every switch is turned off',
    (observedBy) => {
      const session = sessionWith({ onTimeout: 'observe', observedBy });
      expect(observeReasonOf(session, armed)).toBe(observedBy ?? 'session');
      expect(
        observeReasonOf({ ...session, kind: 'invoice' }, { ...armed, kinds: { invoice: 'cancel' } }),
      ).toBe(observedBy ?? 'session');
    },
  );
});

describe('observedSession', () => {
  it('a session that a switch observes keeps what its registration said', () => {
    const session = sessionWith({ asked: 'cancel', kind: 'invoice' });
    expect(observedSession(session, 'stage')).toEqual({
      ...session,
      onTimeout: 'observe',
      observedBy: 'stage',
    });
  });

  it('a session that is observed already keeps its first reason', () => {
    const session = sessionWith({ onTimeout: 'observe' });
    expect(observedSession(session, 'stage')).toBe(session);
  });
});
