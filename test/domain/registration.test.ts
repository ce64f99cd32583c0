import { describe, expect, it } from 'vitest';
import { parseSessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import {
  type Deadline,
  type Registration,
  type SessionDecision,
} from '../../functions/domain/registration.ts';
import { shownTimer } from '../../functions/domain/session-timer.ts';
import { at, key, noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import {
  afterNoon,
  cancellationWith,
  hour,
  minute,
  policy,
  register,
  registered,
  session,
  settledWith,
} from '../support/sessions.ts';

const lasting = (millis: number, given = `${millis} ms`): Deadline => ({
  kind: 'session_timeout',
  millis,
  given,
});
const until = (moment: Instant): Deadline => ({ kind: 'deadline_at', at: moment, given: moment });

function storedBy({ next }: SessionDecision): PaymentRequest {
  if (!next) throw new Error('nothing is stored');
  return next;
}

describe('a first registration', () => {
  const sessionId = parseSessionId('session-1');

  it('a first registration makes a record with its deadline whose timer is armed at once', () => {
    const decision = register(undefined, {
      sessionId,
      reference: 'order 17',
      klarnaExpiresAt: afterNoon(180),
      inProgressGrace: 5 * minute,
    });
    expect(decision.outcome).toEqual({ kind: 'registered' });
    expect(decision.next).toMatchObject({
      ...key,
      sessionId,
      reference: 'order 17',
      klarnaExpiresAt: afterNoon(180),
      session: {
        registeredAt: noon,
        requested: 'PT30M',
        onTimeout: 'cancel',
        inProgressGrace: 5 * minute,
        extensions: 0,
      },
      deadlineAt: afterNoon(30),
      timer: 'armed',
      attempts: 0,
      createdAt: noon,
    });
    expect(versioned(storedBy(decision))).toMatchObject({
      version: 1,
      sequence: 1,
      dueAt: afterNoon(31),
      updatedAt: noon,
    });
    expect(decision.next?.history).toEqual([
      {
        eventId: expect.stringMatching(/^register:/) as string,
        kind: 'register',
        recordedAt: noon,
        effect: 'accepted',
        detail: {
          requested_by: 'arn:aws:iam::000000000000:user/test',
          session_timeout: 'PT30M',
          deadline_at: '2026-03-01T12:30:00Z',
          on_timeout: 'cancel',
        },
      },
    ]);
  });

  it('a first registration joins the webhooks that arrived before it', () => {
    const news = observed('IN_PROGRESS', undefined, { klarnaExpiresAt: afterNoon(180) });
    const { record } = applyObservation(recordWith(), news);
    const { next, outcome } = register(record, {}, afterNoon(1));
    expect(outcome).toEqual({ kind: 'registered' });
    expect(next).toMatchObject({
      state: 'IN_PROGRESS',
      klarnaExpiresAt: afterNoon(180),
      deadlineAt: afterNoon(31),
    });
    expect(next?.history.map((entry) => entry.kind)).toEqual(['webhook', 'register']);
  });

  it.each<[string, Partial<Registration>, string]>([
    ['a deadline in the past', { deadline: until(afterNoon(-1)) }, 'a time in the future'],
    ['the present moment as its deadline', { deadline: until(noon) }, 'a time in the future'],
    ['more time than Klarna allows', { deadline: lasting(48 * hour + 1) }, 'at most P2D from now'],
    ['an absurdly long time', { deadline: lasting(6e14) }, 'at most P2D from now'],
    [
      "a deadline after Klarna's expiry",
      { deadline: lasting(hour), klarnaExpiresAt: afterNoon(59) },
      "at most Klarna's expiry, 2026-03-01T12:59:00Z",
    ],
  ])('a registration with %s is not stored and says what is allowed', (_, fields, allowed) => {
    const { next, outcome } = register(undefined, fields);
    expect(next).toBeUndefined();
    expect(outcome).toEqual({
      kind: 'invalid',
      field: fields.deadline?.kind,
      given: fields.deadline?.given,
      allowed,
    });
  });

  it.each([
    [noon, '2026-03-01T12:00:00Z'],
    [afterNoon(-1), '2026-03-01T11:59:00Z'],
  ])('a registration with a Klarna expiry at %s, in the past, is not stored', (klarnaExpiresAt, given) => {
    const { next, outcome } = register(undefined, { klarnaExpiresAt });
    expect(next).toBeUndefined();
    expect(outcome).toEqual({
      kind: 'invalid',
      field: 'klarna_expires_at',
      given,
      allowed: 'a time in the future',
    });
  });

  it.each<[string, Partial<Registration>]>([
    ['one nanosecond from now', { deadline: until(at('2026-03-01T12:00:00.000000001Z')) }],
    ['48 hours from now', { deadline: lasting(48 * hour) }],
    ["at Klarna's expiry", { deadline: lasting(hour), klarnaExpiresAt: afterNoon(60) }],
  ])('a session may end %s', (_, fields) => {
    expect(register(undefined, fields).outcome).toEqual({ kind: 'registered' });
  });

  it('a session may last as long as the account allows', () => {
    const short = { ...policy, maxSession: hour };
    expect(register(undefined, { deadline: lasting(hour + 1) }, noon, short).outcome).toMatchObject({
      allowed: 'at most PT1H from now',
    });
    expect(register(undefined, { deadline: lasting(hour) }, noon, short).outcome.kind).toBe('registered');
  });
});

describe('the default timeout of the account', () => {
  const withDefault = { ...policy, defaultSessionTimeout: hour };
  const withoutTime = { deadline: undefined };

  it.each<[string, Partial<PaymentRequest>, Partial<Registration>, number, number]>([
    ['as configured', {}, {}, 48, 60],
    ['limited by the longest session of the account', {}, {}, 0.5, 30],
    ["limited by Klarna's expiry", { klarnaExpiresAt: afterNoon(40) }, {}, 48, 40],
    ['limited by the Klarna expiry of the registration', {}, { klarnaExpiresAt: afterNoon(50) }, 48, 50],
    ['the shortest of these limits', { klarnaExpiresAt: afterNoon(40) }, {}, 0.5, 30],
  ])('the default timeout is %s', (_, fields, registration, hours, minutes) => {
    const its = { ...withDefault, maxSession: hours * hour };
    const { next, outcome } = register(recordWith(fields), { ...withoutTime, ...registration }, noon, its);
    expect(outcome.kind).toBe('registered');
    expect(next).toMatchObject({ deadlineAt: afterNoon(minutes), session: { requested: 'PT1H' } });
  });

  it('the default timeout is refused if Klarna has ended the request', () => {
    const ended = recordWith({ klarnaExpiresAt: noon });
    expect(register(ended, withoutTime, noon, withDefault).outcome.kind).toBe('invalid');
  });

  it('a requested timeout is not shortened but refused', () => {
    const its = { ...policy, maxSession: hour / 2 };
    expect(register(undefined, { deadline: lasting(hour) }, noon, its).outcome.kind).toBe('invalid');
  });

  it('a new session without a deadline is refused if the account has no default', () => {
    expect(register(undefined, withoutTime)).toEqual({ outcome: { kind: 'no_deadline' } });
    expect(register(recordWith({ state: 'SUBMITTED' }), withoutTime)).toEqual({
      outcome: { kind: 'no_deadline' },
    });
  });
});

describe('a registration that leaves something out', () => {
  const full = registered({
    reference: 'order 17',
    sessionId: parseSessionId('session-1'),
    klarnaExpiresAt: afterNoon(90),
    session: {
      ...session,
      onTimeout: 'observe',
      inProgressGrace: 5 * minute,
      extensions: 2,
      klarnaExpiresAt: afterNoon(90),
    },
  });
  const nothing = { deadline: undefined, onTimeout: undefined };
  const withDefault = { ...policy, defaultSessionTimeout: hour };

  it('a registration of nothing changes nothing in a registered session', () => {
    for (const its of [policy, withDefault]) {
      expect(register(full, nothing, afterNoon(5), its)).toEqual({ outcome: { kind: 'unchanged' } });
    }
  });

  it('a new session without on_timeout is canceled at its deadline', () => {
    expect(register(undefined, { onTimeout: undefined }).next?.session?.onTimeout).toBe('cancel');
  });

  it('a registration with a new deadline keeps on_timeout, the grace, the session and the reference', () => {
    const { next } = register(full, { deadline: lasting(hour), onTimeout: undefined });
    expect(next).toMatchObject({
      reference: 'order 17',
      sessionId: 'session-1',
      klarnaExpiresAt: afterNoon(90),
      deadlineAt: afterNoon(60),
      timer: 'armed',
      session: { onTimeout: 'observe', inProgressGrace: 5 * minute, klarnaExpiresAt: afterNoon(90) },
    });
    expect(next?.history.at(-1)?.detail).toMatchObject({ on_timeout: 'observe' });
  });

  it.each<[string, Partial<Registration>, object]>([
    ['a session', { sessionId: parseSessionId('session-2') }, { sessionId: 'session-2' }],
    ['a reference', { reference: 'order 18' }, { reference: 'order 18' }],
    ['a grace', { inProgressGrace: minute }, { session: { inProgressGrace: minute } }],
    ['on_timeout', { onTimeout: 'cancel' }, { session: { onTimeout: 'cancel' } }],
    ["Klarna's expiry", { klarnaExpiresAt: afterNoon(80) }, { klarnaExpiresAt: afterNoon(80) }],
  ])('a registration of %s alone moves no deadline and uses no extension', (_, fields, expected) => {
    const { next, outcome } = register(full, { ...nothing, ...fields }, afterNoon(5), withDefault);
    expect(outcome).toEqual({ kind: 'changed' });
    expect(next).toMatchObject({
      ...expected,
      deadlineAt: afterNoon(30),
      timer: 'armed',
    });
    expect(next && versioned(next, full, afterNoon(5)).dueAt).toBe(afterNoon(31));
    expect(next?.session).toMatchObject({ extensions: 2, requested: 'PT30M' });
    expect(next?.history.at(-1)).toMatchObject({ kind: 'register', effect: 'accepted' });
    expect(next?.history.at(-1)?.detail).not.toHaveProperty('session_timeout');
    const others = { ...full, ...expected, session: { ...full.session, ...next?.session } };
    expect(next).toMatchObject({
      sessionId: others.sessionId,
      reference: others.reference,
      session: others.session,
    });
  });

  it('a registration without a deadline is possible after the most extensions', () => {
    const capped = { ...withDefault, maxExtensions: 0 };
    expect(register(full, { ...nothing, reference: 'order 18' }, noon, capped).outcome.kind).toBe('changed');
  });

  it('an observed session is not canceled after its deadline without a new deadline', () => {
    const cancels = { ...nothing, onTimeout: 'cancel' } as const;
    expect(register(full, cancels, afterNoon(29.99)).outcome.kind).toBe('changed');
    for (const minutes of [30, 40]) {
      expect(register(full, cancels, afterNoon(minutes))).toEqual({
        outcome: {
          kind: 'invalid',
          field: 'on_timeout',
          given: 'cancel',
          allowed:
            'observe, because the deadline, 2026-03-01T12:30:00Z, has passed; cancel with a new deadline',
        },
      });
    }
    const again = register(full, { ...cancels, deadline: lasting(minute) }, afterNoon(40));
    expect(again.next).toMatchObject({ timer: 'armed', session: { onTimeout: 'cancel' } });
    const canceled = { ...full, session };
    expect(register(canceled, { ...cancels, reference: 'x' }, afterNoon(40)).outcome.kind).toBe('changed');
  });

  it("a Klarna expiry before the deadline is refused without an earlier deadline, and Klarna's own is not", () => {
    const early = { ...nothing, klarnaExpiresAt: afterNoon(20) };
    expect(register(full, early)).toEqual({
      outcome: {
        kind: 'invalid',
        field: 'klarna_expires_at',
        given: '2026-03-01T12:20:00Z',
        allowed: 'at least the deadline, 2026-03-01T12:30:00Z, or an earlier deadline with it',
      },
    });
    expect(register(full, { ...early, klarnaExpiresAt: afterNoon(30) }).outcome.kind).toBe('changed');
    const shown = { ...full, klarnaExpiresAt: afterNoon(20) };
    expect(register(shown, { ...nothing, reference: 'order 18' }).outcome.kind).toBe('changed');
  });

  it('a session that becomes observed is due if Klarna would end it earlier', () => {
    const klarnaExpiry = { askedFor: afterNoon(30), shown: afterNoon(30) };
    const canceled = registered({ session: { ...session, klarnaExpiry } });
    const its = { ...policy, syncKlarnaExpiry: true };
    const { next } = register(canceled, { ...nothing, onTimeout: 'observe' }, afterNoon(2), its);
    expect(next).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(30) });
    expect(next && versioned(next, canceled, afterNoon(2)).dueAt).toBe(afterNoon(3));
    const waiting = { ...canceled, attempts: 2, retryAt: afterNoon(2.5) };
    const later = register(waiting, { ...nothing, onTimeout: 'observe' }, afterNoon(2), its).next;
    expect(later && versioned(later, waiting, afterNoon(2))).toMatchObject({
      attempts: 2,
      dueAt: afterNoon(2.5),
    });
  });
});

describe('the same registration again', () => {
  it.each([0, 1, 29, 31])('a repeated registration changes nothing after %i minutes', (minutes) => {
    const first = storedBy(register(undefined, { reference: 'order 17' }));
    expect(register(first, { reference: 'order 17' }, afterNoon(minutes))).toEqual({
      outcome: { kind: 'unchanged' },
    });
    expect(register(first, {}, afterNoon(minutes))).toEqual({ outcome: { kind: 'unchanged' } });
  });

  it('a repeated registration changes nothing if Klarna has reported another expiry since', () => {
    const first = storedBy(register(undefined, { klarnaExpiresAt: afterNoon(180) }));
    const facts = { ...first, klarnaExpiresAt: afterNoon(30) };
    for (const minutes of [180, 30]) {
      const again = register(facts, { klarnaExpiresAt: afterNoon(minutes) }, afterNoon(2));
      expect(again).toEqual({ outcome: { kind: 'unchanged' } });
    }
  });

  it('a repeated registration changes nothing after an extension', () => {
    const extended = registered({ deadlineAt: afterNoon(50) });
    expect(register(extended, {}, afterNoon(2))).toEqual({ outcome: { kind: 'unchanged' } });
  });
});

describe('another registration of the same request', () => {
  it.each<[string, Partial<Registration>, Partial<PaymentRequest>]>([
    ['a later deadline', { deadline: lasting(hour) }, { deadlineAt: afterNoon(60) }],
    ['an earlier deadline', { deadline: lasting(5 * minute) }, { deadlineAt: afterNoon(5) }],
    ['another grace', { inProgressGrace: minute }, { deadlineAt: afterNoon(30) }],
    ['observe as its action', { onTimeout: 'observe' }, { deadlineAt: afterNoon(30) }],
    ['a reference', { reference: 'order 18' }, { reference: 'order 18' }],
    ['a session', { sessionId: parseSessionId('session-2') }, { sessionId: parseSessionId('session-2') }],
  ])('a registration with %s changes the session and arms its timer again', (_, fields, expected) => {
    const { next, outcome } = register(registered({ timer: 'pending', attempts: 3 }), fields);
    expect(outcome).toEqual({ kind: 'changed' });
    expect(next).toMatchObject({ ...expected, timer: 'armed' });
    expect(next?.session).toMatchObject({
      registeredAt: noon,
      extensions: fields.deadline === undefined || expected.deadlineAt === afterNoon(5) ? 0 : 1,
    });
  });

  it('a registration keeps what it does not mention', () => {
    const known = registered({
      reference: 'order 17',
      sessionId: parseSessionId('s'),
      klarnaExpiresAt: afterNoon(90),
    });
    expect(register(known, { deadline: lasting(hour) }).next).toMatchObject({
      reference: 'order 17',
      sessionId: 's',
      klarnaExpiresAt: afterNoon(90),
    });
  });

  it('a registration with an unchanged Klarna expiry does not replace the one that Klarna reported', () => {
    const first = storedBy(register(undefined, { klarnaExpiresAt: afterNoon(60) }));
    const longer = { deadline: lasting(45 * minute) };
    const facts = { ...first, klarnaExpiresAt: afterNoon(50) };
    const again = register(facts, { ...longer, klarnaExpiresAt: afterNoon(60) });
    expect(again.next).toMatchObject({
      klarnaExpiresAt: afterNoon(50),
      session: { klarnaExpiresAt: afterNoon(60) },
    });
    expect(register(facts, longer).next).toMatchObject({
      klarnaExpiresAt: afterNoon(50),
      session: { klarnaExpiresAt: afterNoon(60) },
    });
    const news = register(facts, { deadline: lasting(hour), klarnaExpiresAt: afterNoon(90) });
    expect(news.next).toMatchObject({
      deadlineAt: afterNoon(60),
      klarnaExpiresAt: afterNoon(90),
      session: { klarnaExpiresAt: afterNoon(90) },
    });
  });

  it('the first registration after a default timer does not count as an extension', () => {
    const armed = registered({ session: { ...session, requested: 'default_session_timeout' } });
    const capped = { ...policy, maxExtensions: 0, maxSession: 2 * hour };
    const { next, outcome } = register(armed, { deadline: lasting(hour) }, noon, capped);
    expect(outcome.kind).toBe('changed');
    expect(next?.session).toMatchObject({ extensions: 0, requested: `${hour} ms`, registeredAt: noon });
    const longer = { deadline: lasting(2 * hour) };
    expect(register(next, longer, noon, capped).outcome).toMatchObject({
      kind: 'extension_limit',
      allowed: 'at most 0 extensions',
    });
    expect(register(armed, longer, afterNoon(1), capped).outcome).toMatchObject({
      kind: 'extension_limit',
      allowed: 'at most PT2H from the registration, 2026-03-01T12:00:00Z',
    });
  });

  it('a registration with an earlier deadline does not count as an extension and is always allowed', () => {
    const extended = registered();
    const session = extended.session && { ...extended.session, extensions: 10 };
    const capped = { ...policy, maxExtensions: 0 };
    const { next, outcome } = register({ ...extended, session }, { deadline: lasting(minute) }, noon, capped);
    expect(outcome).toEqual({ kind: 'changed' });
    expect(next?.session?.extensions).toBe(10);
  });

  it('a registration does not allow a second grace', () => {
    const known = registered();
    const session = known.session && { ...known.session, graceGivenAt: afterNoon(30) };
    const { next } = register({ ...known, session }, { deadline: lasting(hour) });
    expect(next?.session?.graceGivenAt).toBe(afterNoon(30));
  });

  it('a registration with a later deadline counts as an extension and is limited like one', () => {
    const capped = { ...policy, maxExtensions: 0 };
    const { next, outcome } = register(registered(), { deadline: lasting(hour) }, noon, capped);
    expect(outcome).toMatchObject({ kind: 'extension_limit', allowed: 'at most 0 extensions' });
    expect(next).toMatchObject({ deadlineAt: afterNoon(30), timer: 'armed' });
    expect(next?.history.at(-1)).toMatchObject({ kind: 'register', effect: 'refused' });
  });

  it('a registration is not stored while a cancel is in progress', () => {
    for (const cancellation of [cancellationWith(), settledWith({ outcome: 'pending' })]) {
      expect(register(registered({ cancellation }), { deadline: lasting(hour) })).toEqual({
        outcome: { kind: 'cancellation_pending' },
      });
    }
  });
});

describe('a registration of a paid or final request', () => {
  it.each(['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const)(
    'a registration of a %s request is refused, joined, and gets no timer',
    (state) => {
      const { record } = applyObservation(recordWith(), observed(state));
      const sessionId = parseSessionId('session-1');
      const { next, outcome } = register(record, { reference: 'order 17', sessionId }, afterNoon(1));
      expect(outcome).toEqual({ kind: 'already_final', state });
      expect(next).toMatchObject({
        state,
        reference: 'order 17',
        sessionId,
        timer: 'undecided',
      });
      expect(next && shownTimer(next, afterNoon(1))).toBe('none');
      expect([next?.session, next?.deadlineAt, next && versioned(next).dueAt]).toEqual([
        undefined,
        undefined,
        // The sweep decides whether the account watches authorizations, and looks for another payment of the session.
        state === 'COMPLETED' ? noon : undefined,
      ]);
      expect(next?.history.at(-1)).toMatchObject({
        kind: 'register',
        effect: 'refused',
        detail: { refused: 'already_final' },
      });
    },
  );

  it('a registration of a paid request keeps the session and the reference it has', () => {
    const first = { reference: 'order 17', sessionId: parseSessionId('session-1') };
    const { next } = register(recordWith({ state: 'COMPLETED', ...first }), {
      reference: 'another',
      sessionId: parseSessionId('another'),
    });
    expect(next).toMatchObject(first);
  });

  it('a registration of a paid request keeps the registered session', () => {
    const paid = registered({ state: 'COMPLETED', reference: 'order 17' });
    expect(register(paid, { reference: 'another' }).next?.reference).toBe('order 17');
  });
});
